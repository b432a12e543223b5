// SPDX-License-Identifier: Apache-2.0
//
// The options that change a socket's groups, in all their forms.
#pragma once

#include "address.hpp"
#include "memberships.hpp"

#include <tl/expected.hpp>

#include <cstdint>

namespace joinleaf::udp_mcast {

struct membership_request {
    enum class act { add, drop, add_source, drop_source, block_source, unblock_source };

    act what;
    address group;
    address source;    // of those that concern one sender
    unsigned link = 0; // 0: none is named

    // 0 or an errno. [caller] of the sending direction.
    [[nodiscard]] int carry_out(memberships& groups) const;
};

// Whether the option is one of them. [any]
bool changes_membership(std::int32_t level, std::int32_t option) noexcept;

// What such an option asks for. WSAEFAULT: the value is too short; WSAEADDRNOTAVAIL: its group is none of
// that level's family, or its interface does not exist. [any]
tl::expected<membership_request, std::int32_t> decode_membership(std::int32_t level, std::int32_t option,
                                                                 const void* value, std::uint32_t length);

} // namespace joinleaf::udp_mcast
