// SPDX-License-Identifier: Apache-2.0
#include "runtime/catalog/selection.hpp"

#include "runtime/catalog/provider.hpp"

#include <bit>

namespace joinleaf::catalog {
namespace {

constexpr DWORD control_flags = WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_C_LEAF;
constexpr DWORD data_flags = WSA_FLAG_MULTIPOINT_D_ROOT | WSA_FLAG_MULTIPOINT_D_LEAF;
constexpr DWORD known_flags = WSA_FLAG_OVERLAPPED | control_flags | data_flags |
                              WSA_FLAG_ACCESS_SYSTEM_SECURITY | WSA_FLAG_NO_HANDLE_INHERIT;

bool covers(const jl_protocol& row, int protocol) {
    if (protocol == 0) {
        return (row.provider_flags & PFL_MATCHES_PROTOCOL_ZERO) != 0;
    }
    return protocol >= row.protocol && protocol - row.protocol <= row.protocol_max_offset;
}

hindrance flags_hindrance(const jl_protocol& row, const narrowing& limits, DWORD flags) {
    const DWORD roles = flags & (control_flags | data_flags);
    if (!are_lawful(flags)) {
        return {obstacle::flags, false};
    }
    if (roles == 0) {
        const bool ordinary = (row.abilities & JL_CAN_MIX_ORDINARY) != 0;
        return {ordinary ? obstacle::none : obstacle::ordinary, false};
    }
    if ((roles & ~carried_flags(row)) != 0) {
        return {obstacle::flags, false};
    }
    const bool allowed = (roles & ~limits.flags) == 0;
    return {allowed ? obstacle::none : obstacle::flags, true};
}

} // namespace

DWORD carried_flags(const jl_protocol& row) {
    if ((row.service_flags & XP1_SUPPORT_MULTIPOINT) == 0) {
        return 0;
    }
    DWORD flags = WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF;
    if ((row.service_flags & XP1_MULTIPOINT_CONTROL_PLANE) != 0) {
        flags |= WSA_FLAG_MULTIPOINT_C_ROOT;
    }
    if ((row.service_flags & XP1_MULTIPOINT_DATA_PLANE) != 0) {
        flags |= WSA_FLAG_MULTIPOINT_D_ROOT;
    }
    return flags;
}

bool are_lawful(DWORD flags) {
    const int control = std::popcount(flags & control_flags);
    const int data = std::popcount(flags & data_flags);
    return (flags & ~known_flags) == 0 && control == data && control <= 1;
}

hindrance first_hindrance(const jl_protocol& row, const narrowing& limits, const query& asked) {
    if (!lists(limits, row)) {
        return {obstacle::listing, true};
    }
    if (asked.type != 0 && asked.type != row.socket_type) {
        return {obstacle::type, false};
    }
    if (!allows_type(limits, row.socket_type)) {
        return {obstacle::type, true};
    }
    if (asked.family != 0 && asked.family != row.family) {
        return {obstacle::family, false};
    }
    if (!allows_family(limits, row.family)) {
        return {obstacle::family, true};
    }
    if (!covers(row, asked.protocol)) {
        return {obstacle::protocol, false};
    }
    if (!allows_protocol(limits, row, asked.protocol)) {
        return {obstacle::protocol, true};
    }
    return flags_hindrance(row, limits, asked.flags);
}

int check_flags(const entry& which, DWORD flags) {
    const auto found = flags_hindrance(*which.protocol, which.owner->limits, flags);
    return found.what == obstacle::none ? 0 : WSAEINVAL;
}

} // namespace joinleaf::catalog
