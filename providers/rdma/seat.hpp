// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "outflow.hpp"
#include "wire.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

namespace joinleaf::rdma {

// A datagram that a root has sent to its group.
struct datagram {
    std::uint64_t stream = 0;   // position as the group counts
    std::uint64_t position = 0; // in the log
    std::uint32_t size = 0;
};

// One leaf's place in its root's group: what it has taken, and what it still has to get once more, by its connection.
// Guarded by the lock of the root's hub.
class seat {
  public:
    enum class phase : std::uint8_t {
        apart,     // its data go by its connection
        called,    // it was told of the group
        seated,    // its data go to the group
        returning, // it has left the group, but its connection has not got as far as the group
    };
    using clock = std::chrono::steady_clock;

    // From here on it hears the group; so many datagrams may be under way.
    void take(std::uint64_t stream, std::uint64_t position, std::size_t window);
    // It gets by its connection what it has not taken, if it was seated.
    void leave() noexcept { state_ = phase::apart; }
    void start_return() noexcept { state_ = phase::returning; }
    void call() noexcept { state_ = phase::called; }
    [[nodiscard]] phase state() const noexcept { return state_; }
    // The log has to keep what it has not taken.
    [[nodiscard]] bool is_kept() const noexcept { return state_ >= phase::seated; }

    // It has taken everything before this; `count` datagrams more than before.
    void took(std::uint64_t stream, std::uint64_t position, std::size_t count);
    // It gets the datagram once more; but never a third time, for connections lose nothing.
    void want(const datagram& what);
    [[nodiscard]] const datagram* next_repair() const noexcept;
    void repaired() noexcept { wanted_.erase(wanted_.begin()); }
    void forget_repairs() noexcept { wanted_.clear(); }

    // Whether the network brings it so little that its own connection serves it better. Forgets what it judged by.
    [[nodiscard]] bool hears_too_little() noexcept;

    [[nodiscard]] std::uint64_t taken() const noexcept { return taken_; }
    [[nodiscard]] std::size_t window() const noexcept { return window_; }
    // Bytes of the log before this are not needed for it.
    [[nodiscard]] std::uint64_t needs(std::uint64_t head) const noexcept;

    std::uint64_t told = 0; // how far the group has got, as it was last told

    // When it is called again, and how often it was in vain.
    clock::time_point call_at{};
    unsigned vain = 0;

  private:
    phase state_ = phase::apart;
    std::uint64_t taken_ = 0;    // as the group counts
    std::uint64_t position_ = 0; // the same in the log
    std::size_t window_ = 0;
    std::map<std::uint64_t, datagram> wanted_;
    std::set<std::uint64_t> given_; // not before taken_: what has been wanted already
    std::size_t judged_ = 0;        // datagrams since it was last judged, and repairs
    std::size_t repairs_ = 0;
};

} // namespace joinleaf::rdma
