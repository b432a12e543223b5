// SPDX-License-Identifier: Apache-2.0
// What is sent: a file or standard input, in pieces or in lines.
#pragma once

#include "result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace joinleaf::cli {

class source {
  public:
    /// path empty or "-": standard input. status::session where it cannot be read.
    static result<source> open(const std::string& path);

    source(source&& other) noexcept;
    source& operator=(source&&) = delete;
    ~source();

    /// Bytes, where the source is a plain file.
    std::optional<std::uint64_t> size() const { return size_; }

    /// The last component of the path; empty for standard input.
    const std::string& name() const { return name_; }

    enum class state { data, idle, end };
    struct piece {
        source::state state = state::end;
        std::span<const std::byte> bytes; ///< valid until the next call
        bool line_ends = false;           ///< lines: false where the line is longer than the piece
    };

    /// The next bytes, at most `most`; idle when nothing came within the time.
    result<piece> next(std::size_t most, std::chrono::milliseconds time);

    /// The next line without its line feed, in parts where it is longer than `most`.
    result<piece> next_line(std::size_t most, std::chrono::milliseconds time);

  private:
    source(int descriptor, bool owned, std::string name, std::optional<std::uint64_t> size);

    result<state> fill(std::chrono::milliseconds time);
    std::span<const std::byte> take(std::size_t count, std::size_t skip);

    int descriptor_;
    bool owned_;
    std::string name_;
    std::optional<std::uint64_t> size_;
    std::vector<std::byte> buffer_; // bytes [begin_, end_) wait
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool at_end_ = false;
};

} // namespace joinleaf::cli
