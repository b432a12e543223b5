// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "runtime/dispatch/event_object.hpp"

namespace joinleaf::dispatch {

inline constexpr std::size_t event_kinds = 10; // FD_MAX_EVENTS

// What WSAEnumNetworkEvents hands over: bits, and the code of each bit.
struct network_events {
    std::uint32_t bits = 0;
    std::array<std::int32_t, event_kinds> codes{};
};

// The FD_* record of one socket: an event is recorded if it is selected and not reported yet; the re-enabling
// call clears "reported". Not synchronised: the socket's lock guards it.
class event_record {
  public:
    // Replaces object and mask and clears the record (EV-03). Mask 0: no registration.
    void select(std::shared_ptr<event_object> object, std::uint32_t mask) noexcept;

    // Starts like another socket's registration, with an empty record (EV-11).
    void inherit(const event_record& parent) noexcept;

    [[nodiscard]] std::uint32_t selected() const noexcept { return selected_; }
    [[nodiscard]] bool wants(std::uint32_t bit) const noexcept {
        return (selected_ & bit) != 0 && (reported_ & bit) == 0;
    }

    // Records one event and signals the object; false where it is not wanted.
    bool record(std::uint32_t bit, std::int32_t code) noexcept;

    // The re-enabling call of these events was made (EV-33, EV-35).
    void reenable(std::uint32_t bits) noexcept { reported_ &= ~bits; }

    // Copies and clears, and resets `reset` if there is one, as one step under the socket's lock (EV-20).
    network_events take(event_object* reset) noexcept;

    // The same without changing anything, for a caller who may fail to deliver (EV-23).
    [[nodiscard]] network_events look() const noexcept { return pending_; }

  private:
    std::shared_ptr<event_object> object_;
    std::uint32_t selected_ = 0;
    std::uint32_t reported_ = 0;
    network_events pending_;
};

} // namespace joinleaf::dispatch
