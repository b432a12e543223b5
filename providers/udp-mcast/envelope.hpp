// SPDX-License-Identifier: Apache-2.0
//
// The header that datagrams of a session carry where the options `coalesce` or `sequence` ask for it; all
// members of a session must have the same of both. Numbers are in network byte order.
//
//   0  2  'J' 'M'
//   2  1  version: 1
//   3  1  flags: 1 packed, 2 numbered
//   4  4  sender: a random number of the sending socket
//   8  4  number of the first message, counted by the sender from a random start; 0 where not numbered
//  12     one message; or, packed: for each message its length in two bytes and its bytes. Where a length would
//         begin with 0xff, nothing but filling follows.
//
// Everything is [any].
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace joinleaf::udp_mcast {

struct envelope {
    static constexpr std::size_t size = 12;
    static constexpr std::size_t length_size = 2;
    static constexpr char filling = '\xff';
    static constexpr std::size_t longest_packed = 0xfeff; // bytes of a message
    static constexpr std::uint8_t packed = 1;
    static constexpr std::uint8_t numbered = 2;

    std::uint8_t flags = 0;
    std::uint32_t sender = 0;
    std::uint32_t number = 0;

    // to has room for `size` bytes.
    void write(char* to) const noexcept;
    static void write_length(char* to, std::size_t length) noexcept;
};

// A datagram that is being handed out message by message.
class opened_envelope {
  public:
    // Reads a datagram from its start. False: it is none of this format, and nothing of it may be used. The
    // bytes stay where they are until the last message is taken.
    bool open(std::span<const char> datagram) noexcept;

    [[nodiscard]] bool is_open() const noexcept { return open_; }
    void close() noexcept { open_ = false; }
    [[nodiscard]] const envelope& header() const noexcept { return header_; }
    [[nodiscard]] std::uint32_t count() const noexcept { return count_; } // messages in it, at least one

    // Bytes of the first message of a datagram of `size` bytes, of which `start` is at least the first
    // envelope::size + envelope::length_size, as far as it has them. Says nothing about the rest.
    static std::size_t first_size(std::span<const char> start, std::size_t size) noexcept;

    // The message that is next, and whether there are more behind it.
    [[nodiscard]] std::span<const char> message() const noexcept { return message_; }
    [[nodiscard]] bool is_last() const noexcept { return left_ == 1; }
    [[nodiscard]] std::uint32_t left() const noexcept { return left_; } // with the next one
    void advance() noexcept;                                            // not after the last one

  private:
    bool count_messages(std::span<const char> bytes) noexcept;

    bool open_ = false;
    envelope header_;
    std::uint32_t count_ = 0;
    std::uint32_t left_ = 0;
    std::span<const char> message_;
};

} // namespace joinleaf::udp_mcast
