// SPDX-License-Identifier: Apache-2.0
// What this program's messages look like. Any transport that keeps messages whole can carry them.
//
// 32 bytes of header, numbers big-endian, then the payload up to the end of the message:
//   0 "JLDX"   4 kind   5 zero   8 session   16 sequence   24 position
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <joinleaf/winsock2.h>

namespace distribute {

enum class kind : std::uint8_t {
    announce = 1, // root: what is coming, as facts
    data = 2,     // root: a piece of the file, or a line of the feed
    end = 3,      // root: facts about everything sent
    report = 4,   // leaf: facts about what it has
};

struct header {
    distribute::kind kind = kind::data;
    std::uint64_t session = 0;  // drawn by lot for one run: others may use the same group
    std::uint64_t sequence = 0; // of data, from 0
    std::uint64_t position = 0; // of a piece in its file, in bytes
};

constexpr std::size_t header_size = 32;

struct message {
    distribute::header header;
    std::span<const std::byte> payload; // in the receiver's buffer
};

/// Sends one message; blocks while the transport is full.
void send_message(SOCKET s, const header& head, std::span<const std::byte> payload);

/// Receives the messages of this program from a socket.
class receiver {
  public:
    enum class outcome { message, silence, closed };

    explicit receiver(SOCKET s) : socket_(s), buffer_(64 * 1024) {}

    /// The next message; silence when none came within the time, closed when the root has ended the session.
    outcome next(int milliseconds);
    const message& get() const { return message_; }

  private:
    SOCKET socket_;
    std::vector<std::byte> buffer_;
    message message_;
};

/// Facts as text, "key=value" each on a line.
using facts = std::map<std::string, std::string, std::less<>>;
std::string to_text(const facts& from);
facts to_facts(std::string_view text);
/// A number among the facts; nothing when it is absent or no number.
std::optional<std::uint64_t> number(const facts& from, std::string_view key);

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::string_view text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace distribute
