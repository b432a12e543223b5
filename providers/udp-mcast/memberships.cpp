// SPDX-License-Identifier: Apache-2.0
#include "memberships.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

namespace joinleaf::udp_mcast {

namespace {

bool same_group(const in6_addr& one, const in6_addr& other) noexcept {
    return std::memcmp(&one, &other, sizeof one) == 0;
}

int level_of(const address& group) noexcept {
    return group.family() == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
}

template <class Request>
int ask_kernel(int fd, int option, const address& group, const Request& request) noexcept {
    return ::setsockopt(fd, level_of(group), option, &request, sizeof request) == 0 ? 0 : errno;
}

} // namespace

int memberships::set_filter(packet_filter filter) {
    filter.groups = filter_.groups;
    const int error = filter.attach(fd_);
    if (error == 0) {
        filter_ = std::move(filter);
    }
    return error;
}

int memberships::add(const address& group, unsigned link) {
    return joining(group, link, [&] { return group_request(MCAST_JOIN_GROUP, group, link); });
}

int memberships::add_source(const address& group, const address& source, unsigned link) {
    const int error =
        joining(group, link, [&] { return source_request(MCAST_JOIN_SOURCE_GROUP, group, source, link); });
    if (const auto rule = find(group, link); error == 0 && rule != six_.end()) {
        ++rule->sources;
    }
    return error;
}

int memberships::drop(const address& group, unsigned link) {
    const int error = group_request(MCAST_LEAVE_GROUP, group, link);
    if (error == 0) {
        forget(group, link);
    }
    return error;
}

int memberships::drop_source(const address& group, const address& source, unsigned link) {
    const int error = source_request(MCAST_LEAVE_SOURCE_GROUP, group, source, link);
    // With the last sender of a group the kernel gives the membership up.
    if (const auto rule = find(group, link); error == 0 && rule != six_.end() && --rule->sources == 0) {
        forget(group, link);
    }
    return error;
}

int memberships::block_source(const address& group, const address& source, unsigned link) {
    return source_request(MCAST_BLOCK_SOURCE, group, source, link);
}

int memberships::unblock_source(const address& group, const address& source, unsigned link) {
    return source_request(MCAST_UNBLOCK_SOURCE, group, source, link);
}

// The rule comes before the membership, so that nothing slips through between the two.
template <class Ask> int memberships::joining(const address& group, unsigned link, Ask ask) {
    if (group.family() != AF_INET6 || find(group, link) != six_.end()) {
        return ask();
    }
    auto with = six_;
    with.push_back({group.six.sin6_addr, link, 0});
    if (const int error = put_in_force(with); error != 0) {
        return error;
    }
    const int error = ask();
    if (error != 0) {
        put_in_force(six_);
        return error;
    }
    six_ = std::move(with);
    return 0;
}

std::vector<memberships::membership>::iterator memberships::find(const address& group, unsigned link) {
    return std::ranges::find_if(six_, [&](const membership& one) {
        return group.family() == AF_INET6 && one.link == link && same_group(one.group, group.six.sin6_addr);
    });
}

int memberships::group_request(int option, const address& group, unsigned link) const {
    group_req request{};
    request.gr_interface = link;
    std::memcpy(&request.gr_group, &group.any, group.length);
    return ask_kernel(fd_, option, group, request);
}

int memberships::source_request(int option, const address& group, const address& source, unsigned link) const {
    group_source_req request{};
    request.gsr_interface = link;
    std::memcpy(&request.gsr_group, &group.any, group.length);
    std::memcpy(&request.gsr_source, &source.any, source.length);
    return ask_kernel(fd_, option, group, request);
}

void memberships::forget(const address& group, unsigned link) {
    auto gone = find(group, link);
    if (gone == six_.end() && group.family() == AF_INET6) {
        // Joined with a link and left without, or the reverse: the kernel takes the latest that fits.
        const auto fits = [&](const membership& one) {
            return (one.link == 0 || link == 0) && same_group(one.group, group.six.sin6_addr);
        };
        const auto latest = std::find_if(six_.rbegin(), six_.rend(), fits);
        gone = latest == six_.rend() ? six_.end() : std::prev(latest.base());
    }
    if (gone != six_.end()) {
        six_.erase(gone);
        put_in_force(six_);
    }
}

int memberships::put_in_force(const std::vector<membership>& six) {
    auto changed = filter_;
    changed.groups.clear();
    for (const auto& one : six) {
        const bool any_link = std::ranges::any_of(six, [&](const membership& other) {
            return other.link == 0 && same_group(other.group, one.group);
        });
        if (!any_link) {
            changed.groups.push_back({one.group, one.link});
        }
    }
    const int error = changed.attach(fd_);
    if (error == 0) {
        filter_ = std::move(changed);
    }
    return error;
}

} // namespace joinleaf::udp_mcast
