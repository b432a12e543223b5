// SPDX-License-Identifier: Apache-2.0
//
// The queue in front of a device (its queueing discipline): whether it spaces the packets of a socket as
// SO_MAX_PACING_RATE says. Every function is [any].
#pragma once

#include <joinleaf/provider.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace joinleaf::udp_mcast {

// The discipline of an interface, as `tc qdisc` calls it; where each of its transmit queues has one, theirs, if they
// are all the same. Empty: the kernel does not tell.
std::string queueing_of(unsigned link);

// The same out of the kernel's answer to RTM_GETQDISC, which may come in several parts.
class queueing_reader {
  public:
    explicit queueing_reader(unsigned link) noexcept : link_(link) {}
    // False: that was the end, or no answer.
    bool read(std::span<const char> part);
    [[nodiscard]] std::string found() const;

  private:
    const unsigned link_;
    std::string root_;
    std::optional<std::string> leaves_; // of those below the root; empty: they differ
};

// Whether it honours SO_MAX_PACING_RATE for datagrams.
bool spaces_packets(const std::string& queueing) noexcept;

// SO_MAX_PACING_RATE for a flow: bytes a second of whole packets, of which the messages keep the flow's rate, at the
// peak where it has one. Nothing: the flow has no rate.
std::optional<std::uint64_t> pacing_rate(const FLOWSPEC& flow, bool six) noexcept;

} // namespace joinleaf::udp_mcast
