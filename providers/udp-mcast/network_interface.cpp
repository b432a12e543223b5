// SPDX-License-Identifier: Apache-2.0
#include "network_interface.hpp"

#include <fmt/format.h>

#include <ifaddrs.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>

namespace joinleaf::udp_mcast {

namespace {

network_interface& entry_of(std::vector<network_interface>& all, const ifaddrs& row) {
    const auto found = std::ranges::find(all, row.ifa_name, &network_interface::name);
    if (found != all.end()) {
        return *found;
    }
    return all.emplace_back(
        network_interface{row.ifa_name, ::if_nametoindex(row.ifa_name), row.ifa_flags, {}});
}

void add_address(network_interface& owner, const sockaddr* name) {
    if (name != nullptr && (name->sa_family == AF_INET || name->sa_family == AF_INET6)) {
        owner.addresses.push_back(
            address_from(name, name->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6)));
    }
}

bool has_address(const network_interface& candidate, const address& wanted) {
    return std::ranges::any_of(candidate.addresses, [&](const address& own) { return own.same_host(wanted); });
}

const network_interface* find(const std::vector<network_interface>& all, std::string_view text) {
    unsigned index = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
    const bool is_index = error == std::errc{} && end == text.data() + text.size();
    const auto wanted = parse_address(text);
    auto found = std::ranges::find(all, text, &network_interface::name);
    if (found == all.end() && is_index) {
        found = std::ranges::find(all, index, &network_interface::index);
    }
    if (found == all.end() && wanted) {
        found = std::ranges::find_if(all, [&](const auto& one) { return has_address(one, *wanted); });
    }
    return found == all.end() ? nullptr : &*found;
}

// "eth0 (192.0.2.2, fd00::2), wlan0": what the operator may write instead.
std::string those_that_would_do(const std::vector<network_interface>& all) {
    std::string text;
    for (const auto& one : all) {
        if (!one.carries_multicast()) {
            continue;
        }
        std::string addresses;
        for (const auto& own : one.addresses) {
            addresses += (addresses.empty() ? "" : ", ") + own.text();
        }
        text += (text.empty() ? "" : ", ") + one.name + (addresses.empty() ? "" : " (" + addresses + ")");
    }
    return text.empty() ? "no interface of this host would do" : "those that would do: " + text;
}

} // namespace

bool network_interface::carries_multicast() const noexcept {
    return (flags & IFF_UP) != 0 && (flags & (IFF_MULTICAST | IFF_LOOPBACK)) != 0;
}

std::vector<network_interface> list_interfaces() {
    ifaddrs* rows = nullptr;
    if (::getifaddrs(&rows) != 0) {
        return {};
    }
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(rows, &::freeifaddrs);
    std::vector<network_interface> all;
    for (const auto* row = rows; row != nullptr; row = row->ifa_next) {
        add_address(entry_of(all, *row), row->ifa_addr);
    }
    // One that went away while it was being listed has no index any more.
    std::erase_if(all, [](const auto& one) { return one.index == 0; });
    return all;
}

int send_multicast_by(int fd, int family, unsigned index, in_addr source) noexcept {
    if (family == AF_INET6) {
        return ::setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof index) == 0 ? 0 : errno;
    }
    ip_mreqn request{};
    request.imr_address = source;
    request.imr_ifindex = static_cast<int>(index);
    return ::setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request) == 0 ? 0 : errno;
}

bool is_loopback(unsigned index) noexcept {
    const provider::descriptor control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq asked{};
    return control && ::if_indextoname(index, asked.ifr_name) != nullptr &&
           ::ioctl(control.get(), SIOCGIFFLAGS, &asked) == 0 && (asked.ifr_flags & IFF_LOOPBACK) != 0;
}

unsigned interface_of(const address& local) {
    if (local.scope() != 0) {
        return local.scope();
    }
    const auto all = list_interfaces();
    auto found = std::ranges::find_if(all, [&](const auto& one) { return has_address(one, local); });
    // All of 127.0.0.0/8 is this host although `lo` lists only the first of it.
    if (found == all.end() && local.family() == AF_INET &&
        ntohl(local.four.sin_addr.s_addr) >> 24U == IN_LOOPBACKNET) {
        found = std::ranges::find_if(all, [](const auto& one) { return (one.flags & IFF_LOOPBACK) != 0; });
    }
    return found == all.end() ? 0 : found->index;
}

std::optional<unsigned> named_interface(in_addr which) {
    const auto number = ntohl(which.s_addr);
    if (number >> 24U == 0) {
        return number;
    }
    const auto index = interface_of(address_of(which));
    return index == 0 ? std::nullopt : std::optional(index);
}

tl::expected<network_interface, refusal> choose_interface(std::string_view text, std::string_view where) {
    const auto all = list_interfaces();
    const auto refuse = [&](std::int32_t code, std::string_view what) {
        return tl::make_unexpected(refusal{
            code, fmt::format("{}: interface '{}' {}; {}", where, text, what, those_that_would_do(all))});
    };
    const auto* found = find(all, text);
    if (found == nullptr) {
        return refuse(WSAENETDOWN, "is neither the name, the index nor an address of one of this host");
    }
    if ((found->flags & IFF_UP) == 0) {
        return refuse(WSAENETDOWN, "is down");
    }
    if (!found->carries_multicast()) {
        return refuse(WSAEINVAL, "carries no multicast");
    }
    return *found;
}

} // namespace joinleaf::udp_mcast
