// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ring.hpp"
#include "wire.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include <sys/uio.h>

namespace joinleaf::tcp_root {

// What one leaf is still to be sent, in order: bytes of its own (the answer to its join, notices, what was
// taken over from the log), the session's log from its cursor on but for the ranges that are not for it, and
// the end of the session. Not synchronised; what changes its own bytes or moves the cursor must not run while
// a plan is with the kernel.
class outflow {
  public:
    static constexpr std::uint64_t nothing = std::numeric_limits<std::uint64_t>::max();

    // Starts behind everything that the log holds now.
    void begin(std::uint64_t position, std::vector<std::byte> lead);

    // Adds bytes to what goes before the log. False: the leaf is to have something of the log, among which they
    // would end up in the middle of a message.
    bool add_lead(std::span<const std::byte> bytes);

    // [from, to) of the log, just appended, is not for this leaf.
    void skip(std::uint64_t from, std::uint64_t to);

    // No message that lies at this position or behind it. What is queued before still goes, so that no
    // message is cut.
    void deafen(std::uint64_t position) noexcept;

    // As deafen, and the end follows. A second end only counts while the first has not begun to leave.
    void end(std::uint64_t position, bool leaving) noexcept;

    // Writes what is to be sent next into parts, of the log up to `head` at most; returns the entries used and
    // adds their bytes up.
    std::size_t plan(const ring& log, std::uint64_t head, std::span<iovec> parts,
                     std::size_t& bytes) const noexcept;
    std::size_t plan(const ring& log, std::span<iovec> parts, std::size_t& bytes) const noexcept {
        return plan(log, log.head(), parts, bytes);
    }
    // The end is next.
    [[nodiscard]] bool has_end_to_send() const noexcept {
        return ended_ && cursor_ >= limit_ && end_sent_ != wire::frame_size;
    }
    [[nodiscard]] std::uint64_t cursor() const noexcept { return cursor_; }

    // So many bytes of the plan are with the kernel.
    void advance(std::size_t bytes) noexcept;

    // The lowest position of the log that is still needed; `nothing` when none is.
    [[nodiscard]] std::uint64_t needs(std::uint64_t head) const noexcept;

    // Behind each advance while drop_until may come: finds out where the message ends that was cut. all: nothing
    // of the plan was left. The log must still hold what was sent.
    void settle(const ring& log, bool all) noexcept;

    struct loss {
        std::uint64_t messages = 0;
        std::uint64_t bytes = 0; // of data
        std::uint64_t notices = 0;
    };
    // Gives up whole messages that lie before `position`, but not the one that is being sent, and puts notices
    // in their place. Other frames stay.
    loss drop_until(const ring& log, std::uint64_t position);

    // Takes everything up to head over into bytes of its own, so that it needs nothing of the log.
    void absorb(const ring& log);

    // Nothing of the log from here on, until go_on.
    void hold(std::uint64_t position) noexcept { held_ = position; }
    void go_on(std::uint64_t position) noexcept;

    // Puts bytes before what it needs of the log.
    void add(std::span<const std::byte> bytes) {
        auto& lead = make_more().lead;
        lead.insert(lead.end(), bytes.begin(), bytes.end());
    }

    // A notice that so many messages are missing here; joins the notice before it if nothing lies between.
    // True: it is a notice of its own.
    bool add_gap(std::uint64_t messages);

    [[nodiscard]] std::size_t own_bytes() const noexcept { return more().lead.size() - more().lead_sent; }

    // Bytes of the log up to head that are not with the kernel yet, and what comes before them.
    [[nodiscard]] std::uint64_t queued(std::uint64_t head) const noexcept;

    // Nothing more of the log goes to this leaf.
    [[nodiscard]] bool is_deaf() const noexcept { return cursor_ >= limit_; }
    [[nodiscard]] bool is_ended() const noexcept { return ended_; }
    // The end is with the kernel.
    [[nodiscard]] bool is_finished() const noexcept { return ended_ && end_sent_ == wire::frame_size; }

  private:
    struct range {
        std::uint64_t from;
        std::uint64_t to;
    };

    static constexpr std::size_t no_gap = std::numeric_limits<std::size_t>::max();

    class planner;

    std::size_t advance_lead(std::size_t bytes) noexcept;
    void trim() noexcept;
    void take_over(const ring& log, std::uint64_t to);

    void hop() noexcept;
    [[nodiscard]] std::uint64_t stop(std::uint64_t head) const noexcept {
        return std::min({head, limit_, held_});
    }

    // What most leaves have at no time but their first and last: it takes memory while there is any.
    struct extras {
        std::vector<std::byte> lead; // what goes before the log
        std::size_t lead_sent = 0;
        std::size_t gap_at = no_gap; // of the notice in lead that nothing follows
        std::uint64_t gap_messages = 0;
        std::vector<range> skips; // ascending, apart from each other; those before first_skip are passed
        std::size_t first_skip = 0;
    };
    [[nodiscard]] const extras& more() const noexcept {
        static const extras none{};
        return more_ ? *more_ : none;
    }
    extras& make_more() { // std::bad_alloc
        if (!more_) {
            more_ = std::make_unique<extras>();
        }
        return *more_;
    }

    std::unique_ptr<extras> more_;
    std::uint64_t cursor_ = 0;
    std::uint64_t edge_ = 0; // the first end of a message at the cursor or behind it, once settled
    std::uint64_t limit_ = nothing;
    std::uint64_t held_ = nothing;
    wire::frame_bytes end_{};
    std::uint8_t end_sent_ = 0; // bytes
    bool ended_ = false;
};

} // namespace joinleaf::tcp_root
