// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fifo.hpp"
#include "ring.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace joinleaf::rdma {

// How far one peer has been served from a log: its cursor, the slices on their way, and where its stream ends. Guarded
// by the lock of its hub.
class outflow {
  public:
    // The next slice. Its bytes lie in one piece.
    struct slice {
        std::uint64_t position = 0; // in the log
        std::uint64_t stream = 0;   // as the peer counts, to which what is skipped does not exist
        std::span<const std::byte> bytes;
        std::uint8_t flags = 0;
    };

    // From here on the peer gets everything.
    void begin(std::uint64_t position) noexcept;

    // What goes next, of at most `room` bytes; nothing: all has been sent. Messages are cut only where one alone is
    // longer than that, or lies around the end of the log's memory.
    [[nodiscard]] std::optional<slice> plan(const ring& log, std::size_t room) const noexcept;

    // The slice has been posted, with next_cookie(). free: its memory is not needed any more, and no sent() follows.
    void posted(const ring& log, const slice& what, bool free);
    [[nodiscard]] std::uint64_t next_cookie() const noexcept { return first_cookie_ + flying_.size(); }
    void sent(std::uint64_t cookie) noexcept;

    // What lies there is not for this peer; the newest of the log, and whole messages.
    void skip(std::uint64_t from, std::uint64_t to);

    // The stream ends at a position that is not behind; leaving: for good. A second call may only add leaving.
    void end(std::uint64_t position, bool leaving) noexcept;
    // The peer wants nothing more: what has not been posted is left out.
    void deafen() noexcept { deaf_ = true; }

    // Bytes before this position are not needed for this peer any more.
    [[nodiscard]] std::uint64_t needs(std::uint64_t head) const noexcept;
    [[nodiscard]] bool is_leaving() const noexcept { return leaving_; }
    // Its end has been posted.
    [[nodiscard]] bool end_posted() const noexcept { return end_posted_ && (!leaving_ || leave_posted_); }
    [[nodiscard]] bool in_flight() const noexcept { return !flying_.empty(); }

  private:
    struct flight {
        std::uint64_t from = 0;
        bool landed = false;
    };

    [[nodiscard]] std::size_t whole_records(const ring& log, std::uint64_t to,
                                            std::size_t room) const noexcept;

    void pass_skipped() noexcept;

    std::uint64_t cursor_ = 0;
    std::uint64_t skipped_ = 0; // bytes before the cursor
    std::uint64_t rest_ = 0;    // bytes of the message at the cursor that have not been posted, if some have
    std::optional<std::uint64_t> stop_;
    bool leaving_ = false;
    bool deaf_ = false;
    bool end_posted_ = false;
    bool leave_posted_ = false;
    fifo<flight> flying_; // in order of posting
    fifo<std::pair<std::uint64_t, std::uint64_t>> skips_;
    std::uint64_t first_cookie_ = 0;
};

} // namespace joinleaf::rdma
