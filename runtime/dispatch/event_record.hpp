// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <variant>

#include "runtime/dispatch/event_object.hpp"
#include "runtime/dispatch/message_queue.hpp"

namespace joinleaf::dispatch {

inline constexpr std::size_t event_kinds = 10; // FD_MAX_EVENTS

// What WSAEnumNetworkEvents hands over: bits, and the code of each bit.
struct network_events {
    std::uint32_t bits = 0;
    std::array<std::int32_t, event_kinds> codes{};
};

// WSAEventSelect: events gather in the record, and the object is signalled.
using object_target = std::shared_ptr<event_object>;

// WSAAsyncSelect: each event is a message of its own.
struct queue_target {
    std::shared_ptr<message_queue> queue;
    std::uint32_t message = 0;
    std::uintptr_t socket = 0; // the number that messages tell; 0: the socket's first
};

// Who is told of a socket's events; nobody by default.
using event_target = std::variant<std::monostate, object_target, queue_target>;

// The FD_* record of one socket: an event is recorded if it is selected and not reported yet; the re-enabling
// call clears "reported". Not synchronised: the socket's lock guards it.
class event_record {
  public:
    // Replaces target and mask and clears the record (EV-03). Mask 0: no registration, which takes no memory; else
    // std::bad_alloc.
    void select(event_target target, std::uint32_t mask);

    // Starts like another socket's registration, with an empty record (EV-11, EV-63) and a number of its own.
    void inherit(const event_record& parent);

    [[nodiscard]] std::uint32_t selected() const noexcept { return selected_; }
    [[nodiscard]] bool wants(std::uint32_t bit) const noexcept {
        return (selected_ & bit) != 0 && (reported_ & bit) == 0;
    }

    // Which number messages tell, of a socket that has several; 0: none in particular.
    [[nodiscard]] std::uintptr_t told_number() const noexcept {
        const auto* const queue = kept_ ? std::get_if<queue_target>(&kept_->target) : nullptr;
        return queue == nullptr ? 0 : queue->socket;
    }
    void tell_number(std::uintptr_t socket) noexcept {
        if (auto* const queue = kept_ ? std::get_if<queue_target>(&kept_->target) : nullptr) {
            queue->socket = socket;
        }
    }

    // Records one event of the socket with this first number and tells the target; false where it is not wanted. A
    // message needs memory; without it the event counts as not told.
    bool record(std::uint32_t bit, std::int32_t code, std::uintptr_t socket) noexcept;

    // Whether what is recorded has reached the application by that: a message, not a bit to be enumerated.
    [[nodiscard]] bool tells_at_once() const noexcept {
        return kept_ != nullptr && std::holds_alternative<queue_target>(kept_->target);
    }

    // The re-enabling call of these events was made (EV-33, EV-35).
    void reenable(std::uint32_t bits) noexcept { reported_ &= ~bits; }

    // Copies and clears, and resets `reset` if there is one, as one step under the socket's lock (EV-20).
    network_events take(event_object* reset) noexcept;

    // The same without changing anything, for a caller who may fail to deliver (EV-23).
    [[nodiscard]] network_events look() const noexcept {
        return kept_ != nullptr ? kept_->pending : network_events{};
    }

  private:
    // Of a registration; most sockets have none.
    struct registration {
        event_target target;
        network_events pending;
    };
    std::unique_ptr<registration> kept_; // while selected_ is not 0
    std::uint32_t selected_ = 0;
    std::uint32_t reported_ = 0;
};

} // namespace joinleaf::dispatch
