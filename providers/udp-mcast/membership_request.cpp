// SPDX-License-Identifier: Apache-2.0
#include "membership_request.hpp"

#include "network_interface.hpp"
#include "option_value.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

namespace joinleaf::udp_mcast {

namespace {

using act = membership_request::act;
using decoded = tl::expected<membership_request, std::int32_t>;

decoded decode_four(act what, const void* value, std::uint32_t length) {
    const auto request = load<ip_mreq>(value, length);
    if (!request) {
        return tl::make_unexpected(WSAEFAULT);
    }
    auto link = named_interface(request->imr_interface);
    // Linux' longer form names the interface by number.
    if (const auto longer = load<ip_mreqn>(value, length); longer && longer->imr_ifindex != 0) {
        link = static_cast<unsigned>(longer->imr_ifindex);
    }
    if (!link) {
        return tl::make_unexpected(WSAEADDRNOTAVAIL);
    }
    return membership_request{what, address_of(request->imr_multiaddr), {}, *link};
}

decoded decode_four_source(act what, const void* value, std::uint32_t length) {
    const auto request = load<ip_mreq_source>(value, length);
    if (!request) {
        return tl::make_unexpected(WSAEFAULT);
    }
    const auto link = named_interface(request->imr_interface);
    if (!link) {
        return tl::make_unexpected(WSAEADDRNOTAVAIL);
    }
    return membership_request{what, address_of(request->imr_multiaddr), address_of(request->imr_sourceaddr),
                              *link};
}

decoded decode_six(act what, const void* value, std::uint32_t length) {
    const auto request = load<ipv6_mreq>(value, length);
    if (!request) {
        return tl::make_unexpected(WSAEFAULT);
    }
    auto group = any_address(AF_INET6, 0);
    group.six.sin6_addr = request->ipv6mr_multiaddr;
    return membership_request{what, group, {}, request->ipv6mr_interface};
}

address from_storage(const sockaddr_storage& name) noexcept {
    return address_from(reinterpret_cast<const sockaddr*>(&name),
                        name.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
}

decoded decode_group(act what, const void* value, std::uint32_t length) {
    const auto request = load<group_req>(value, length);
    if (!request) {
        return tl::make_unexpected(WSAEFAULT);
    }
    return membership_request{what, from_storage(request->gr_group), {}, request->gr_interface};
}

decoded decode_group_source(act what, const void* value, std::uint32_t length) {
    const auto request = load<group_source_req>(value, length);
    if (!request) {
        return tl::make_unexpected(WSAEFAULT);
    }
    return membership_request{what, from_storage(request->gsr_group), from_storage(request->gsr_source),
                              request->gsr_interface};
}

struct membership_option {
    std::int32_t level, name;
    act what;
    decoded (*decode)(act, const void*, std::uint32_t);
};

constexpr std::array membership_options{
    membership_option{IPPROTO_IP, IP_ADD_MEMBERSHIP, act::add, decode_four},
    membership_option{IPPROTO_IP, IP_DROP_MEMBERSHIP, act::drop, decode_four},
    membership_option{IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, act::add_source, decode_four_source},
    membership_option{IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, act::drop_source, decode_four_source},
    membership_option{IPPROTO_IP, IP_BLOCK_SOURCE, act::block_source, decode_four_source},
    membership_option{IPPROTO_IP, IP_UNBLOCK_SOURCE, act::unblock_source, decode_four_source},
    membership_option{IPPROTO_IPV6, IPV6_JOIN_GROUP, act::add, decode_six},
    membership_option{IPPROTO_IPV6, IPV6_LEAVE_GROUP, act::drop, decode_six},
    membership_option{IPPROTO_IP, MCAST_JOIN_GROUP, act::add, decode_group},
    membership_option{IPPROTO_IP, MCAST_LEAVE_GROUP, act::drop, decode_group},
    membership_option{IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, act::add_source, decode_group_source},
    membership_option{IPPROTO_IP, MCAST_LEAVE_SOURCE_GROUP, act::drop_source, decode_group_source},
    membership_option{IPPROTO_IP, MCAST_BLOCK_SOURCE, act::block_source, decode_group_source},
    membership_option{IPPROTO_IP, MCAST_UNBLOCK_SOURCE, act::unblock_source, decode_group_source},
    membership_option{IPPROTO_IPV6, MCAST_JOIN_GROUP, act::add, decode_group},
    membership_option{IPPROTO_IPV6, MCAST_LEAVE_GROUP, act::drop, decode_group},
    membership_option{IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP, act::add_source, decode_group_source},
    membership_option{IPPROTO_IPV6, MCAST_LEAVE_SOURCE_GROUP, act::drop_source, decode_group_source},
    membership_option{IPPROTO_IPV6, MCAST_BLOCK_SOURCE, act::block_source, decode_group_source},
    membership_option{IPPROTO_IPV6, MCAST_UNBLOCK_SOURCE, act::unblock_source, decode_group_source},
};

const membership_option* option_of(std::int32_t level, std::int32_t name) noexcept {
    const auto* found = std::ranges::find_if(
        membership_options, [&](const auto& one) { return one.level == level && one.name == name; });
    return found == membership_options.end() ? nullptr : found;
}

} // namespace

int membership_request::carry_out(memberships& groups) const {
    switch (what) {
    case act::add: return groups.add(group, link);
    case act::drop: return groups.drop(group, link);
    case act::add_source: return groups.add_source(group, source, link);
    case act::drop_source: return groups.drop_source(group, source, link);
    case act::block_source: return groups.block_source(group, source, link);
    case act::unblock_source: return groups.unblock_source(group, source, link);
    }
    return EINVAL;
}

bool changes_membership(std::int32_t level, std::int32_t option) noexcept {
    return option_of(level, option) != nullptr;
}

tl::expected<membership_request, std::int32_t> decode_membership(std::int32_t level, std::int32_t option,
                                                                 const void* value, std::uint32_t length) {
    const auto* const asked = option_of(level, option);
    if (asked == nullptr) {
        return tl::make_unexpected(WSAENOPROTOOPT);
    }
    auto request = asked->decode(asked->what, value, length);
    const int family = level == IPPROTO_IPV6 ? AF_INET6 : AF_INET;
    if (request && (request->group.family() != family || !request->group.is_multicast())) {
        return tl::make_unexpected(WSAEADDRNOTAVAIL);
    }
    return request;
}

} // namespace joinleaf::udp_mcast
