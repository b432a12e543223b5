// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "group_wire.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace joinleaf::rdma {

// What one socket hears of each sender of its session: datagrams are put together to messages, which come out in the
// order of their numbers, each at most once. A message of which a piece is missing when a later one is whole has been
// missed. Memory: a message for each of `most` senders, at the most.
//
// Guarded by its owner's lock.
class hearing {
  public:
    // A sender since it was first heard.
    struct sender {
        std::uint64_t id = 0;
        address name;
        bool heard = false;
        std::uint32_t next = 0; // number of the next message
        std::uint64_t received = 0;
        std::uint64_t missing = 0;

        // The message of which pieces have come.
        bool in_making = false;
        std::uint32_t number = 0;
        std::uint32_t unit = 0;
        std::size_t pieces_missing = 0;
        std::vector<std::byte> bytes;
        std::vector<bool> have;
    };
    // A message that is whole, until the next call.
    struct whole {
        sender* by = nullptr;
        std::uint32_t number = 0;
        std::uint32_t gap = 0; // messages missing before it
        std::span<const std::byte> bytes;
    };
    // Senders beyond that many push out those that were heard first.
    static constexpr std::size_t most = 256;

    // A datagram has come; the message that it makes whole.
    std::optional<whole> take(const wire::piece_head& head, std::span<const std::byte> bytes);
    // The message is delivered; one that is not, for want of room, is missing before the next.
    void accept(const whole& message) noexcept;
    // A datagram that is not for this socket now: it is not missing.
    void pass_over(const wire::piece_head& head) noexcept;

    [[nodiscard]] std::uint64_t missing() const noexcept { return missing_; }
    [[nodiscard]] std::span<const sender> senders() const noexcept { return senders_; }

  private:
    sender& find(const wire::piece_head& head);
    static std::optional<whole> add_piece(sender& of, const wire::piece_head& head,
                                          std::span<const std::byte> bytes);

    std::vector<sender> senders_;
    std::size_t latest_ = 0;
    std::size_t eldest_ = 0;
    std::uint64_t missing_ = 0;
};

} // namespace joinleaf::rdma
