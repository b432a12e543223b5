// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base.hpp"
#include "engine.hpp"
#include "flow.hpp"
#include "inflow.hpp"
#include "listening.hpp"
#include "outflow.hpp"
#include "seat.hpp"
#include "wire.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace joinleaf::rdma {

class hub;

// What a join came to; answer is null unless the peer has admitted.
struct join_result {
    failure why; // code 0: joined
    const wire::greeting* answer = nullptr;
};

// One peer of a hub, from the first byte of its connection to the last. Guarded by the lock of its hub.
struct peer final : link_owner, std::enable_shared_from_this<peer> {
    enum class phase : std::uint8_t {
        connecting, // this side joins
        asking,     // the hello has gone
        greeting,   // the other side has connected, and its hello has not come
        queued,     // its hello waits for the application
        open,       // admitted
        gone,
    };
    using clock = std::chrono::steady_clock;

    peer(hub& where, phase first) : home(where), state(first) {}

    void on_up() override;
    void on_control(std::span<const std::byte> message) override;
    void on_sent(std::uint64_t cookie) override;
    void on_down(const failure& why) override;

    [[nodiscard]] bool is_open() const noexcept { return state == phase::open; }
    // Bytes of the log before this are not needed for it.
    [[nodiscard]] std::uint64_t needs(std::uint64_t head) const noexcept {
        return std::min(out.needs(head), place.needs(head));
    }

    // So many buffers are worth a grant.
    [[nodiscard]] std::uint32_t quarter() const noexcept { return std::max(1U, window / 4); }
    [[nodiscard]] bool is_owed_a_grant() const noexcept { return consumed - announced >= quarter(); }

    hub& home;
    link* line = nullptr; // null when gone
    phase state;
    address remote;
    address local;
    clock::time_point since = clock::now();

    // The handshake.
    wire::greeting hello;   // sent or received
    bool keep_port = false; // it is joined from the station's very address
    bool again = false;     // its connection has to be tried again
    bool heard = false;     // a wait notice came: the other side is one of us
    std::function<void(const join_result&)> on_joined;
    std::shared_ptr<flow> data; // where it belongs, or will

    // The data plane.
    std::uint64_t channel = 0;        // what its slices have to name
    std::uint64_t remote_channel = 0; // what ours have to
    std::size_t slice_room = 0;       // bytes of the log in one slice
    outflow out;
    inflow in;
    seat place;                     // on a root: in its group
    std::unique_ptr<listening> ear; // on a leaf: to its root's group
    std::uint32_t window = 0;       // buffers posted for it
    std::uint32_t returned = 0;     // of these, those that are free and wait to be posted again
    std::uint32_t consumed = 0;     // data slices whose buffers have been posted again
    std::uint32_t announced = 0;    // of these, what it knows
    std::uint32_t allowed = 0;      // data slices that may be posted in all
    std::uint32_t posted = 0;
    bool touched = false;            // in the hub's list of those to be looked after
    bool blocked = false;            // the engine had no room
    bool dozing = false;             // it sleeps until it gets a wake note
    bool asked_to_knock = false;     // it knows that this side sleeps
    bool owes_opening = false;       // the first slice between the two has to be ours, without data
    bool awaits_opening = false;     // or its
    std::uint64_t slices_seen = 0;   // from it
    std::uint64_t slices_posted = 0; // to it
    // Slices that came before the answer that says where its stream begins.
    std::vector<std::pair<wire::slice_head, parcel>> early;
    bool d_root = false;  // in the data plane
    bool mute = false;    // it joined in order to receive only
    bool member = false;  // counts as a member of the flow
    bool discard = false; // nobody wants what comes

    // For statistics.
    clock::time_point joined{};
    tally before;                 // what the log had carried when it joined
    tally skipped;                // what was not for it
    tally received;               // from it
    std::optional<tally> deaf_at; // what the log had carried when it wanted nothing more

    // The end.
    bool finish_told = false;      // it knows that everything came
    bool has_finished = false;     // it has everything of ours
    bool leaving = false;          // this side has left; the connection stays until everything has gone
    std::optional<failure> broken; // nothing of it is taken any more
    std::optional<failure> down;   // its connection ended; what came before counts
    clock::time_point progress = clock::now(); // when it last took something, to a tick
    bool gets_on = false;                      // it has taken something since the last tick

    // The root's socket for it.
    jl_handle* socket = nullptr;
    std::optional<std::int32_t> ended; // what FD_CLOSE of that socket says; nothing: a member
    std::function<void()> on_gone;     // a close waits for this
};

} // namespace joinleaf::rdma
