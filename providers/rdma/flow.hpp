// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "inbox.hpp"
#include "outflow.hpp"
#include "ring.hpp"
#include "settings.hpp"
#include "wire.hpp"

#include "joinleaf/provider.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace joinleaf::rdma {

struct peer;

// Messages, and the bytes of their data.
struct tally {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;

    void add(std::size_t size) noexcept {
        ++messages;
        bytes += size;
    }
    friend tally operator-(const tally& a, const tally& b) noexcept {
        return {a.messages - b.messages, a.bytes - b.bytes};
    }
};

// The data of one socket: the log that its receivers read, and the messages that wait for it. A root has one for all its
// leaves, a leaf one for its root. Guarded by the lock of its hub.
struct flow {
    flow(jl_handle* whose, const settings& limits)
        : socket(whose),
          send_buffer(limits.send_buffer),
          log(limits.send_buffer + wire::message_max + (64u << 10)),
          box(limits.recv_buffer) {}

    // A message of any legal size finds room in an empty log; one that is passed on, in a log that is not full.
    [[nodiscard]] bool fits(std::size_t bytes) const noexcept {
        return log.used() == 0 || log.used() + bytes <= send_buffer;
    }

    // The sender may go on: once it has found the log full, not before that is half empty.
    [[nodiscard]] bool takes_more() const noexcept { return members != 0 && !full && fits(wanted_room); }

    // An application that has asked so often without waiting in between goes on asking; one that waits, asks once. What arming
    // costs would be the greater part of a small message's time. Should it wait after all, the clock notices.
    static constexpr unsigned misses_of_a_poller = 3;
    // So does one that finds, so often, what it has not been told of.
    static constexpr unsigned finds_of_a_poller = 3;

    // The application has asked, while it was to be told or not.
    void note_look(bool found, bool was_to_be_told) noexcept {
        misses = found ? 0 : misses + 1;
        if (found) {
            untold = was_to_be_told ? untold + 1 : 0;
        }
    }
    [[nodiscard]] bool is_polled() const noexcept {
        return misses >= misses_of_a_poller || untold >= finds_of_a_poller;
    }
    [[nodiscard]] bool is_polled_for_room() const noexcept { return send_misses >= misses_of_a_poller; }

    jl_handle* socket; // told of readiness; null once it is closed
    const std::size_t send_buffer;
    ring log;
    inbox box;
    outflow* carrier = nullptr;               // a root's: what all leaves get by its group
    std::vector<std::shared_ptr<peer>> peers; // whose connections are there
    std::size_t members = 0;                  // of them, those that a message would reach
    std::size_t d_roots = 0;                  // of these, those that are d_root
    bool is_root = false;
    bool is_d_root = false;
    bool lent = false; // the station knows the log's memory
    bool may_send = true;
    bool may_receive = true;

    // To the application that asks just now, if it does.
    bool hand_over(const peer& from, const arrived& message) {
        if (asking.empty() || !box.pass(asking.front(), from, message)) {
            return false;
        }
        asking = asking.subspan(1);
        return true;
    }

    std::span<jl_msg> asking; // what a call of rx that is looking has still to fill
    unsigned misses = 0;      // times in a row that the application asked and nothing had come
    unsigned untold = 0; // times in a row that it asked and something had come of which nobody had told it
    unsigned send_misses = 0;    // times in a row that it asked to send and there was no room
    bool want_in = false;        // the host waits for JL_IN
    bool want_out = false;       // and for JL_OUT
    std::size_t wanted_room = 1; // bytes that the sender last found no room for
    bool full = false;           // somebody waits for room in the log
    std::chrono::steady_clock::time_point full_since;
    bool shut_in = false;
    bool shut_out = false;
    bool closing = false;
    std::optional<std::int32_t> end;  // a leaf's: why nothing more comes; the box comes first
    std::optional<std::int32_t> lost; // a leaf's: why nothing more can be sent

    std::uint64_t sent_messages = 0;
    std::uint64_t sent_bytes = 0;
    std::uint64_t joins = 0;
    std::uint64_t posts = 0; // slices handed to the engine, for whichever peer
    tally carried;           // through the log, what is passed on included
};

} // namespace joinleaf::rdma
