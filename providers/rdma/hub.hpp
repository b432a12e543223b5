// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base.hpp"
#include "cast.hpp"
#include "engine.hpp"
#include "flow.hpp"
#include "peer.hpp"
#include "settings.hpp"

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace joinleaf::rdma {

// The session layer: a station of the engine, the handshakes with those who join or are joined, and the data of the
// sockets that live here. A root's hub serves the root and its sockets for leaves; that of a listening leaf serves the
// listener and every socket that it has accepted.
//
// One lock guards everything, the station included. Data moves in the thread that asks for it: tx posts, rx polls.
// The loop does what remains when nobody asks: control messages, grants, deadlines, and waking those who wait.
class hub final : public std::enable_shared_from_this<hub>, station_owner, message_sink {
  public:
    using lock_type = std::unique_lock<std::mutex>;

    hub(jl_handle* name, std::shared_ptr<const settings> limits, wire::control_role role,
        wire::data_role data);
    hub(const hub&) = delete;
    hub& operator=(const hub&) = delete;
    ~hub() override;

    // WSAEMFILE, WSAENETDOWN, WSAENOBUFS: what the engine says.
    tl::expected<void, failure> open(engine& way, int family);

    [[nodiscard]] lock_type lock() const { return lock_type(mutex_); }

    // Everything below is called with the lock held.

    // As the station's, but the any-address becomes the setting `local`, and with it a device.
    std::int32_t bind(const address& name);

    // Sockets that live here; the last one to leave takes the station down. done runs on the loop, or at once where
    // none is in use.
    void enter() noexcept { ++users_; }
    void leave(std::function<void()> done);
    // A socket of which nothing remains but what is still under way.
    void forget(const std::shared_ptr<flow>& data);

    [[nodiscard]] station& device() noexcept { return *station_; }
    [[nodiscard]] bool is_alive() const noexcept { return station_ != nullptr; }
    [[nodiscard]] wire::control_role role() const noexcept { return role_; }
    [[nodiscard]] wire::data_role data_role() const noexcept { return data_role_; }

    // hub_accept.cpp
    std::int32_t listen(jl_handle* listener, std::int32_t backlog);
    void stop_listening();
    [[nodiscard]] bool is_listening() const noexcept { return listener_ != nullptr; }
    // The request is gone afterwards. Null: it was withdrawn.
    std::shared_ptr<peer> take(void* request);
    void refuse(void* request);
    // WSAECONNRESET: the asker is gone; WSAENOBUFS.
    std::int32_t admit(const std::shared_ptr<peer>& who, const std::shared_ptr<flow>& data,
                       const jl_answer* answer);

    // hub_join.cpp. The outcome comes through done, once, perhaps before the return; not after cancel answered true.
    struct wish {
        address target;
        bool keep_port = false;
        std::shared_ptr<flow> data;
        const jl_join* join = nullptr;
        jl_handle* socket = nullptr; // the root's for the new leaf
    };
    std::shared_ptr<peer> join(const wish& what, std::function<void(const join_result&)> done);
    bool cancel(peer& who);

    // hub_data.cpp; as in jl_ops.
    std::int32_t tx(flow& data, jl_msg* messages, std::uint32_t count, std::uint32_t* done);
    std::int32_t rx(flow& data, jl_msg* messages, std::uint32_t count, std::uint32_t* done,
                    std::uint32_t* left);
    std::int32_t arm(flow& data, std::uint32_t direction, std::int32_t* code);
    void fill(const flow& data, jl_stats& out) const;
    // The members, in the order in which they joined; returns how many there are.
    static std::uint32_t list(const flow& data, std::span<jl_leaf_stats> out);
    [[nodiscard]] static jl_leaf_stats describe(const peer& who);
    // Of a root's group; nothing where there is none.
    [[nodiscard]] group_figures of_group() const { return cast_ ? cast_->figures() : group_figures{}; }
    // Takes in what has come.
    void look() { poll_data(); }

    // hub_life.cpp
    void shut_in(flow& data);
    void shut_out(flow& data);
    void shut_leaf(peer& who, std::int32_t how);
    // The peer is let go: what was sent still reaches it, unless aborted. gone runs when its connection is closed.
    void part(peer& who, std::uint32_t how, std::function<void()> gone);

    // From the peers.
    void on_up(peer& who);
    void on_control(peer& who, std::span<const std::byte> message);
    void on_sent(peer& who, std::uint64_t cookie);
    void on_down(peer& who, const failure& why);

    // hub_cast.cpp; from the root's group.
    void on_cast_joined();
    void on_cast_lost(const failure& why);

    // hub_group.cpp; from a leaf's membership.
    void on_group_joined(peer& who);
    void on_group_lost(peer& who, const failure& why);
    void on_datagram(peer& who, std::span<const std::byte> bytes);

  private:
    using peer_ptr = std::shared_ptr<peer>;
    using clock = peer::clock;

    link_owner* on_incoming(link& line) override;
    void on_parcel(const parcel& got) override;
    void on_trouble(const address& who, const failure& why) override;
    bool has_room(peer& from) override;
    void put(peer& from, arrived message) override;

    // hub.cpp
    [[nodiscard]] jl_loop* loop();
    bool watch_control();
    bool watch_data();
    void on_control_ready();
    void on_data_ready();
    void poll_control();
    bool poll_data();
    void arm_watch();
    void park();
    void watch_unless_polled(bool polls);
    void keep_ticking();
    void on_tick();
    void tend(peer& who, clock::time_point now);
    [[nodiscard]] bool needs_tick() const;
    peer_ptr enroll(peer::phase first);
    [[nodiscard]] peer* find(std::uint64_t channel) const;
    void strike(peer& who);
    static std::uint64_t draw_channel(std::size_t index);
    // It goes when no callback of the station is under way.
    void bury(std::shared_ptr<void> what);
    void sweep();

    // hub_join.cpp
    void connect(peer& who);
    void read_answer(peer& who, std::span<const std::byte> message);
    void conclude(peer& who, const failure& why, const wire::greeting* answer);
    void fail_join(peer& who, std::int32_t code, const std::string& why);
    tl::expected<void, failure> prepare(peer& who, flow& data);
    std::int32_t connect_data(peer& who, const wire::greeting& theirs);

    // hub_accept.cpp
    void read_hello(peer& who, std::span<const std::byte> message);
    void enqueue(peer& who);
    void turn_away(peer& who, std::int32_t code, wire::reason why);

    // hub_data.cpp
    void touch(peer& who);
    void block(peer& who);
    void deafen(peer& who);
    void take_slice(peer& who, const wire::slice_head& head, const parcel& got);
    void settle();
    void look_after(peer& who);
    void after_move(peer& who, bool stalled);
    void pump(peer& who);
    void post_slices(peer& who);
    // Something was posted.
    bool post_stream(peer& who);
    bool post_repair(peer& who);
    posted post_slice(peer& who, std::uint64_t stream, std::span<const std::byte> bytes, std::uint8_t flags);
    void send_grant(peer& who);
    void wake_if_dozing(peer& who);
    void release_space(flow& data);
    void came_back(std::uint32_t slot, std::size_t bytes, peer& whose);
    void give_back_returned();
    void go_on_telling(flow& data, bool nothing_left);
    void drop_front(flow& data);
    void tell_readable(flow& data);
    void relay(peer& from, std::span<const std::byte> bytes);
    void make_member(peer& who, bool d_root, bool mute, bool deaf);

    // hub_life.cpp
    void on_note(peer& who, const wire::note& what);
    bool on_root_note(peer& who, const wire::note& what);
    bool on_leaf_note(peer& who, const wire::note& what);
    bool on_longer(peer& who, std::span<const std::byte> message);
    void end_socket(peer& who, std::int32_t code);
    void drop_membership(peer& who);
    void abandon(peer& who, std::int32_t code, const char* why);
    void close_line(peer& who, bool abort);
    void check_parted(peer& who);

    // hub_cast.cpp
    void consider(peer& who);
    void join_cast();
    void call(peer& who);
    void send_away(peer& who);
    void on_joined(peer& who, std::uint64_t window);
    void on_parted(peer& who, std::int32_t code);
    void return_if_ready(peer& who);
    void unseat(peer& who);
    void on_taken(peer& who, std::uint64_t position);
    void on_missing(peer& who, std::span<const wire::range> missing);
    void change_channel(std::uint64_t position);
    void end_out(peer& who, bool leaving);
    void pump_cast();
    void settle_cast();
    void record_group();
    void end_cast();
    void tend_cast(clock::time_point now);
    void mark_group(clock::time_point now);
    void tell_how_far();
    [[nodiscard]] bool cast_needs_tick() const;

    // hub_group.cpp
    void on_group_call(peer& who, const wire::group_call& call);
    void refuse_group(peer& who, const failure& why);
    void leave_group(peer& who);
    void deafen_ear(peer& who);
    void on_turn(peer& who, const wire::turn& what);
    void on_reached(peer& who, std::uint64_t position);
    void on_sent_so_far(peer& who, std::uint64_t position);
    [[nodiscard]] static std::size_t copies_of_mended(const peer& who, std::uint64_t position);
    void tend_ear(peer& who);
    static void ask_for_missing(peer& who);
    static void tell_taken(peer& who);

    jl_handle* const name_;
    const std::shared_ptr<const settings> limits_;
    const wire::control_role role_;
    const wire::data_role data_role_;

    mutable std::mutex mutex_;
    std::unique_ptr<station> station_;
    int family_ = AF_UNSPEC;
    std::unique_ptr<cast> cast_;                // a root's group, if it has one
    std::vector<std::shared_ptr<void>> buried_; // what a callback may still be about
    std::size_t users_ = 0;
    jl_loop* loop_ = nullptr;
    watch control_watch_;
    watch data_watch_;
    bool data_watched_ = false;
    std::uint64_t polls_ = 0;      // by applications
    std::uint64_t polls_seen_ = 0; // by the loop, when it last looked
    bool parked_ = false;          // an application polls: the loop leaves the data alone
    // Some engines' descriptors stay readable when there is nothing. After so many such alarms in a row the loop looks by the
    // clock, and believes one alarm at a time.
    unsigned alarms_ = 0;
    unsigned alarms_allowed_ = 32;
    timer tick_;
    bool ticking_ = false;
    bool hurried_ = false; // the next tick is that of a busy hub, and comes soon

    std::vector<peer_ptr> peers_; // by the low half of their channels
    std::vector<std::uint32_t> free_;
    // Who is in these lists is open; close_line takes it out.
    std::vector<peer*> touched_;
    std::vector<peer*> blocked_; // for which the engine had no room
    struct returned_slot {
        std::uint32_t slot;
        peer* whose;
    };
    std::vector<returned_slot> returned_; // slots that wait to be posted again
    slot_shares shares_;
    bool settling_ = false;

    jl_handle* listener_ = nullptr;
    std::size_t backlog_ = 1;
    std::size_t queued_ = 0;
    std::list<peer_ptr> greeting_; // oldest first
    std::list<peer_ptr> waiting_;  // handed to the host, the withdrawn ones too
};

} // namespace joinleaf::rdma
