// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base.hpp"
#include "frame_reader.hpp"
#include "outflow.hpp"
#include "settings.hpp"
#include "tcp.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace joinleaf::tcp_root {

// Messages and the bytes of their data.
struct tally {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;

    void add(std::size_t size) noexcept {
        ++messages;
        bytes += size;
    }
    tally& operator+=(const tally& more) noexcept {
        messages += more.messages;
        bytes += more.bytes;
        return *this;
    }
    friend tally operator-(tally from, const tally& less) noexcept {
        from.messages -= less.messages;
        from.bytes -= less.bytes;
        return from;
    }
};

// What most leaves never have: reads as a T{}, and takes memory from the first `edit` on.
template <class T> class on_need {
  public:
    [[nodiscard]] const T& look() const noexcept {
        static const T none{};
        return kept_ != nullptr ? *kept_ : none;
    }
    T& edit() { // std::bad_alloc
        if (kept_ == nullptr) {
            kept_ = std::make_unique<T>();
        }
        return *kept_;
    }

  private:
    std::unique_ptr<T> kept_;
};

// One leaf as the root has it: its connection, how far it has been served, and the root's socket for it.
// Guarded by the mutex of its session, but for `reader`, which belongs to the thread that has set `reading`.
struct link {
    explicit link(endpoint& of) noexcept : owner(of) {}
    link(const link&) = delete;
    link& operator=(const link&) = delete;

    // The link is a part of the root's socket for the leaf, and lives as long as somebody has a share of either.
    [[nodiscard]] std::shared_ptr<link> share() { return {owner.shared_from_this(), this}; }

    endpoint& owner;

    enum class phase : std::uint8_t {
        fresh, // not admitted yet
        open,  // the connection is there
        gone,  // it is over; what remains is to let go of the descriptor
    };

    phase state = phase::fresh;

    // What the leaf may do.
    bool d_root = false; // in the data plane
    bool deaf = false;   // it joined in order to send only
    bool mute = false;   // it joined in order to receive only

    tcp::descriptor fd;
    address peer;
    address local;

    bool settled = true;      // with drop_oldest: it is known where the message ends that is being sent
    bool awaits_room = false; // `room` has a condition
    // Signs of life: it is never silent for longer; 0: it may be. As in a greeting.
    std::chrono::duration<std::uint16_t, std::centi> beat{};
    std::int32_t last_error = 0;

    std::uint32_t lane = 0; // of the session: the loop that serves it
    std::uint32_t seat = 0; // of the session, while it is open
    int unacknowledged = 0; // bytes, when last looked at; while leaving

    // What is done when it does not keep up.
    slow_rule slow;
    struct losses {
        std::optional<tally> detached; // with drop_newest: in the log when it began to miss what is new
        tally others_then;             // `others` at that time
        tally dropped;
        std::uint64_t gaps = 0; // notices given
    };
    std::unique_ptr<losses> lost; // null: it has missed nothing so far

    [[nodiscard]] bool is_detached() const noexcept { return lost != nullptr && lost->detached; }
    // std::bad_alloc.
    losses& losing() {
        if (lost == nullptr) {
            lost = std::make_unique<losses>();
        }
        return *lost;
    }

    std::chrono::steady_clock::time_point heard; // when something came from it last

    // Towards the leaf.
    outflow out;
    bool member = false;  // counts as a leaf of the session
    bool sending = false; // a thread is in sendmsg for it; that thread looks again for more before it leaves
    bool blocked = false; // the kernel took no more; the loop waits for room
    bool leaving = false; // the root has let it go: what is queued still goes, then the connection ends
    bool shut = false;    // its end has been sent
    std::int32_t broken =
        0;         // sending failed with this; the reason for the end unless the leaf has said goodbye before
    int users = 0; // threads inside a system call on fd; the last one closes it
    std::chrono::steady_clock::time_point progress; // when it last took something

    // From the leaf.
    frame_reader reader;
    bool reading = false;    // a thread is in recv for it
    bool listened = false;   // in the set of its lane
    bool paused = false;     // held back, the root's queue is full
    bool input_over = false; // nothing more can come
    bool finished = false;   // it has said that nothing more comes
    bool discard = false;    // nobody wants what comes

    // What was done with it.
    std::chrono::steady_clock::time_point joined;
    tally before; // in the log when it joined
    struct exceptions {
        tally others;               // put into the log since, but not for this leaf
        std::optional<tally> until; // in the log when it wanted no more
    };
    on_need<exceptions> apart;
    tally received;

    watch room; // in its socket; made when it first has none

    // The root's socket for this leaf.
    jl_handle* socket = nullptr;                    // null once it is closed
    std::optional<std::int32_t> ended;              // what FD_CLOSE says; nothing: still a member
    std::unique_ptr<std::function<void()>> on_gone; // its close waits for this

    [[nodiscard]] bool is_open() const noexcept { return state == phase::open; }
};

} // namespace joinleaf::tcp_root
