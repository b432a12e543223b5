// SPDX-License-Identifier: Apache-2.0
//
// The host's addresses and routes, asked for and waited for (clauses EV-49, IO-36).
#include <algorithm>
#include <cstddef>
#include <cstring>

#include "runtime/network/local_address.hpp"
#include "runtime/socket/socket_object.hpp"

namespace joinleaf::socket {
namespace {

// Where the n-th address of a list begins in the application's buffer: behind all the pointers.
std::size_t list_size(std::size_t count) noexcept {
    return offsetof(SOCKET_ADDRESS_LIST, Address) + count * sizeof(SOCKET_ADDRESS);
}

std::size_t bytes_of(const std::vector<network::address>& all) noexcept {
    std::size_t sum = std::max(list_size(all.size()), sizeof(SOCKET_ADDRESS_LIST));
    for (const auto& one : all) {
        sum += one.length();
    }
    return sum;
}

// The list with its addresses behind it, as SIO_ADDRESS_LIST_QUERY gives it. The buffer may begin anywhere.
void store_list(const std::vector<network::address>& all, std::byte* to) noexcept {
    const auto count = static_cast<INT>(all.size());
    std::memcpy(to + offsetof(SOCKET_ADDRESS_LIST, iAddressCount), &count, sizeof count);
    auto* behind = to + std::max(list_size(all.size()), sizeof(SOCKET_ADDRESS_LIST));
    for (std::size_t i = 0; i < all.size(); ++i) {
        const SOCKET_ADDRESS entry{reinterpret_cast<sockaddr*>(behind), static_cast<INT>(all[i].length())};
        std::memcpy(to + list_size(i), &entry, sizeof entry);
        std::memcpy(behind, all[i].get(), all[i].length());
        behind += all[i].length();
    }
}

// The destination of a routing question (WSAEFAULT, WSAEAFNOSUPPORT).
result<network::address> destination_in(std::span<const std::byte> in, int family) noexcept {
    sockaddr_storage given{};
    if (in.size() < sizeof given.ss_family) {
        return tl::unexpected(WSAEFAULT);
    }
    std::memcpy(&given, in.data(), std::min(in.size(), sizeof given));
    if (given.ss_family != family) {
        return tl::unexpected(WSAEAFNOSUPPORT);
    }
    if (in.size() < network::address_length(family)) {
        return tl::unexpected(WSAEFAULT);
    }
    return network::address(reinterpret_cast<const sockaddr&>(given));
}

// Who would be asked: an address, or nobody where there is no way.
network::address source_towards(const network::address& destination) {
    return network::address_towards(destination).value_or(network::address{});
}

} // namespace

// Empty: not one of these codes, or a family without the host's addresses.
std::optional<std::int32_t> socket_object::network_ioctl(DWORD code, std::span<const std::byte> in,
                                                         std::span<std::byte> out, std::uint32_t& bytes,
                                                         dispatch::operation* asked) {
    const int family = entry_.protocol->family;
    if (network::address_length(family) == 0) {
        return std::nullopt;
    }
    switch (code) {
    case SIO_ADDRESS_LIST_QUERY: return query_addresses(out, bytes);
    case SIO_ADDRESS_LIST_CHANGE: return await_change(FD_ADDRESS_LIST_CHANGE, {}, asked);
    case SIO_ROUTING_INTERFACE_QUERY:
    case SIO_ROUTING_INTERFACE_CHANGE: {
        const auto destination = destination_in(in, family);
        if (!destination) {
            return destination.error();
        }
        return code == SIO_ROUTING_INTERFACE_QUERY
                   ? query_route(*destination, out, bytes)
                   : await_change(FD_ROUTING_INTERFACE_CHANGE, *destination, asked);
    }
    default: return std::nullopt;
    }
}

std::int32_t socket_object::query_addresses(std::span<std::byte> out, std::uint32_t& bytes) {
    const auto all = network::local_addresses(entry_.protocol->family);
    if (!all) {
        return all.error();
    }
    const auto needed = bytes_of(*all);
    bytes = static_cast<std::uint32_t>(needed); // told in both cases
    if (out.size() < needed) {
        return WSAEFAULT;
    }
    store_list(*all, out.data());
    return 0;
}

std::int32_t socket_object::query_route(const network::address& destination, std::span<std::byte> out,
                                        std::uint32_t& bytes) {
    const auto source = network::address_towards(destination);
    if (!source) {
        return source.error();
    }
    bytes = source->length();
    if (out.size() < source->length()) {
        return WSAEFAULT;
    }
    std::memcpy(out.data(), source->get(), source->length());
    return 0;
}

// Issues one of the two change codes: WSAEWOULDBLOCK and later the event, or, on a blocking socket, the wait.
std::int32_t socket_object::await_change(std::uint32_t event, const network::address& destination,
                                         dispatch::operation* asked) {
    if (asked == nullptr && !nonblocking() && condition_scope::active()) {
        return WSAEINPROGRESS;
    }
    std::uint32_t before = 0;
    for (;;) {
        if (const auto code = watch_network(); code != 0) {
            return code;
        }
        network::look(); // what has changed by now does not count
        const auto source =
            event == FD_ROUTING_INTERFACE_CHANGE ? source_towards(destination) : network::address{};
        const std::lock_guard hold(lock_);
        if (closing_) {
            return WSAEINTR;
        }
        if (!awaited_->watch) {
            continue; // another call's change came true meanwhile and ended the watch
        }
        auto& awaited = awaited_.edit();
        awaited.events |= event;
        before = awaited.count(event);
        record_.reenable(event);
        if (event == FD_ROUTING_INTERFACE_CHANGE) {
            awaited.destination = destination;
            awaited.source = source;
        }
        if (asked != nullptr) {
            awaited.waits(event).push(*asked);
            return WSA_IO_PENDING;
        }
        break;
    }
    return nonblocking() ? WSAEWOULDBLOCK : wait_for_change(event, before);
}

std::int32_t socket_object::watch_network() {
    {
        const std::lock_guard hold(lock_);
        if (awaited_->watch || closing_) {
            return 0;
        }
    }
    hold();
    const std::shared_ptr<socket_object> self(this, [](socket_object* object) { object->drop(); });
    auto made = network::subscribe(loop_, [self](const network::change& what) { self->on_change(what); });
    if (!made) {
        return made.error();
    }
    const std::lock_guard hold(lock_);
    if (!awaited_->watch && !closing_) {
        std::swap(awaited_.edit().watch, *made); // else the surplus ends with this call
    }
    return 0;
}

void socket_object::on_change(const network::change& what) {
    dispatch::finished_operations finished(port());
    network::subscription ended; // outside the lock
    network::address destination;
    {
        const std::lock_guard hold(lock_);
        if (what.addresses_of(entry_.protocol->family)) {
            tell_change(FD_ADDRESS_LIST_CHANGE, finished);
        }
        destination = awaited_->destination;
    }
    const auto source = destination.length() == 0 ? network::address{} : source_towards(destination);
    const std::lock_guard hold(lock_);
    if (destination == awaited_->destination && !(source == awaited_->source)) {
        tell_change(FD_ROUTING_INTERFACE_CHANGE, finished);
    }
    if (awaited_->events == 0) {
        std::swap(ended, awaited_.edit().watch);
    }
}

// Once per issue; lock_ held.
void socket_object::tell_change(std::uint32_t event, dispatch::finished_operations& finished) {
    if ((awaited_->events & event) == 0) {
        return;
    }
    auto& awaited = awaited_.edit();
    awaited.events &= ~event;
    awaited.add(event);
    while (auto* const one = awaited.waits(event).pop()) {
        finished.add(*one);
    }
    if (event == FD_ROUTING_INTERFACE_CHANGE) {
        awaited.destination = {};
    }
    record(event, 0);
    kick(wait_change);
}

std::uint32_t socket_object::awaited_changes::count(std::uint32_t event) const noexcept {
    return event == FD_ADDRESS_LIST_CHANGE ? address_changes : route_changes;
}

void socket_object::awaited_changes::add(std::uint32_t event) noexcept {
    ++(event == FD_ADDRESS_LIST_CHANGE ? address_changes : route_changes);
}

dispatch::operation_list& socket_object::awaited_changes::waits(std::uint32_t event) noexcept {
    return event == FD_ADDRESS_LIST_CHANGE ? address_waits : route_waits;
}

std::size_t socket_object::cancel_changes(const WSAOVERLAPPED* overlapped, const void* starter, bool quiet) {
    dispatch::finished_operations finished(port(), quiet);
    dispatch::operation_list cancelled;
    const std::lock_guard hold(lock_);
    if (!awaited_) {
        return 0;
    }
    auto& awaited = awaited_.edit();
    const auto meant = [&](const dispatch::operation& one) { return one.is_meant(overlapped, starter); };
    const auto count =
        awaited.address_waits.move_to(cancelled, meant) + awaited.route_waits.move_to(cancelled, meant);
    fail_all(cancelled, WSA_OPERATION_ABORTED, finished);
    return count;
}

std::int32_t socket_object::wait_for_change(std::uint32_t event, std::uint32_t before) {
    auto& self = dispatch::waiter::of_thread();
    add_waiter(self, wait_change);
    const auto code = [&]() -> std::int32_t {
        for (;;) {
            {
                const std::lock_guard hold(lock_);
                if (closing_ || awaited_->count(event) != before) {
                    return closing_ ? WSAEINTR : 0;
                }
            }
            self.wait({}, {});
        }
    }();
    remove_waiter(self);
    return code;
}

} // namespace joinleaf::socket
