// SPDX-License-Identifier: Apache-2.0
// The protocol entry that a transfer uses.
#pragma once

#include "result.hpp"

#include <joinleaf/ext.h>

#include <cstddef>
#include <optional>
#include <string>

namespace joinleaf::cli {

/// One multipoint entry of the catalog that carries messages.
struct entry {
    WSAPROTOCOL_INFOA info{};

    bool rooted_control() const { return has(XP1_MULTIPOINT_CONTROL_PLANE); }
    bool rooted_data() const { return has(XP1_MULTIPOINT_DATA_PLANE); }
    bool reliable() const { return has(XP1_GUARANTEED_DELIVERY); }
    bool connect_data() const { return has(XP1_CONNECT_DATA); }
    /// PROVIDER/ENTRY, without the sentence that follows it in szProtocol.
    std::string name() const;

    /// Bytes that one message of a transfer may have: what the entry carries, but on an unreliable one no more than
    /// travels unfragmented, since one lost fragment loses the message.
    std::size_t message_room() const;

  private:
    bool has(DWORD bit) const { return (info.dwServiceFlags1 & bit) != 0; }
};

/// The first entry, in catalog order, with multipoint and messages; of the configured provider called so unless the
/// name is empty, of the address family unless there is none. Needs a started runtime. status::session where none
/// fits, with what there is.
result<entry> choose_entry(const std::string& provider, std::optional<int> family);

} // namespace joinleaf::cli
