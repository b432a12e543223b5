// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include <joinleaf/provider.h>

namespace joinleaf::qos {

// What a flow takes of a provider's capacity, in bytes per second.
struct reservation {
    std::uint64_t sending = 0;
    std::uint64_t receiving = 0;
};

// Guaranteed service and controlled load reserve their TokenRate, everything else nothing.
reservation reservation_of(const QOS& qos) noexcept;

// What became of a request for capacity.
struct admission {
    reservation held;           // what the flow holds now
    bool sending_fits = true;   // false: that direction got nothing
    bool receiving_fits = true; // the same
    std::string refusal;        // why not all of it; empty: all of it
};

// The capacity of one provider entry, and how much of it is given away. Sent and received flows are counted
// apart, each against the whole capacity, as a full-duplex link has it. Safe from any thread.
class ledger {
  public:
    // Nothing: everything fits. where: of the setting, for sentences.
    ledger(std::optional<std::uint64_t> bits_per_second, std::string where);

    // Puts what is asked in the place of what is held. What does not fit: with `partly` that direction holds
    // nothing afterwards, otherwise nothing changes at all.
    [[nodiscard]] admission ask(const reservation& held, const reservation& asked, bool partly);

    void release(const reservation& held);

    // What all flows hold now.
    [[nodiscard]] reservation given() const;

  private:
    [[nodiscard]] bool fits(std::uint64_t given, std::uint64_t held, std::uint64_t asked) const noexcept;
    [[nodiscard]] std::string refusal(const char* what, std::uint64_t others, std::uint64_t asked) const;

    const std::optional<std::uint64_t> capacity_; // bits per second
    const std::string where_;
    mutable std::mutex mutex_;
    reservation given_;
};

} // namespace joinleaf::qos
