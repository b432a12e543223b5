// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "meeting.hpp"

#include <chrono>
#include <cstdint>

namespace distribute {

/// Bytes, messages and time of one side, told ten times a second to the meeting, or as a bar to a terminal.
class progress {
  public:
    progress(const meeting& at, std::string label) : meeting_(at), label_(std::move(label)) {}

    /// Messages that the whole run has; 0: unknown.
    void expect(std::uint64_t messages) { all_ = messages; }
    void add(std::size_t bytes);
    /// The end has come: the time counts up to now.
    void stop() { last_ = clock::now(); }
    void finish();

    std::uint64_t bytes() const { return bytes_; }
    std::uint64_t messages() const { return messages_; }
    /// From the first message to the end, or to the last message.
    seconds time() const { return last_ - first_; }

  private:
    using clock = std::chrono::steady_clock;
    void tell() const;

    const meeting& meeting_;
    std::string label_;
    std::uint64_t bytes_ = 0;
    std::uint64_t messages_ = 0;
    std::uint64_t all_ = 0;
    clock::time_point first_{};
    clock::time_point last_{};
    clock::time_point told_{};
};

} // namespace distribute
