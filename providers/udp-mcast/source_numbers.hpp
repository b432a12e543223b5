// SPDX-License-Identifier: Apache-2.0
//
// What is missing: the number that each sender's next message should have. Every function is [any].
#pragma once

#include "address.hpp"
#include "envelope.hpp"

#include <array>
#include <cstdint>
#include <mutex>
#include <vector>

namespace joinleaf::udp_mcast {

class source_numbers {
  public:
    // One sender since this socket first heard it.
    struct source {
        address name;
        std::uint32_t sender = 0;
        std::uint32_t next = 0;
        std::uint64_t received = 0; // messages
        std::uint64_t missing = 0;
    };

    source_numbers();

    // A numbered datagram came; how many messages of its sender are missing before it. What comes late or
    // twice is not missing, and does not make up for what was counted.
    std::uint32_t note(const address& from, const envelope& header, std::uint32_t count) noexcept;

    [[nodiscard]] std::uint64_t missing() const noexcept;
    [[nodiscard]] std::vector<source> all() const;

  private:
    source& find(const address& from, std::uint32_t sender) noexcept;

    // Senders beyond that many push out those that were heard first; what was missing of them stays counted.
    static constexpr std::size_t most = 256;

    mutable std::mutex lock_;
    std::vector<source> sources_; // room for `most` from the start
    std::size_t latest_ = 0;
    std::size_t eldest_ = 0;
    std::uint64_t missing_ = 0;
};

} // namespace joinleaf::udp_mcast
