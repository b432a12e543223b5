// SPDX-License-Identifier: Apache-2.0
// How far a transfer is: a bar on a terminal, one line a second elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace joinleaf::cli {

/// Writes to standard error only. A value that is never advanced writes nothing.
class progress {
  public:
    enum class form { bar, lines, silent };

    /// A bar if standard error is a terminal, else lines.
    static form form_for_stderr();

    progress(std::string label, form how) : label_(std::move(label)), form_(how) {}

    /// The size in bytes that 100 % means, once it is known.
    void expect(std::uint64_t total) { total_ = total; }

    /// bytes and messages more have been done.
    void advance(std::uint64_t bytes, std::uint64_t messages = 1);

    /// The last word: draws the end state and leaves the line.
    void finish();

    std::uint64_t bytes() const { return bytes_; }
    std::uint64_t messages() const { return messages_; }

    /// Since the first advance.
    std::chrono::duration<double> elapsed() const;

  private:
    using clock = std::chrono::steady_clock;

    void draw(clock::time_point now);
    std::string bar(clock::time_point now) const;
    std::string line(clock::time_point now) const;

    std::string label_;
    form form_;
    std::optional<std::uint64_t> total_;
    std::uint64_t bytes_ = 0;
    std::uint64_t messages_ = 0;
    std::uint64_t bytes_at_line_ = 0;
    clock::time_point start_{};
    clock::time_point last_change_{};
    clock::time_point last_draw_{};
};

} // namespace joinleaf::cli
