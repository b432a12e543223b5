// SPDX-License-Identifier: Apache-2.0
#include "instance.hpp"

#include "branch.hpp"
#include "leaf.hpp"
#include "root.hpp"
#include "stream.hpp"

#include <array>

namespace joinleaf::tcp_root {
namespace {

constexpr std::uint32_t reliable = XP1_GUARANTEED_DELIVERY | XP1_GUARANTEED_ORDER | XP1_GRACEFUL_CLOSE;
constexpr std::uint32_t multipoint = reliable | XP1_MESSAGE_ORIENTED | XP1_CONNECT_DATA |
                                     XP1_SUPPORT_MULTIPOINT | XP1_MULTIPOINT_CONTROL_PLANE |
                                     XP1_QOS_SUPPORTED;
constexpr std::uint32_t multipoint_abilities = JL_CAN_INVITE | JL_CAN_ASK;

constexpr jl_protocol stream_entry(const char* name, int family, int address_size) {
    return {sizeof(jl_protocol),
            name,
            reliable | XP1_EXPEDITED_DATA,
            PFL_MATCHES_PROTOCOL_ZERO,
            family,
            SOCK_STREAM,
            IPPROTO_TCP,
            0,
            address_size,
            address_size,
            0,
            0,
            0,
            JL_CAN_MIX_ORDINARY};
}

constexpr jl_protocol multipoint_entry(const char* name, std::uint32_t more, int family, int address_size) {
    return {sizeof(jl_protocol),
            name,
            multipoint | more,
            PFL_MATCHES_PROTOCOL_ZERO | PFL_MULTIPLE_PROTO_ENTRIES,
            family,
            SOCK_SEQPACKET,
            IPPROTO_TCP,
            0,
            address_size,
            address_size,
            wire::message_max,
            static_cast<std::uint32_t>(wire::data_max),
            static_cast<std::uint32_t>(wire::data_max),
            multipoint_abilities};
}

constexpr int size4 = sizeof(sockaddr_in);
constexpr int size6 = sizeof(sockaddr_in6);

constexpr std::array<jl_protocol, 6> entries{
    stream_entry("stream-ipv4", AF_INET, size4),
    stream_entry("stream-ipv6", AF_INET6, size6),
    multipoint_entry("rooted-ipv4", XP1_MULTIPOINT_DATA_PLANE, AF_INET, size4),
    multipoint_entry("rooted-ipv6", XP1_MULTIPOINT_DATA_PLANE, AF_INET6, size6),
    multipoint_entry("relay-ipv4", 0, AF_INET, size4),
    multipoint_entry("relay-ipv6", 0, AF_INET6, size6),
};

constexpr auto entry_table = provider::pointers_to(entries);

constexpr std::uint32_t c_flags = WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_C_LEAF;
constexpr std::uint32_t d_flags = WSA_FLAG_MULTIPOINT_D_ROOT | WSA_FLAG_MULTIPOINT_D_LEAF;

void hand_out(const std::shared_ptr<endpoint>& made, endpoint*& out) {
    made->hand_over();
    out = made.get();
}

} // namespace

std::span<const jl_protocol* const> protocol_table() noexcept {
    return entry_table;
}

instance::instance(const jl_create& create)
    : limits_(std::make_shared<const settings>(read_settings(create))) {}

std::int32_t instance::open(jl_handle* handle, jl_open& open, endpoint*& out) const {
    const jl_protocol& entry = entries.at(open.protocol_index);
    open.fd = -1;
    if ((entry.service_flags & XP1_SUPPORT_MULTIPOINT) == 0) {
        return (open.flags & (c_flags | d_flags)) != 0 ? WSAEINVAL : open_stream(handle, open, out);
    }
    if (open.parent != nullptr) {
        return open_child(handle, open, out);
    }
    const bool rooted = (entry.service_flags & XP1_MULTIPOINT_DATA_PLANE) != 0;
    return open_multipoint(handle, open, rooted ? wire::data_plane::rooted : wire::data_plane::nonrooted, out);
}

std::int32_t instance::open_stream(jl_handle* handle, jl_open& open, endpoint*& out) const {
    const int family = entries.at(open.protocol_index).family;
    auto* const parent = dynamic_cast<stream*>(reinterpret_cast<endpoint*>(open.parent));
    auto fd = parent != nullptr ? parent->claim(open.request) : tcp::make(family);
    if (!fd) {
        return fd.error();
    }
    const auto made = std::make_shared<stream>(handle, limits_, family, fd->get());
    if (parent != nullptr) {
        made->mark_connected();
    }
    open.fd = fd->release();
    open.fd_kind = JL_FD_OWN;
    hand_out(made, out);
    return 0;
}

// A socket that comes from a root is the root's for one leaf; one that comes from a listening leaf is the
// leaf's member socket (AC-27).
std::int32_t instance::open_child(jl_handle* handle, jl_open& open, endpoint*& out) const {
    auto* const parent = reinterpret_cast<endpoint*>(open.parent);
    if (auto* const inviter = dynamic_cast<root*>(parent)) {
        open.fd_kind = JL_FD_NONE;
        hand_out(std::make_shared<branch>(handle, inviter->home()), out);
        return 0;
    }
    if (auto* const listener = dynamic_cast<leaf*>(parent)) {
        const auto made = std::make_shared<leaf>(handle, limits_, listener->who(),
                                                 entries.at(open.protocol_index).family, tcp::descriptor());
        made->inherit(*listener);
        open.fd_kind = JL_FD_SET;
        hand_out(made, out);
        return 0;
    }
    return WSAEINVAL;
}

// Where what the leaves send is for others too, the loops read it; else the application may (session_readers.cpp).
std::int32_t instance::open_root(jl_open& open, const std::shared_ptr<root>& made, endpoint*& out) {
    const session& home = *made->home();
    if (!home.is_complete()) {
        return WSAEMFILE;
    }
    open.fd_kind = home.is_direct() ? JL_FD_SET : JL_FD_NONE;
    hand_out(made, out);
    return 0;
}

std::int32_t instance::open_multipoint(jl_handle* handle, jl_open& open, wire::data_plane plane,
                                       endpoint*& out) const {
    const int family = entries.at(open.protocol_index).family;
    const std::uint32_t c = open.flags & c_flags;
    const std::uint32_t d = open.flags & d_flags;
    if (c == 0 || c == c_flags || d == 0 || d == d_flags) {
        return WSAEINVAL;
    }
    const auto data = d == WSA_FLAG_MULTIPOINT_D_ROOT ? wire::data_role::root : wire::data_role::leaf;
    if (data == wire::data_role::root && plane == wire::data_plane::nonrooted) {
        return WSAEINVAL;
    }
    auto fd = tcp::make(family);
    if (!fd) {
        return fd.error();
    }
    if (c == WSA_FLAG_MULTIPOINT_C_ROOT) {
        const wire::roles who{wire::control_role::root, data, plane};
        return open_root(open, std::make_shared<root>(handle, limits_, who, family, std::move(*fd)), out);
    } else {
        const wire::roles who{wire::control_role::leaf, data, plane};
        open.fd_kind = JL_FD_SET;
        hand_out(std::make_shared<leaf>(handle, limits_, who, family, std::move(*fd)), out);
    }
    return 0;
}

} // namespace joinleaf::tcp_root
