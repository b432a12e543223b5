// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>

namespace joinleaf::dispatch {

// A kernel descriptor that is closed with its owner.
class descriptor {
  public:
    descriptor() = default;
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept;
    ~descriptor();

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    explicit operator bool() const noexcept { return fd_ >= 0; }

  private:
    int fd_ = -1;
};

// The same open file under a number of at least 3, so that handles of the API never are 0 and never one of
// the standard streams.
descriptor above_standard_streams(descriptor made) noexcept;

// A nonblocking eventfd numbered 3 or more; empty when the process has no descriptor left.
descriptor make_eventfd() noexcept;

// Makes an eventfd readable, and unreadable again. Neither blocks nor fails.
void raise(const descriptor& eventfd) noexcept;
void lower(const descriptor& eventfd) noexcept;

} // namespace joinleaf::dispatch
