// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base.hpp"
#include "fifo.hpp"

#include "joinleaf/provider.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace joinleaf::rdma {

struct peer;

// A message as it comes. Its bytes are there during the call that it is given to: who keeps it takes a share of its slot, or
// its memory.
struct arrived {
    std::span<const std::byte> bytes;
    std::vector<std::byte> own; // where bytes lie, unless in a slot
    std::uint32_t slot = no_slot;
    bool has_source = false; // bytes begin with the address of another sender than the peer

    static constexpr std::uint32_t no_slot = 0xFFFFFFFF;
};

// Messages that wait for one socket. Their bytes lie in a slot of the station, or in memory of their own. Guarded by the
// lock of its hub.
class inbox {
  public:
    // A message holds a share of its slot until it is taken or dropped.
    struct message {
        std::shared_ptr<peer> from;
        std::span<const std::byte> bytes;
        std::vector<std::byte> own;
        std::uint32_t slot = no_slot;
        address source{}; // another sender than the peer, if it has one
    };
    static constexpr std::uint32_t no_slot = arrived::no_slot;

    explicit inbox(std::size_t bound) : bound_(bound) {}

    // What has memory of its own counts with what is kept about it: nobody else bounds how many there are.
    [[nodiscard]] bool has_room() const noexcept { return bytes_ + own_ * sizeof(message) < bound_; }
    [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }
    [[nodiscard]] std::uint64_t queued_bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::uint64_t taken_messages() const noexcept { return taken_messages_; }
    [[nodiscard]] std::uint64_t taken_bytes() const noexcept { return taken_bytes_; }

    void put(std::shared_ptr<peer> from, arrived next); // takes the source off the bytes

    // Fills one message of the application without queueing. False, and nothing has happened: others wait, it is too long, or
    // the application would only peek.
    bool pass(jl_msg& out, const peer& from, const arrived& next);

    // Fills one message of the application from the front; true: the front has been taken whole, and the caller pops
    // it. The queue is not empty.
    bool take(jl_msg& out);
    [[nodiscard]] message& front() noexcept { return waiting_.front(); }
    void pop();

  private:
    // Returns whether it took everything.
    static bool fill(jl_msg& out, std::span<const std::byte> bytes, const address& name);

    const std::size_t bound_;
    fifo<message> waiting_;
    std::uint64_t bytes_ = 0;
    std::size_t own_ = 0;    // messages with memory of their own
    std::size_t offset_ = 0; // bytes of the front that the application has had
    std::uint64_t taken_messages_ = 0;
    std::uint64_t taken_bytes_ = 0;
};

} // namespace joinleaf::rdma
