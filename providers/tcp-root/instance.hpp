// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base.hpp"
#include "settings.hpp"
#include "wire.hpp"

#include <cstdint>
#include <memory>
#include <span>

namespace joinleaf::tcp_root {

class root;

// The protocol entries, two of each kind: IPv4, then IPv6.
std::span<const jl_protocol* const> protocol_table() noexcept;

// One YAML entry. [init] for its life; open is [caller].
class instance {
  public:
    explicit instance(const jl_create& create);

    // Errors: WSAEINVAL (flags that the entry does not serve), WSAEMFILE, WSAENOBUFS, WSAEAFNOSUPPORT,
    // WSAECONNRESET.
    std::int32_t open(jl_handle* handle, jl_open& open, endpoint*& out) const;

  private:
    std::int32_t open_stream(jl_handle* handle, jl_open& open, endpoint*& out) const;
    std::int32_t open_multipoint(jl_handle* handle, jl_open& open, wire::data_plane plane,
                                 endpoint*& out) const;
    static std::int32_t open_root(jl_open& open, const std::shared_ptr<root>& made, endpoint*& out);
    std::int32_t open_child(jl_handle* handle, jl_open& open, endpoint*& out) const;

    const std::shared_ptr<const settings> limits_;
};

} // namespace joinleaf::tcp_root
