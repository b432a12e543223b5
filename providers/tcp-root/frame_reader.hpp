// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace joinleaf::tcp_root {

// Cuts the bytes of one connection into frames, with a read buffer that many connections of a thread share.
// An idle connection costs no memory; one in the middle of a frame costs what has come of it.
class frame_reader {
  public:
    struct item {
        wire::frame head;
        std::span<const std::byte> payload; // valid until the next call of fill
    };
    enum class state {
        data,  // bytes came: ask `next` until it has none
        empty, // nothing there now
        end,   // the peer's sending side is closed
        error, // error() says which
    };

    // One read from a nonblocking descriptor.
    state fill(int fd, std::span<std::byte> scratch);

    // The next whole frame. Nothing: read on; or, if is_broken, what came is no frame.
    std::optional<item> next();

    // Puts aside what is left in the shared buffer; before another connection uses that.
    void save();

    [[nodiscard]] bool is_broken() const noexcept { return broken_; }
    [[nodiscard]] int error() const noexcept { return error_; } // an errno
    // The last read got all that was asked for, so that there is probably more.
    [[nodiscard]] bool is_full() const noexcept { return full_; }

  private:
    [[nodiscard]] std::size_t wanted_size() const noexcept;
    state receive(int fd, std::span<std::byte> room, std::size_t& got);
    state fill_scratch(int fd, std::span<std::byte> scratch);
    state fill_big(int fd, std::size_t size);

    std::vector<std::byte> kept_;       // the beginning of a frame
    std::span<const std::byte> window_; // unread part of the shared buffer, or of a big frame in kept_
    bool big_ = false;                  // the frame is put together in kept_ itself
    bool broken_ = false;
    bool full_ = false;
    int error_ = 0;
};

} // namespace joinleaf::tcp_root
