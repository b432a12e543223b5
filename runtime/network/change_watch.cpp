// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/change_watch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <map>
#include <mutex>
#include <span>
#include <vector>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <joinleaf/provider.h>

#include "runtime/dispatch/descriptor.hpp"
#include "runtime/network/local_address.hpp"

namespace joinleaf::network {
namespace {

constexpr std::uint32_t groups =
    RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;

dispatch::descriptor open_notifications() noexcept {
    dispatch::descriptor netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
    sockaddr_nl name{};
    name.nl_family = AF_NETLINK;
    name.nl_groups = groups;
    if (netlink && ::bind(netlink.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
        return {};
    }
    return netlink;
}

// An address that went away counts even where it has come back by the time somebody looks.
void note_removals(std::span<const std::byte> told, change& sum) noexcept {
    nlmsghdr header{};
    while (told.size() >= sizeof header) {
        std::memcpy(&header, told.data(), sizeof header);
        ifaddrmsg about{};
        if (header.nlmsg_type == RTM_DELADDR && told.size() >= sizeof header + sizeof about) {
            std::memcpy(&about, told.data() + sizeof header, sizeof about);
            sum.inet_addresses = sum.inet_addresses || about.ifa_family == AF_INET;
            sum.inet6_addresses = sum.inet6_addresses || about.ifa_family == AF_INET6;
        }
        const std::size_t step = NLMSG_ALIGN(std::max<std::size_t>(header.nlmsg_len, sizeof header));
        told = told.subspan(std::min(step, told.size()));
    }
}

} // namespace

bool change::addresses_of(int family) const noexcept {
    return family == AF_INET ? inet_addresses : inet6_addresses;
}

// The one netlink socket, those who are told, and the lists that they last knew of.
class watched_network : public std::enable_shared_from_this<watched_network> {
  public:
    explicit watched_network(dispatch::descriptor netlink) : netlink_(std::move(netlink)) {
        remember(AF_INET, inet_);
        remember(AF_INET6, inet6_);
    }

    bool start(dispatch::loop& on) {
        auto own = std::make_unique<std::shared_ptr<watched_network>>(shared_from_this());
        watch_ = on.add(netlink_.get(), dispatch::condition_in, on_readable, own.get());
        self_ = watch_ == nullptr ? nullptr : own.release();
        return watch_ != nullptr;
    }

    std::uint64_t add(listener call) {
        const std::lock_guard hold(mutex_);
        listeners_.emplace(++last_, std::make_shared<const listener>(std::move(call)));
        return last_;
    }

    // True when nobody is left.
    bool remove(std::uint64_t number) {
        std::shared_ptr<const listener> gone; // dies outside the lock: it may hold a socket
        const std::lock_guard hold(mutex_);
        if (const auto found = listeners_.find(number); found != listeners_.end()) {
            gone = std::move(found->second);
            listeners_.erase(found);
        }
        return listeners_.empty();
    }

    void stop() {
        watch_->owner->remove(
            watch_, [](void* self) { delete static_cast<std::shared_ptr<watched_network>*>(self); }, self_);
    }

    void look() {
        change now;
        std::vector<std::shared_ptr<const listener>> told;
        {
            const std::lock_guard hold(mutex_);
            if (!read(now)) {
                return;
            }
            now.inet_addresses = remember(AF_INET, inet_) || now.inet_addresses;
            now.inet6_addresses = remember(AF_INET6, inet6_) || now.inet6_addresses;
            for (const auto& [number, call] : listeners_) {
                told.push_back(call);
            }
        }
        for (const auto& call : told) {
            (*call)(now);
        }
    }

  private:
    static void on_readable(void* self, std::uint32_t /*ready*/) {
        const auto network = *static_cast<std::shared_ptr<watched_network>*>(self);
        network->look();
    }

    // Whether the kernel told anything; more than its buffer holds counts as everything.
    bool read(change& sum) noexcept {
        alignas(nlmsghdr) std::array<std::byte, 16384> buffer;
        for (bool any = false;;) {
            const auto got = ::recv(netlink_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (got < 0 && errno == ENOBUFS) {
                sum = {true, true};
                any = true;
            } else if (got <= 0) {
                return any;
            } else {
                note_removals({buffer.data(), static_cast<std::size_t>(got)}, sum);
                any = true;
            }
        }
    }

    // Whether the list is another than the one remembered.
    static bool remember(int family, std::vector<address>& list) {
        auto now = local_addresses(family);
        const bool changed = now && *now != list;
        if (changed) {
            list = std::move(*now);
        }
        return changed;
    }

    const dispatch::descriptor netlink_;
    dispatch::watch* watch_ = nullptr;
    std::shared_ptr<watched_network>* self_ = nullptr; // the loop's hold
    std::mutex mutex_;
    // guarded by mutex_
    std::map<std::uint64_t, std::shared_ptr<const listener>> listeners_;
    std::uint64_t last_ = 0;
    std::vector<address> inet_;
    std::vector<address> inet6_;
};

namespace {

// The network in use, if somebody is interested.
struct present {
    std::mutex mutex;
    std::shared_ptr<watched_network> network;
};

present& in_use() {
    static auto& one = *new present; // sockets may be closed by destructors that run after main()
    return one;
}

} // namespace

tl::expected<subscription, std::int32_t> subscribe(dispatch::loop& on, listener call) {
    auto& now = in_use();
    const std::lock_guard hold(now.mutex);
    if (!now.network) {
        auto netlink = open_notifications();
        if (!netlink) {
            return tl::unexpected(errno == EMFILE || errno == ENFILE ? WSAEMFILE : WSAENETDOWN);
        }
        auto network = std::make_shared<watched_network>(std::move(netlink));
        if (!network->start(on)) {
            return tl::unexpected(WSAENOBUFS);
        }
        now.network = std::move(network);
    }
    return subscription(now.network, now.network->add(std::move(call)));
}

subscription::~subscription() {
    if (!network_) {
        return;
    }
    auto& now = in_use();
    const std::lock_guard hold(now.mutex);
    if (network_->remove(number_)) {
        network_->stop();
        now.network = nullptr;
    }
}

void look() {
    std::shared_ptr<watched_network> network;
    {
        auto& now = in_use();
        const std::lock_guard hold(now.mutex);
        network = now.network;
    }
    if (network) {
        network->look();
    }
}

} // namespace joinleaf::network
