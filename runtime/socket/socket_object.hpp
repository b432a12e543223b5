// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <joinleaf/provider.h>
#include <tl/expected.hpp>

#include "runtime/catalog/catalog.hpp"
#include "runtime/dispatch/event_record.hpp"
#include "runtime/dispatch/loop_pool.hpp"
#include "runtime/dispatch/operation.hpp"
#include "runtime/dispatch/slot_table.hpp"
#include "runtime/dispatch/waiter.hpp"
#include "runtime/explanation.hpp"
#include "runtime/network/change_watch.hpp"
#include "runtime/network/local_address.hpp"
#include "runtime/on_demand.hpp"
#include "runtime/qos/flowspec.hpp"
#include "runtime/qos/ledger.hpp"
#include "runtime/qos/shaper.hpp"
#include "runtime/small_mutex.hpp"
#include "runtime/socket/address_block.hpp"
#include "runtime/socket/request.hpp"

namespace joinleaf::socket {
class socket_object;
}

// What a provider calls a socket: one for each endpoint, as a socket that takes a connection by AcceptEx changes its
// endpoint.
struct jl_handle {
    joinleaf::socket::socket_object* owner;
};

namespace joinleaf::socket {

// A value or the Winsock code that says why not.
template <class T> using result = tl::expected<T, std::int32_t>;

using socket_table = dispatch::slot_table<socket_object>;
using socket_reference = socket_table::reference;

// Every open SOCKET of the process.
socket_table& open_sockets();

// Where a connection or a membership stands.
enum class connection : std::uint8_t { none, pending, established, failed };

// What part a socket plays in its session (section "Words" of the specification).
enum class role : std::uint8_t {
    ordinary,
    root,     // c_root
    member,   // c_leaf that asks, joins a group, or was admitted at the leaf's side
    root_leaf // the root's socket for one leaf (JL-72)
};

// What is waited for; the bits of JL_IN ..., the end of a pending operation, the provider's `closed`, a change of
// the host's network.
inline constexpr std::uint32_t wait_operation = 0x100;
inline constexpr std::uint32_t wait_closed = 0x200;
inline constexpr std::uint32_t wait_change = 0x400;

// Arguments of WSAConnect and WSAJoinLeaf, checked and copied by the API where that is possible.
struct join_arguments {
    const sockaddr* name = nullptr;
    std::uint32_t name_len = 0;
    std::span<const std::byte> caller_data;
    WSABUF* callee = nullptr; // of the application, alive until the operation is complete (JL-82)
    const QOS* qos = nullptr;
    DWORD direction = JL_BOTH;
    dispatch::operation* overlapped = nullptr; // ConnectEx: ends with the outcome
};

// The application's condition function with its context (AC-05).
struct condition {
    LPCONDITIONPROC function = nullptr;
    DWORD_PTR context = 0;
};

// One SOCKET: its provider endpoint, what the state machine allows now, its FD_* record, and those who wait
// for it.
//
// Locks: guard_in_ and guard_out_ serialise the provider's [caller] functions per direction; lock_ guards the
// state. The order is guard, then lock. No lock is held while the application is called, none but a guard
// while the provider is.
class socket_object {
  public:
    // Opens an endpoint of the entry and makes its SOCKET. parent: the listener or the inviting root;
    // request: what is being admitted. WSAEMFILE, WSAENOBUFS, or the provider's code.
    // Held, so that it outlives a thread that guesses its number, for as long as its maker works on it.
    static result<socket_reference> create(dispatch::loop_pool& loops, const catalog::entry& entry,
                                           const catalog::query& asked, socket_object* parent = nullptr,
                                           void* request = nullptr);

    socket_object(const socket_object&) = delete;
    socket_object& operator=(const socket_object&) = delete;

    static socket_object& from(jl_handle* handle) noexcept { return *handle->owner; }
    // Of the endpoint that the socket has now.
    [[nodiscard]] jl_handle* handle() noexcept { return handle_; }

    // Unlike the number never given out again in this process.
    [[nodiscard]] std::uint64_t identity() const noexcept { return identity_; }
    [[nodiscard]] SOCKET number() const noexcept { return static_cast<SOCKET>(fd_.get()); }
    [[nodiscard]] const catalog::entry& entry() const noexcept { return entry_; }
    [[nodiscard]] DWORD flags() const noexcept { return flags_; }
    [[nodiscard]] dispatch::loop& loop() noexcept { return loop_; }
    [[nodiscard]] bool nonblocking() const noexcept { return nonblocking_.load(std::memory_order_relaxed); }
    [[nodiscard]] role part() const noexcept { return role_; } // the same from creation on
    [[nodiscard]] bool multipoint() const noexcept { return role_ != role::ordinary; }
    [[nodiscard]] bool connectionless() const noexcept { return service(XP1_CONNECTIONLESS); }
    [[nodiscard]] bool message_oriented() const noexcept { return service(XP1_MESSAGE_ORIENTED); }
    [[nodiscard]] bool service(DWORD bit) const noexcept {
        return (entry_.protocol->service_flags & bit) != 0;
    }

    // ---- life (socket_object.cpp)

    // The dwProviderReserved with which WSASocket makes one more number for this socket (duplicate.cpp).
    DWORD offer_duplicate(SOCKET by);
    // WSAEMFILE; WSAENOTSOCK: the last number was given up meanwhile.
    result<SOCKET> duplicate();
    // closesocket of one number, which is shut already; true: it was the last, the socket itself is to be closed.
    bool give_up_number(SOCKET which);
    // Waits until nobody holds the object by any of its numbers, all of which are shut.
    void drain_numbers();
    // Holds it as a call does, which closesocket waits for; empty when it is being closed. [any]
    socket_reference enter();

    // closesocket: the caller has shut and drained the table's slots. 0 or WSAEWOULDBLOCK is decided by
    // linger_allows_close before.
    void close();
    void abort(); // as the last WSACleanup closes: nothing is indicated (ST-11)
    // The same for a thread that still is inside a call on the socket: the loop does it when that call is left.
    void close_from_loop();
    // Ends every wait on this socket, those calls answer WSAEINTR, and its event registration. `close` or
    // `abort` must follow.
    void interrupt();
    // WSAEWOULDBLOCK: linger with a time on a nonblocking socket with unsent data (LC-09).
    std::int32_t linger_allows_close();

    // ---- naming and listening (listener.cpp)

    std::int32_t bind(const sockaddr* name, std::uint32_t len);
    std::int32_t listen(int backlog);
    result<SOCKET> accept(const condition& decide, sockaddr* peer, int* peer_len);
    std::int32_t name(bool peer, sockaddr* name, std::uint32_t* len);

    // ---- connect and join (operation.cpp)

    std::int32_t connect(const join_arguments& arguments);
    result<SOCKET> join(const join_arguments& arguments);

    // ---- data (transfer.cpp)

    // Messages done, at least one; else the code of the first. Blocking: waits for the first only.
    result<std::uint32_t> send(std::span<jl_msg> messages, bool dont_wait = false);
    result<std::uint32_t> receive(std::span<jl_msg> messages, bool dont_wait = false);
    // A receiving call that failed before it got here is a re-enabling call all the same (EV-36).
    void receive_refused();
    std::int32_t shutdown(int how);

    // ---- overlapped operations (overlapped.cpp)

    // Begins one; the record is the socket's from now on. 0: over at once, `bytes` moved; WSA_IO_PENDING: its
    // end comes later. Both are followed by one indication; any other code is not (IO-42, IO-43).
    std::int32_t start_send(dispatch::operation& one, DWORD& bytes);
    std::int32_t start_receive(dispatch::operation& one, DWORD& bytes, DWORD& flags);
    std::int32_t start_ioctl(dispatch::operation& one, DWORD code, std::span<const std::byte> in,
                             std::span<std::byte> out, std::uint32_t& bytes);
    // Ends it at once, as done by other means than the socket's own.
    std::int32_t finish_at_once(dispatch::operation& one, DWORD bytes);
    // Ends those that are pending and meant: of a structure, of a thread's queue; null: of any. How many.
    std::size_t cancel_operations(const WSAOVERLAPPED* overlapped, const void* starter);
    // Ends all of them and indicates none (ST-11).
    void forget_operations();
    // WSA_INVALID_PARAMETER: associated already.
    std::int32_t associate(dispatch::port_association to);
    [[nodiscard]] bool has_port() const noexcept { return port_.load(std::memory_order_acquire) != nullptr; }
    void skip_port_on_success() noexcept { skips_port_ = true; }

    // ---- AcceptEx, ConnectEx, DisconnectEx: begun as start_send begins (seat.cpp, extension.cpp)

    // The next connection of this listener becomes that of `into`; its addresses go to `names`.
    std::int32_t start_accept(dispatch::operation& one, socket_object& into, const address_blocks& names);
    // arguments.overlapped is the operation; with data in it, it sends that when it is connected.
    std::int32_t start_connect(const join_arguments& arguments);
    std::int32_t start_disconnect(dispatch::operation& one);

    // ---- events (readiness.cpp)

    // WSAEventSelect and WSAAsyncSelect: one registration per socket, of either kind (EV-03). A queue's target
    // names the number that messages tell.
    std::int32_t select_events(dispatch::event_target target, std::uint32_t mask);
    // deliver copies the events to the application and may refuse; then nothing changes (EV-23).
    template <class Deliver> std::int32_t take_events(dispatch::event_object* reset, Deliver deliver);
    std::int32_t set_nonblocking(bool on);
    // Which of the directions asked for (JL_IN, JL_OUT, JL_OOB) have something to say, for select and WSAPoll
    // (EV-50).
    std::uint32_t readiness(std::uint32_t directions);
    [[nodiscard]] bool connect_failed();
    [[nodiscard]] bool closing();
    // What to poll to learn of a change in the directions asked for; besides it the waiter is kicked.
    void poll_descriptors(std::uint32_t directions, std::vector<pollfd>& out);
    void add_waiter(dispatch::waiter& who, std::uint32_t what);
    void remove_waiter(dispatch::waiter& who);

    // ---- options and ioctls (properties.cpp)

    std::int32_t set_option(int level, int name, const void* value, int len);
    std::int32_t get_option(int level, int name, void* value, int* len);
    // asked: of an overlapped call, which may stay pending (IO-36).
    std::int32_t ioctl(DWORD code, std::span<const std::byte> in, std::span<std::byte> out,
                       std::uint32_t& bytes, dispatch::operation* asked = nullptr);
    std::int32_t statistics(jl_stats& stats);
    // The leaves of a root: writes as many as there is room for, answers how many there are.
    result<std::uint32_t> leaf_statistics(std::span<jl_leaf_stats> leaves);

    // ---- quality of service (quality.cpp); only where the entry has XP1_QOS_SUPPORTED

    std::int32_t set_qos(const QOS& asked); // SIO_SET_QOS (QS-16)
    std::int32_t get_qos(QOS& out);         // SIO_GET_QOS (QS-17)

    // ---- upcalls (upcall.cpp); [any], never call back into the provider

    void on_complete(std::uint64_t op, const jl_outcome& outcome);
    void on_accepted(const jl_request& request);
    void on_withdrawn(void* request);
    void on_ready(std::uint32_t directions);
    void on_closed();
    void on_qos_changed(const QOS& qos, std::uint32_t how); // FD_QOS (EV-48)
    std::int32_t on_expose(int fd, std::uint32_t conditions);

  private:
    // A QoS, and whether anybody has asked for it.
    struct flow_state {
        QOS qos = qos::unspecified();
        bool given = false;
    };
    // A connect or join on its way, and its outcome.
    struct operation {
        std::uint64_t id = 0;
        bool pending = false;
        bool cancelled = false;
        bool told = true; // FD_CONNECT was recorded, or the call itself told
        bool is_join = false;
        std::int32_t code = 0;
        std::string sentence; // why it failed, from the thread that found out to the one that is told
        socket_object* child = nullptr; // R-root: the leaf socket in the making; a hold is kept on it
        WSABUF* callee = nullptr;
        std::uint32_t callee_room = 0;
        dispatch::operation* overlapped = nullptr; // ConnectEx
        dispatch::operation* first_send = nullptr; // the same, connected
        std::optional<flow_state> former_flow; // what was in force before a QoS that goes with this operation
        bool quality_changed = false;          // admission has made less of it than was asked
    };
    struct quality {
        QOS in_force = qos::unspecified();
        bool given = false;
        qos::reservation held;
        std::optional<std::uint32_t> to_tell; // JL_QOS_*: the provider is told by the loop
    };
    // An AcceptEx that waits for a connection. `into` is held.
    struct awaited_connection {
        dispatch::operation* one = nullptr;
        socket_object* into = nullptr;
        address_blocks names;
    };
    // An AcceptEx on its way from the one line to the other, where a cancel can only leave word.
    struct seated_accept {
        enum class word : std::uint8_t { none, cancelled, cancelled_quietly };
        std::uint64_t number;
        dispatch::operation_name name;
        word left = word::none;
    };
    // What a listener has been asked for.
    struct admissions {
        std::deque<awaited_connection> awaited; // not empty: JL_ACCEPT of queued_
        std::vector<seated_accept> seating;
        std::uint64_t seatings = 0; // so far
        std::deque<std::shared_ptr<request>> queue;
        std::vector<std::shared_ptr<request>> deciding;  // taken by an accept call that has not answered yet
        std::vector<std::shared_ptr<request>> withdrawn; // still to be refused, which no upcall may do
    };
    // An option that was set, to be set again on the endpoint that AcceptEx brings.
    struct given_option {
        int level = 0;
        int name = 0;
        std::vector<std::byte> value;
    };
    // What AcceptEx makes of a socket.
    struct seating {
        socket_object* awaited_at = nullptr;     // the listener of the AcceptEx that is to fill it; held
        std::vector<given_option> given_options; // while one may
        std::deque<jl_handle> further_handles;
    };
    struct waiting {
        dispatch::waiter* who;
        std::uint32_t what;
    };
    // Changes of the host's network that were asked for and have not come (EV-49).
    struct awaited_changes {
        std::uint32_t events = 0;          // FD_* of what was issued
        network::address destination;      // of the route
        network::address source;           // from where it goes now; none: nowhere
        std::uint32_t address_changes = 0; // told so far, for calls that wait
        std::uint32_t route_changes = 0;
        dispatch::operation_list address_waits; // overlapped calls
        dispatch::operation_list route_waits;
        network::subscription watch; // ends outside lock_
        [[nodiscard]] std::uint32_t count(std::uint32_t event) const noexcept;
        void add(std::uint32_t event) noexcept;
        [[nodiscard]] dispatch::operation_list& waits(std::uint32_t event) noexcept;
    };
    socket_object(dispatch::loop_pool& loops, const catalog::entry& entry, DWORD flags);
    ~socket_object();

    [[nodiscard]] const jl_ops& ops() const noexcept { return ops_; }

    void hold() noexcept { holds_.fetch_add(1, std::memory_order_relaxed); }
    void drop() noexcept;
    void drop_descriptor() noexcept;
    void give_back_descriptors();
    void drop_unused_copies(); // lock_ held
    SOCKET open_number();      // lock_ held

    std::int32_t take_descriptor(const jl_open& open);
    void poll_device() noexcept;
    void inherit_from(socket_object& parent);
    void establish();    // after accept, connect or join: gates, FD_WRITE, first data; lock_ held
    void update_gates(); // lock_ held
    void refresh_gates();
    static void discard(socket_reference held);
    [[nodiscard]] std::int32_t send_gate_now() const noexcept;
    [[nodiscard]] std::int32_t receive_gate_now() const noexcept;
    void refuse_all_requests();
    void refuse_withdrawn(); // guard_in_ held
    void cancel_operation();
    void end_provider(std::uint32_t how);
    void unwatch();
    void drop_watches();
    void wait_until_closed(std::chrono::seconds limit);
    void cut_off();
    void mark_bound();
    void note_loss(std::int32_t code);

    result<std::uint64_t> begin_operation(const join_arguments& arguments, bool is_join, socket_object* child);
    std::int32_t launch(const join_arguments& arguments, std::uint64_t op, socket_object* child);
    void hold_for(socket_object& child);
    void forget_operation();
    std::int32_t wait_for_operation(std::uint64_t op);
    std::int32_t check_join_role(const join_arguments& arguments);
    std::int32_t check_join_state();
    std::int32_t check_join_data(const join_arguments& arguments);
    result<SOCKET> run_join(const join_arguments& arguments, socket_object* child);
    void finish_operation(std::int32_t code, bool invited);
    void deliver_callee_data(const operation& op, const jl_outcome& outcome, std::int32_t& code);

    std::shared_ptr<request> take_request();
    result<std::shared_ptr<request>> wait_for_request();
    result<SOCKET> admit(const std::shared_ptr<request>& who, const jl_answer& answer);
    std::int32_t answer(const request& who, jl_endpoint* child, const jl_answer* answer);
    std::int32_t decline(const request& who, std::int32_t code);
    int decide(const condition& decide, request& who, std::vector<char>& callee, std::uint32_t& callee_len,
               QOS& qos);
    result<SOCKET> conclude(int verdict, const std::shared_ptr<request>& who, const jl_answer& given);
    void put_back(std::shared_ptr<request> who);
    void after_accept_call(bool try_again);

    [[nodiscard]] bool can_take_connection() const noexcept; // lock_ held
    struct pairing;
    std::optional<pairing> next_pairing();
    void serve_accepts();
    bool awaits_requests();
    void seat(const pairing& both);
    void leave_seating(const pairing& both);
    template <class Meant> void take_awaited(std::vector<awaited_connection>& to, Meant meant);
    std::size_t cancel_seating(const WSAOVERLAPPED* overlapped, const void* starter, bool quiet);
    std::int32_t take_seat(socket_object& listener, const request& who, bool& answered);
    std::int32_t change_endpoint(socket_object& listener, const request& who, jl_handle& handle,
                                 const jl_open& opened, jl_endpoint* seated);
    std::int32_t move_to(int provider_fd); // both guards held
    void endpoint_gone();
    void receive_first(dispatch::operation& one);
    void end_wait_at_listener();
    void let_go_of(const awaited_connection& one);
    std::size_t cancel_accepts(const WSAOVERLAPPED* overlapped, const void* starter,
                               const socket_object* into, bool quiet);
    std::size_t cancel_first_receives(const WSAOVERLAPPED* overlapped, const void* starter, bool quiet);
    std::size_t cancel_connect(const WSAOVERLAPPED* overlapped, const void* starter, bool quiet);
    std::int32_t take_context_of(SOCKET listener);
    void queue_first_send(); // guard_out_ held
    std::int32_t check_connect(const join_arguments& arguments, bool waits);
    result<std::uint64_t> begin_connect(const join_arguments& arguments);

    [[nodiscard]] bool waits_inside(std::span<const jl_msg> messages) const noexcept;
    std::int32_t receive_inside(jl_msg& message, std::chrono::milliseconds timeout);
    std::int32_t wait_for(std::uint32_t direction, const dispatch::deadline& until);
    std::int32_t arm_for_wait(std::uint32_t direction);
    bool set_tells(std::uint32_t direction);
    bool wait_alone(const dispatch::deadline& until);
    bool waits_first() noexcept;
    [[nodiscard]] bool kernel_tells(std::uint32_t direction) const noexcept;
    void after_receive(std::uint32_t left);                  // guard_in_ held
    void after_blocked_send();                               // guard_out_ held
    void settle_signal(bool more);                           // guard_in_ held
    void signal(bool on);                                    // lock_ held
    std::optional<std::int32_t> pump_in(std::uint32_t left); // guard_in_ held
    void tell_end(std::int32_t code);
    void pump_oob();    // guard_in_ held
    void pump_accept(); // guard_in_ held
    void pump_out();    // guard_out_ held
    void pump_all();

    std::int32_t transmit(std::span<jl_msg> messages, std::uint32_t& done); // guard_out_ held
    std::int32_t fetch(std::span<jl_msg> messages, std::uint32_t& done, std::uint32_t& left); // guard_in_ held
    [[nodiscard]] const dispatch::port_association* port() const noexcept {
        return port_.load(std::memory_order_acquire);
    }
    bool conclude_send(dispatch::operation& one, const jl_msg& sent) const;
    bool conclude_receive(dispatch::operation& one, const jl_msg& got) const noexcept;
    [[nodiscard]] std::int32_t outcome_of_failure(const dispatch::operation& one,
                                                  std::int32_t code) const noexcept;
    [[nodiscard]] bool is_probe(const dispatch::operation& one) const noexcept;
    std::int32_t probe();                               // guard_in_ held
    std::int32_t receive_now(dispatch::operation& one); // guard_in_ held
    void put_in_line(dispatch::operation& one, dispatch::operation_list& line, std::uint32_t direction);
    void leave_line(std::uint32_t direction);
    void await(std::uint32_t direction, dispatch::finished_operations& finished);
    void serve_sends(dispatch::finished_operations& finished);    // guard_out_ held
    void serve_receives(dispatch::finished_operations& finished); // guard_in_ held
    bool send_batch(dispatch::finished_operations& finished);
    bool receive_batch(dispatch::finished_operations& finished);
    static void fail_all(dispatch::operation_list& line, std::int32_t code,
                         dispatch::finished_operations& finished);
    void end_of_receives(std::int32_t code, dispatch::finished_operations& finished);
    void finish_shutdown(dispatch::finished_operations& finished); // guard_out_ held
    // group: only what was begun on the socket with this identity; 0: on any.
    std::size_t cancel_in(dispatch::operation_list& line, std::uint32_t direction,
                          const WSAOVERLAPPED* overlapped, const void* starter, bool quiet,
                          std::uint64_t group = 0);
    [[nodiscard]] bool has_queued(std::uint32_t direction) const noexcept {
        return (queued_.load() & direction) != 0;
    }
    void schedule_pump();
    void watch_for(std::uint32_t conditions);
    void arm_watch(dispatch::watch*& which, int fd, dispatch::watch_callback call,
                   std::uint32_t conditions);          // lock_ held
    std::int32_t ask_in(std::int32_t& code);           // guard_in_ held
    [[nodiscard]] bool receiving_now() const noexcept; // lock_ held
    [[nodiscard]] bool sending_now() const noexcept;   // lock_ held
    void record(std::uint32_t bit, std::int32_t code); // lock_ held
    void kick(std::uint32_t what);                     // lock_ held
    static void on_watch(void* self, std::uint32_t ready);
    static void on_out_watch(void* self, std::uint32_t ready);

    std::int32_t arm(std::uint32_t direction, std::int32_t& code) {
        return ops().arm(endpoint_, direction, &code);
    }

    [[nodiscard]] bool refuses_unsatisfied() const noexcept;
    std::int32_t reserve(QOS& wanted, bool refuses);
    void give_capacity_back();
    flow_state flow_now();
    void put_in_force(const flow_state& now);
    void bind_root(bool binds);
    void shape_by(const void* owner, const FLOWSPEC& flow);
    void unshape(const void* owner);
    std::int32_t tell_provider(std::uint32_t how);
    void tell_provider_soon(std::uint32_t how);
    void tell_what_is_due();
    void record_quality_change();
    void restore(const flow_state& former);
    void release_quality();
    std::int32_t begin_quality(const QOS* asked, DWORD direction, socket_object& flow);
    void undo_quality(socket_object& flow);
    bool settle_quality(const jl_outcome& outcome, std::int32_t code, socket_object& flow);
    bool adopt(const QOS& granted);
    std::int32_t admit_quality(const request& who, const jl_answer& given);
    std::int32_t transmit_shaped(qos::shaper& shaper, std::span<jl_msg> messages,
                                 std::uint32_t& done); // guard_out_ held
    dispatch::deadline tokens_due();
    std::int32_t wait_for_tokens(const dispatch::deadline& due, const dispatch::deadline& until);
    bool awaits_tokens();
    void start_token_timer();
    void end_token_timer();
    void forget_token_timer();

    std::optional<std::int32_t> set_own_option(int name, const void* value, int len);
    std::optional<std::int32_t> get_own_option(int name, void* value, int* len);
    std::int32_t set_gap_notify(const void* value, int len);
    void keep_for_connection(int level, int name, const void* value, int len);
    std::int32_t set_linger(const struct linger& asked);
    std::int32_t quality_ioctl(DWORD code, std::span<const std::byte> in, std::span<std::byte> out,
                               std::uint32_t& bytes);
    static std::int32_t unknown_ioctl(DWORD code) noexcept;
    std::optional<std::int32_t> network_ioctl(DWORD code, std::span<const std::byte> in,
                                              std::span<std::byte> out, std::uint32_t& bytes,
                                              dispatch::operation* asked);
    std::int32_t query_addresses(std::span<std::byte> out, std::uint32_t& bytes);
    static std::int32_t query_route(const network::address& destination, std::span<std::byte> out,
                                    std::uint32_t& bytes);
    std::int32_t await_change(std::uint32_t event, const network::address& destination,
                              dispatch::operation* asked);
    std::size_t cancel_changes(const WSAOVERLAPPED* overlapped, const void* starter, bool quiet);
    std::int32_t watch_network();
    std::int32_t wait_for_change(std::uint32_t event, std::uint32_t before);
    void on_change(const network::change& what);
    void tell_change(std::uint32_t event, dispatch::finished_operations& finished); // lock_ held
    std::int32_t provider_ioctl(DWORD code, std::span<const std::byte> in, std::span<std::byte> out,
                                std::uint32_t& bytes);

    const std::uint64_t identity_;
    dispatch::loop_pool& loops_;
    dispatch::loop& loop_;
    const catalog::entry& entry_;
    const jl_ops& ops_;
    const DWORD flags_;
    role role_ = role::ordinary;
    jl_handle first_handle_{this};
    jl_handle* handle_ = &first_handle_; // of endpoint_
    jl_endpoint* endpoint_ = nullptr;
    std::uint32_t fd_kind_ = JL_FD_NONE;
    dispatch::descriptor fd_;          // the SOCKET, the first of its numbers
    dispatch::descriptor provider_fd_; // what the provider calls fd_ where AcceptEx has made them two; else none
    dispatch::descriptor flag_;        // JL_FD_SET: inside fd_, raised for what no descriptor shows
    std::atomic<std::int32_t> holds_{1}; // of the memory: application, provider, watches, posted functions
    std::atomic<std::int32_t> descriptor_holds_{1}; // of the SOCKET's number: application, provider
    bool provider_ended_ = false;                   // written with both guards held, read with either

    small_mutex guard_in_;
    small_mutex guard_out_;
    bool ready_follows_ =
        false; // arm(JL_IN) has promised it, JLP-8; kept while not signalled_; guarded by guard_in_
    dispatch::operation_list receives_; // pending, in order; guarded by guard_in_
    dispatch::operation_list sends_;    // the same; guarded by guard_out_
    std::optional<int> shutdown_after_; // of shutdown, when sends_ is empty; guarded by guard_out_
    on_demand<dispatch::operation_list> disconnects_; // DisconnectEx, likewise
    std::atomic<std::uint32_t> queued_{0}; // JL_IN, JL_OUT: the list of that direction is not empty
    std::atomic<const dispatch::port_association*> port_{nullptr};
    std::unique_ptr<const dispatch::port_association> owned_port_; // behind port_
    std::atomic<bool> skips_port_{false};
    std::atomic<bool> has_first_receives_{false}; // an AcceptEx waits, or has waited, for data elsewhere
    std::atomic<bool> has_tickets_{false};        // of WSADuplicateSocket
    std::atomic<std::uint32_t> insiders_{0};      // threads that wait inside the provider
    std::atomic<bool> never_inside_{false};       // it has said that none can
    std::atomic<std::uint32_t> loners_{0};        // threads that wait on the SOCKET's descriptor alone
    std::atomic<bool> kicked_{false};             // it was raised for them
    std::atomic<bool> has_waited_{false};         // the last blocking receive had to
    std::atomic<bool> nonblocking_{false};
    std::atomic<bool> gap_notify_{false}; // JL_SO_GAP_NOTIFY
    std::atomic<std::int32_t> send_gate_{WSAENOTCONN};
    std::atomic<std::int32_t> receive_gate_{WSAENOTCONN};
    std::atomic<std::uint32_t> selected_{0}; // mirror of record_.selected() for the data path
    std::atomic<bool> pump_scheduled_{false};
    std::atomic<bool> binds_root_{false}; // this leaf's flow binds what its root sends
    std::atomic<bool> token_timer_set_{false};
    std::atomic<bool> signalled_{false}; // written with lock_ held
    std::atomic<int> out_fd_{-1};

    std::atomic<qos::shaper*> shaper_{nullptr}; // set once, while somebody shapes or has shaped
    socket_object* quality_root_ = nullptr;     // of a root's leaf socket: the root; a hold is kept on it
    dispatch::timer* token_timer_ = nullptr;    // touched on the loop alone

    small_mutex lock_;
    // guarded by lock_
    dispatch::event_record record_;
    on_demand<std::vector<waiting>> waiters_;
    on_demand<admissions> admissions_;
    on_demand<operation> operation_;
    std::uint64_t last_operation_ = 0;
    socket_object* inviting_root_ = nullptr; // of a leaf socket in the making; a hold is kept on it
    connection connection_ = connection::none;
    DWORD direction_ = JL_BOTH;
    bool bound_ = false;
    bool listening_ = false;
    bool exclusive_ = false;
    bool conditional_accept_ = false; // SO_CONDITIONAL_ACCEPT: every request waits for its answer anyway
    bool urgent_inline_ = false;      // SO_OOBINLINE: urgent data is data as any other (EV-41)
    on_demand<seating> seating_;
    std::uint32_t endpoints_ = 1;                         // that have not reported `closed`
    std::uint32_t numbers_ = 1;                           // that are open
    on_demand<std::vector<dispatch::descriptor>> copies_; // the further numbers, open or still used
    std::atomic<bool> closing_{false};                    // written with lock_ held
    bool sent_end_ = false;
    bool received_end_ = false;
    bool has_had_leaf_ = false;
    bool end_told_ = false;
    std::int32_t broken_ = 0; // why the connection is lost; every data call answers it (LC-07)
    bool provider_closed_ = false;
    std::thread::id cutting_;                           // runs the provider's second, hard close
    inline static std::condition_variable_any cut_over; // shared by all sockets, as it happens rarely
    dispatch::watch* watch_ = nullptr;
    dispatch::watch* out_watch_ = nullptr;
    on_demand<awaited_changes> awaited_;
    std::uint32_t armed_ = 0;
    std::int32_t error_ = 0; // SO_ERROR of the runtime's own making
    struct linger linger_ {};
    // Read on the data path without the lock.
    std::atomic<std::chrono::milliseconds> send_timeout_{};
    std::atomic<std::chrono::milliseconds> receive_timeout_{};
    std::chrono::steady_clock::time_point established_at_{};
    on_demand<quality> quality_;
    std::unique_ptr<qos::shaper> shaper_owner_;
};

template <class Deliver>
std::int32_t socket_object::take_events(dispatch::event_object* reset, Deliver deliver) {
    const std::lock_guard hold(lock_);
    if (!deliver(record_.look())) {
        return WSAEFAULT;
    }
    if ((record_.take(reset).bits & FD_CONNECT) != 0) {
        if (operation_) {
            operation_.edit().told = true;
        }
        if (operation_->code != 0) {
            set_explanation(operation_->sentence);
        }
    }
    return 0;
}

// Set while the calling thread runs a condition function: calls that would block answer WSAEINPROGRESS
// (ST-18, AC-22).
class condition_scope {
  public:
    condition_scope() noexcept { ++depth(); }
    condition_scope(const condition_scope&) = delete;
    condition_scope& operator=(const condition_scope&) = delete;
    ~condition_scope() { --depth(); }
    static bool active() noexcept { return depth() > 0; }

  private:
    static int& depth() noexcept {
        thread_local int value = 0;
        return value;
    }
};

// Ends what a thread that is ending has begun, on whichever socket (IO-50).
void cancel_started_by(const dispatch::apc_queue& thread);

// Waits until no socket object is left, as the last WSACleanup does; false when the time is over.
bool wait_until_all_gone(std::chrono::milliseconds limit);

} // namespace joinleaf::socket
