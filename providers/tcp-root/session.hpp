// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "inbox.hpp"
#include "link.hpp"
#include "ring.hpp"
#include "settings.hpp"
#include "wire.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include <sys/epoll.h>

namespace joinleaf::tcp_root {

// A session at its root: the log that all leaves read, the leaves, and the queue of what they send.
//
// A message is written once, into the log; every leaf has a cursor in it. While the loop has nothing to do
// for the session, the sender's own thread hands the message to the kernel for every leaf. A sender that
// comes back faster than that takes leaves the sending to the loop, so that whatever has gathered meanwhile
// goes out with one call per leaf. The leaves are dealt out to the loops, each of which is a lane. The mutex is
// free during every system call.
//
// What the leaves send is read by the loops, or by the application's own thread while it asks for it: then no loop
// is woken, and a message costs no hand-over between threads (session_readers.cpp).
//
// Routing: what member M sends goes to every other member N if the data plane is nonrooted, or M is d_root,
// or N is d_root. The root is itself a member.
class session : public std::enable_shared_from_this<session> {
  public:
    session(jl_handle* root, std::shared_ptr<const settings> limits, wire::roles who);

    // The loop that serves the session; the one place where it is chosen. [any]
    [[nodiscard]] jl_loop* loop();

    // False: the kernel had no descriptors left, and the session is of no use.
    [[nodiscard]] bool is_complete() const noexcept;

    // What comes is for the root alone: its application may read it itself.
    [[nodiscard]] bool is_direct() const noexcept { return direct_; }

    // ---- the root's socket ----

    // [caller] WSAENOTCONN: no leaf (IO-06). WSAEWOULDBLOCK, WSAEMSGSIZE, WSAESHUTDOWN, WSAEOPNOTSUPP
    // (flags).
    std::int32_t tx(jl_msg* messages, std::uint32_t count, std::uint32_t* done);
    // [caller]
    std::int32_t rx(jl_msg* messages, std::uint32_t count, std::uint32_t* done, std::uint32_t* left);
    std::int32_t arm(std::uint32_t direction, std::int32_t* code); // [caller]
    void waits(bool on);                                           // [any] as jl_ops.waits
    std::int32_t shutdown(std::int32_t how);                       // [caller] WSAENOTCONN: no leaf
    // [caller] Ends the session for everyone; done runs when nothing of it is left, on the loop, or at once.
    // A second call with JL_CLOSE_ABORT hurries.
    void close(std::uint32_t how, std::function<void()> done);
    void fill(jl_stats& out); // [any]
    // The leaves in the order in which they joined; answers how many there are. [any]
    std::uint32_t list(std::span<jl_leaf_stats> out);
    jl_leaf_stats describe(const link& leaf);     // [any]
    [[nodiscard]] std::uint64_t readable_bytes(); // [any]
    [[nodiscard]] const wire::roles& who() const noexcept { return who_; }
    [[nodiscard]] const std::shared_ptr<const settings>& limits() const noexcept { return limits_; }

    // ---- its leaves ----

    struct newcomer {
        tcp::descriptor fd;
        address peer;
        address local; // empty: as the kernel says
        wire::data_role data = wire::data_role::leaf;
        bool deaf = false;           // takes no data
        bool mute = false;           // sends none
        std::uint16_t beat = 0;      // see wire::greeting
        std::vector<std::byte> lead; // what it has to be sent first
    };

    // The leaf is being invited from this local address.
    void expect(link& leaf, const address& local);

    // What is done when a leaf does not keep up: for one, or for those that join from now on.
    void set_slow_rule(link& leaf, const slow_rule& rule);
    void set_slow_rule(const slow_rule& rule);
    [[nodiscard]] slow_rule slow_rule_of(const link& leaf) const;
    [[nodiscard]] slow_rule slow_rule_now() const;

    // Whether the root's own messages come back to it; self is what they come from.
    void set_echo(bool on, const address& self);

    // Makes the leaf a member: it gets what is sent from now on. WSAESHUTDOWN: the session is over;
    // WSAECONNRESET: the leaf is gone; WSA_OPERATION_ABORTED: the root's socket for it was closed meanwhile.
    // [any]
    std::int32_t admit(const std::shared_ptr<link>& leaf, newcomer who);

    // The root closes its socket for a leaf: that leaf is out (LC-02). As close.
    void expel(const std::shared_ptr<link>& leaf, std::uint32_t how, std::function<void()> done);

    // The root shuts its socket for a leaf.
    std::int32_t shutdown_leaf(const std::shared_ptr<link>& leaf, std::int32_t how);

    // Sends a frame of control to one leaf, in order with what it is sent otherwise. WSAENOTCONN: it is no
    // member; WSAENOBUFS: the log is full. [any]
    std::int32_t tell(const std::shared_ptr<link>& leaf, std::span<const std::byte> frame);

    // What FD_CLOSE of that socket says; nothing while the leaf is a member. [any]
    std::optional<std::int32_t> ended(const link& leaf) const;
    [[nodiscard]] link::phase phase_of(const link& leaf) const;
    [[nodiscard]] address name_of(const link& leaf, bool peer) const;

    // Calls use(fd) for one leaf, or for all, with the descriptor held open. use returns a code; the first
    // that is not 0 counts.
    std::int32_t with_fd(link& leaf, const std::function<std::int32_t(int)>& use);
    void with_each_fd(const std::function<void(int)>& use);

  private:
    using clock = std::chrono::steady_clock;
    using lock_type = std::unique_lock<std::mutex>;
    using link_ptr = std::shared_ptr<link>;

    // One loop's share of the leaves.
    struct lane {
        jl_loop* loop = nullptr;
        std::size_t number = 0;
        session* owner = nullptr;
        std::shared_ptr<session> self; // while it is engaged
        bool engaged = false;          // it sends, and looks for more before it stops
        tcp::descriptor set;           // epoll: the leaves that may be read, by their seats
        watch look;                    // at `set`, on the loop
    };
    // The head of the log at a time.
    struct milestone {
        clock::time_point when;
        std::uint64_t head;
    };
    static constexpr std::size_t every_lane = static_cast<std::size_t>(-1);

    [[nodiscard]] jl_loop* loop_locked();
    [[nodiscard]] jl_loop* loop_of(const link& leaf);
    static void relock(lock_type& lock);

    // session_life.cpp
    void end_leaf_socket(link& leaf, std::int32_t code);
    void begin_leaving(link& leaf);
    void fail(link& leaf, std::int32_t code);
    void depart(link& leaf);
    void let_go(link& leaf);
    void drop_membership(link& leaf);
    void leave(link& leaf);
    void sweep();
    void check_finished();
    void update_watch(link& leaf);
    void watch_room(link& leaf);
    void keep_ticking();
    void on_tick();
    void tend(link& leaf, clock::time_point now);
    [[nodiscard]] std::chrono::nanoseconds tick_length() const;
    void finish_out(link& leaf, bool leaving);

    // session_beat.cpp
    [[nodiscard]] std::chrono::nanoseconds beat_tick() const;
    void look_after_life(lock_type& lock, clock::time_point now);
    void show_life(lock_type& lock, link& leaf, clock::time_point now);
    void judge_silence(link& leaf, clock::time_point now);

    // session_slow.cpp
    [[nodiscard]] static std::uint64_t reach(const link& leaf, std::uint64_t head) noexcept;
    [[nodiscard]] static bool may_give_way(const link& leaf) noexcept;
    bool make_room(std::size_t bytes);
    void stand_aside(link& leaf);
    void give_way(link& leaf, std::uint64_t end);
    void put_out(link& leaf, const char* why);
    void detach(link& leaf);
    void reattach(link& leaf);
    void drop_oldest(link& leaf, std::uint64_t position);
    void look_at_ages(clock::time_point now);
    void give_way_by_age(link& leaf, std::uint64_t old);
    [[nodiscard]] std::uint64_t head_before(clock::time_point when) const;
    void end_of_patience(clock::time_point now);
    void after_send(link& leaf, bool all, bool whole);

    // session_statistics.cpp
    [[nodiscard]] jl_leaf_stats describe_locked(const link& leaf, clock::time_point now,
                                                bool kernel_too = true) const;
    [[nodiscard]] tally in_log() const;

    // session_out.cpp
    void deafen(link& leaf);
    [[nodiscard]] bool reaches_everyone() const noexcept;
    std::int32_t append_all(jl_msg* messages, std::uint32_t count, std::uint32_t* done);
    std::int32_t check(const jl_msg& message) const noexcept;
    void append(jl_msg& message);
    void append(link& source, std::span<const std::byte> data, bool echo);
    void echo(const jl_msg& message, std::size_t size);
    void pass_over(link& leaf, std::uint64_t from, std::size_t size);
    void exclude(const link* source, std::uint64_t from, std::size_t size);
    [[nodiscard]] bool fits(std::size_t bytes) const noexcept;
    [[nodiscard]] std::int64_t room() const noexcept;
    bool wait_for_room(std::size_t bytes);
    void begin_waiting();
    void kick(lock_type& lock, clock::time_point begun);
    void engage(lane& which);
    void on_engaged(lane& which);
    void engage_all();
    bool flush_once(lock_type& lock, std::size_t lane_number);
    void flush_round(lock_type& lock);
    bool flush_link(lock_type& lock, link& leaf);
    void flush_whole(lock_type& lock, link& leaf);
    bool send_some(lock_type& lock, link& leaf);
    void after_flush(link& leaf);
    void release_space();
    void heed(const link& leaf);
    void room_came_back();

    // session_readers.cpp
    using looks = std::array<epoll_event, 64>;
    enum class reader { loop, taker };
    [[nodiscard]] bool take_seat(link& leaf);
    void give_up_seat(link& leaf);
    [[nodiscard]] bool listen_to(link& leaf, bool wanted);
    static std::size_t look_at(const lane& at, looks& found);
    void read_found(lock_type& lock, const looks& found, std::size_t count);
    void read_all(lock_type& lock);
    void read_here(reader who);
    void on_input(lane& from);
    void after_reading(lock_type& lock);
    void take_over();
    void hand_back();
    void start_lease();
    void on_lease();

    // session_in.cpp
    void on_room(const link_ptr& leaf);
    void read(lock_type& lock, link& leaf);
    bool deliver(link& leaf, const frame_reader::item& item);
    bool deliver_message(link& leaf, std::span<const std::byte> data, bool echo);
    void input_ended(link& leaf, int error);
    [[nodiscard]] bool may_read() const noexcept;
    void pause(link& leaf);
    void resume_readers();

    const std::shared_ptr<const settings> limits_;
    const wire::roles who_;
    const bool direct_;
    std::vector<lane> lanes_; // their number does not change
    inbox inbox_;

    ring log_; // appended to under append_mutex_, released under mutex_
    mutable std::mutex append_mutex_;
    tally sent_;    // by the root itself; of append_mutex_
    tally carried_; // by anyone; of append_mutex_

    std::atomic<std::size_t> members_{0}; // changes under mutex_
    std::atomic<bool> shut_out_{false};   // the same
    std::atomic<bool> closing_{false};    // the same
    std::atomic<std::size_t> engaged_{0}; // lanes that are
    std::atomic<bool> echo_{false};       // the root hears itself
    std::atomic<bool> converses_{false};  // it has received since it sent last
    std::atomic<bool> taken_over_{
        false}; // the loops look at no set, the application reads; changes under mutex_
    std::atomic<std::uint32_t> waiting_{0};         // threads of the application that wait for what comes
    std::atomic<clock::duration::rep> asked_at_{0}; // when it asked last
    std::atomic<bool> lease_rests_{false};          // lease_ is set by the next that ends its wait
    // The log may grow up to here without a look at the leaves; changes under mutex_.
    std::atomic<std::uint64_t> barrier_{0};

    mutable std::mutex mutex_; // of everything below; taken before append_mutex_
    jl_handle* root_;          // null once its socket is closed
    jl_handle* const name_;    // the same, for loop_of
    jl_loop* loop_ = nullptr;
    std::vector<link_ptr> links_;
    std::vector<link*> seats_; // null: free
    std::vector<std::uint32_t> free_seats_;
    int takers_ = 0; // threads that read and then take from the inbox: they need not be told
    timer lease_;    // how long it may have not asked until the loops look again
    std::size_t next_lane_ = 0;
    slow_rule slow_;  // of the leaves that join from now on
    address self_;    // what the root's own messages come from
    int walkers_ = 0; // threads that iterate over links_ with the mutex released in between: nothing is erased
    std::size_t gone_ = 0;    // links that wait for being erased
    std::size_t d_roots_ = 0; // members that are d_root
    std::size_t blocked_ = 0; // links that wait for room in their socket
    std::size_t leaving_ = 0;
    std::uint64_t joins_ = 0;
    std::uint64_t dropped_before_ = 0; // for leaves that are gone
    std::int32_t last_error_ = 0;      // why a leaf was lost last

    bool want_out_ = true;        // the host waits for JL_OUT
    std::size_t wanted_room_ = 1; // bytes that the sender last found no room for
    bool full_ = false;           // somebody waits for room in the log
    clock::time_point full_since_;
    std::size_t least_limit_;          // bytes, of the open leaves
    std::deque<milestone> milestones_; // while a leaf is slow whose messages may get too old
    std::size_t slow_rules_ = 0;       // open leaves whose rule is not to block
    clock::time_point next_beat_look_{};
    std::atomic<bool> paused_any_{false};
    bool shut_in_ = false;
    bool done_told_ = false;
    std::function<void()> on_closed_;

    bool relayed_ = false; // a leaf's message was appended and is not flushed yet
    clock::time_point last_tx_end_{};
    clock::duration flush_cost_{};

    timer tick_;
    bool ticking_ = false;
    clock::time_point tick_at_{};
};

} // namespace joinleaf::tcp_root
