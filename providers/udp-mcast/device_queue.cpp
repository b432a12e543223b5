// SPDX-License-Identifier: Apache-2.0
#include "device_queue.hpp"

#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace joinleaf::udp_mcast {

namespace {

struct question {
    nlmsghdr header{};
    tcmsg body{};
};

// A record with its length in front, as the kernel lines them up; what lies behind it stays in `all`. Nothing: the end.
template <class Head, class Length>
std::optional<std::pair<Head, std::span<const char>>> take(std::span<const char>& all, Length Head::*length) {
    Head head{};
    if (all.size() < sizeof head) {
        return std::nullopt;
    }
    std::memcpy(&head, all.data(), sizeof head);
    const std::size_t size = head.*length;
    if (size < sizeof head || size > all.size()) {
        return std::nullopt;
    }
    const auto body = all.subspan(sizeof head, size - sizeof head);
    constexpr std::size_t step = NLMSG_ALIGNTO;
    all = all.subspan(std::min(all.size(), (size + step - 1) / step * step));
    return std::pair(head, body);
}

// Among the attributes of a discipline: its name.
std::string kind_of(std::span<const char> attributes) {
    while (const auto one = take(attributes, &rtattr::rta_len)) {
        if (one->first.rta_type == TCA_KIND) {
            return {one->second.data(), ::strnlen(one->second.data(), one->second.size())};
        }
    }
    return {};
}

bool is_rate(ULONG value) noexcept {
    return value != QOS_NOT_SPECIFIED && value != POSITIVE_INFINITY_RATE;
}

} // namespace

bool queueing_reader::read(std::span<const char> part) {
    while (const auto one = take(part, &nlmsghdr::nlmsg_len)) {
        if (one->first.nlmsg_type != RTM_NEWQDISC || one->second.size() < sizeof(tcmsg)) {
            return false; // NLMSG_DONE, NLMSG_ERROR
        }
        tcmsg body{};
        std::memcpy(&body, one->second.data(), sizeof body);
        if (body.tcm_ifindex != static_cast<int>(link_)) {
            continue;
        }
        const auto kind = kind_of(one->second.subspan(sizeof body));
        if (body.tcm_parent == TC_H_ROOT) {
            root_ = kind;
        } else if (body.tcm_parent != TC_H_INGRESS) {
            leaves_ = !leaves_ || *leaves_ == kind ? kind : std::string();
        }
    }
    return true;
}

std::string queueing_reader::found() const {
    const bool one_for_each_queue = root_ == "mq" || root_ == "mqprio";
    return one_for_each_queue && leaves_ && !leaves_->empty() ? *leaves_ : root_;
}

std::string queueing_of(unsigned link) {
    const provider::descriptor kernel(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    question asked;
    asked.header.nlmsg_len = NLMSG_LENGTH(sizeof asked.body);
    asked.header.nlmsg_type = RTM_GETQDISC;
    asked.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    asked.body.tcm_ifindex = static_cast<int>(link);
    if (!kernel || ::send(kernel.get(), &asked, sizeof asked, 0) < 0) {
        return {};
    }
    queueing_reader reader(link);
    alignas(nlmsghdr) std::array<char, 16384> part;
    for (;;) {
        const auto got = ::recv(kernel.get(), part.data(), part.size(), 0);
        if (got <= 0 || !reader.read({part.data(), static_cast<std::size_t>(got)})) {
            return reader.found();
        }
    }
}

bool spaces_packets(const std::string& queueing) noexcept {
    return queueing == "fq";
}

std::optional<std::uint64_t> pacing_rate(const FLOWSPEC& flow, bool six) noexcept {
    const auto type = flow.ServiceType & ~(SERVICE_NO_TRAFFIC_CONTROL | SERVICE_NO_QOS_SIGNALING);
    const bool held = (flow.ServiceType & SERVICE_NO_TRAFFIC_CONTROL) == 0 && type != SERVICETYPE_NOTRAFFIC &&
                      type != SERVICETYPE_NOCHANGE;
    const auto rate = is_rate(flow.PeakBandwidth) ? flow.PeakBandwidth : flow.TokenRate;
    if (!held || !is_rate(rate) || rate == 0) {
        return std::nullopt;
    }
    // The device counts headers. Where nothing says how small messages get, as small as they usually are: a rate
    // below what the token bucket lets out would fill the queue, and drop.
    constexpr std::uint64_t usually = 64;
    const std::uint64_t headers = 14 + (six ? 40 : 20) + 8;
    const std::uint64_t message = flow.MinimumPolicedSize == QOS_NOT_SPECIFIED
                                      ? usually
                                      : std::max<std::uint64_t>(1, flow.MinimumPolicedSize);
    return rate + (rate * headers + message - 1) / message;
}

} // namespace joinleaf::udp_mcast
