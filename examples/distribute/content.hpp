// SPDX-License-Identifier: Apache-2.0
// What the root sends: the pieces of a file, or the lines of a text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace distribute {

/// The payload of one data message.
struct piece {
    std::uint64_t position = 0; ///< of a file: where it belongs
    std::span<const std::byte> bytes;
};

class content {
  public:
    virtual ~content() = default;
    virtual std::uint64_t messages() const = 0;
    virtual std::uint64_t bytes() const = 0;
    /// SHA-256 of all payloads in order.
    virtual std::string sha256() const = 0;
    /// Each number from 0 to messages() - 1 once, in order. The bytes are good until the next call.
    virtual piece get(std::uint64_t number) = 0;
};

/// A file in pieces of so many bytes. Reads it once ahead, for the SHA-256.
std::unique_ptr<content> file_content(const std::string& path, std::size_t room);

/// The lines of a text, in messages of so many bytes at most; count 0: each once, else as many as asked.
std::unique_ptr<content> feed_content(const std::string& path, std::size_t room, std::uint64_t count);

} // namespace distribute
