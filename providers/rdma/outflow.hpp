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

    // From this position of the log on the peer gets everything; in its stream that is the position `stream`.
    void begin(std::uint64_t position, std::uint64_t stream) noexcept;

    // What goes next, of at most `room` bytes; nothing: all has been sent. Messages are cut only where one alone is
    // longer than that, or lies around the end of the log's memory.
    [[nodiscard]] std::optional<slice> plan(const ring& log, std::size_t room) const noexcept;

    // plan() certainly has nothing.
    [[nodiscard]] bool is_idle(const ring& log) const noexcept { return cursor_ == log.head() && !stop_; }

    // The slice has been posted, with next_cookie(). free: its memory is not needed any more, and no sent() follows.
    void posted(const ring& log, const slice& what, bool free);
    [[nodiscard]] std::uint64_t next_cookie() const noexcept { return first_cookie_ + flying_.size(); }
    void sent(std::uint64_t cookie) noexcept;
    // Nothing that was posted will be told of any more.
    void lose_sight() noexcept;

    // As posted, of a slice that lies before the cursor and has gone once already, by another way.
    void posted_again(std::uint64_t position, bool free);

    // What lies there is not for this peer; the newest of the log, and whole messages.
    void skip(std::uint64_t from, std::uint64_t to);
    // No slice lies on both sides of the log's head.
    void cut(std::uint64_t head) { skip(head, head); }
    // Everything up to the head is left out, and does not exist for the peer.
    void jump(std::uint64_t head);

    // What follows the log's head goes to the peer by another one's slices, which are for the same receivers; this
    // one still posts what is before, and its end.
    void hand_over(const outflow& carrier, std::uint64_t head);
    [[nodiscard]] bool is_carried() const noexcept { return carrier_ != nullptr; }
    // Nothing is left to be posted before what the carrier posts.
    [[nodiscard]] bool has_handed_over() const noexcept { return carrier_ != nullptr && cursor_ >= held_; }
    // From the carrier's cursor on it posts itself again. Only after has_handed_over.
    void take_over();
    // A position of the carrier's stream as the peer counts.
    [[nodiscard]] std::uint64_t stream_of(std::uint64_t carried) const noexcept { return carried + offset_; }

    // The stream ends at a position that is not behind; leaving: for good. A second call may only add leaving.
    void end(std::uint64_t position, bool leaving) noexcept;
    // The peer wants nothing more: what has not been posted is left out.
    void deafen() noexcept;

    // The next position to be posted: in the log, and as the peer counts.
    [[nodiscard]] std::uint64_t cursor() const noexcept { return cursor_; }
    [[nodiscard]] std::uint64_t stream() const noexcept { return cursor_ - skipped_; }
    [[nodiscard]] std::uint64_t stream_at_head(std::uint64_t head) const noexcept {
        return head - all_skipped_;
    }
    // Where it ends, in the log.
    [[nodiscard]] std::optional<std::uint64_t> stop() const noexcept { return stop_; }
    // The same of one that is carried, as the carrier counts.
    [[nodiscard]] std::uint64_t stop_carried() const noexcept { return stop_stream_ - offset_; }
    [[nodiscard]] bool is_deaf() const noexcept { return deaf_; }

    // Bytes before this position are not needed for this peer any more.
    [[nodiscard]] std::uint64_t needs(std::uint64_t head) const noexcept;
    [[nodiscard]] bool is_leaving() const noexcept { return leaving_; }
    // Its end has been posted.
    [[nodiscard]] bool end_posted() const noexcept { return end_posted_ && (!leaving_ || leave_posted_); }
    [[nodiscard]] bool in_flight() const noexcept { return !flying_.empty(); }

  private:
    struct flight {
        std::uint64_t from = 0; // the lowest position of this one and those behind it
        bool landed = false;
    };

    [[nodiscard]] std::size_t whole_records(const ring& log, std::uint64_t to,
                                            std::size_t room) const noexcept;

    void pass_skipped() noexcept;
    void take_off(std::uint64_t from, bool free);

    std::uint64_t cursor_ = 0;
    std::uint64_t skipped_ = 0;     // bytes before the cursor
    std::uint64_t all_skipped_ = 0; // and before the log's head
    std::uint64_t rest_ = 0; // bytes of the message at the cursor that have not been posted, if some have
    std::optional<std::uint64_t> stop_;
    std::uint64_t stop_stream_ = 0; // of one that is carried
    const outflow* carrier_ = nullptr;
    std::uint64_t held_ = 0;   // where the carrier takes over
    std::uint64_t offset_ = 0; // from the carrier's stream to the peer's
    bool leaving_ = false;
    bool deaf_ = false;
    bool end_posted_ = false;
    bool leave_posted_ = false;
    fifo<flight> flying_; // in order of posting
    fifo<std::pair<std::uint64_t, std::uint64_t>> skips_;
    std::uint64_t first_cookie_ = 0;
};

} // namespace joinleaf::rdma
