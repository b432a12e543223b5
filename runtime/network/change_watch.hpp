// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include <tl/expected.hpp>

#include "runtime/dispatch/loop.hpp"

namespace joinleaf::network {

// What is different in the host's network; routes may be in every case.
struct change {
    bool inet_addresses = false; // local_addresses(AF_INET) is another, or was for a moment
    bool inet6_addresses = false;

    [[nodiscard]] bool addresses_of(int family) const noexcept;
};

// Called on a loop or inside look(), with no lock held.
using listener = std::function<void(const change&)>;

class watched_network;

// An interest in changes. The first one in the process opens the kernel's notifications (rtnetlink), the end of
// the last one closes them. A listener that is being called may still run when its subscription has ended.
class subscription {
  public:
    subscription() = default;
    subscription(subscription&& other) noexcept = default;
    subscription& operator=(subscription&& other) noexcept {
        subscription old(std::move(other));
        std::swap(network_, old.network_);
        std::swap(number_, old.number_);
        return *this;
    }
    ~subscription();

    explicit operator bool() const noexcept { return network_ != nullptr; }

  private:
    friend tl::expected<subscription, std::int32_t> subscribe(dispatch::loop& on, listener call);
    subscription(std::shared_ptr<watched_network> network, std::uint64_t number) noexcept
        : network_(std::move(network)), number_(number) {}

    std::shared_ptr<watched_network> network_;
    std::uint64_t number_ = 0;
};

// The loop serves the notifications if this is the first interest. Needs that no lock is held which a listener
// takes. WSAENETDOWN: the kernel tells nothing here; WSAEMFILE, WSAENOBUFS. [any]
tl::expected<subscription, std::int32_t> subscribe(dispatch::loop& on, listener call);

// Passes on what the kernel has told by now, so that whoever becomes interested next hears only of later
// changes. As for subscribe, no lock. [any]
void look();

} // namespace joinleaf::network
