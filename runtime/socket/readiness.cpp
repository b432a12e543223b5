// SPDX-License-Identifier: Apache-2.0
//
// Who is told when: FD_* records, the level-triggered descriptor, blocked callers, select (clauses EV).
#include <algorithm>
#include <cstring>

#include <sys/epoll.h>

#include "runtime/dispatch/apc_queue.hpp"
#include "runtime/socket/alert.hpp"
#include "runtime/socket/socket_object.hpp"

namespace joinleaf::socket {

// ---- what the state allows

bool socket_object::receiving_now() const noexcept {
    if (connectionless()) {
        return bound_ && !(operation_->pending && operation_->is_join); // FD_CONNECT comes first (EV-51)
    }
    return role_ == role::root ? listening_ || has_had_leaf_ : connection_ == connection::established;
}

bool socket_object::sending_now() const noexcept {
    if (sent_end_ || send_gate_.load(std::memory_order_relaxed) == WSAEOPNOTSUPP) {
        return false;
    }
    if (connectionless()) {
        return role_ == role::ordinary ? bound_ : connection_ == connection::established;
    }
    return role_ == role::root ? has_had_leaf_ : connection_ == connection::established;
}

std::int32_t socket_object::send_gate_now() const noexcept {
    if (broken_ != 0) {
        return broken_;
    }
    if (sent_end_) {
        return WSAESHUTDOWN;
    }
    if (role_ == role::root) {
        return 0; // the provider knows whether there is a leaf (IO-06)
    }
    if (connectionless()) {
        return multipoint() && direction_ == JL_RECEIVER_ONLY ? WSAEOPNOTSUPP : 0; // JL-93
    }
    if (connection_ != connection::established) {
        return WSAENOTCONN;
    }
    if (role_ == role::root_leaf && (entry_.protocol->abilities & JL_CAN_SIDE_CHAT) == 0) {
        return WSAEOPNOTSUPP; // JL-73
    }
    return direction_ == JL_RECEIVER_ONLY ? WSAEOPNOTSUPP : 0;
}

std::int32_t socket_object::receive_gate_now() const noexcept {
    if (broken_ != 0) {
        return broken_;
    }
    if (received_end_) {
        return WSAESHUTDOWN;
    }
    if (connectionless()) {
        if (multipoint() && direction_ == JL_SENDER_ONLY) {
            return WSAEOPNOTSUPP;
        }
        if (operation_->pending && operation_->is_join) {
            return WSAENOTCONN; // JL-53
        }
        return bound_ ? 0 : WSAEINVAL; // IO-13
    }
    if (!receiving_now()) {
        return WSAENOTCONN;
    }
    if (role_ == role::root_leaf && (entry_.protocol->abilities & JL_CAN_SIDE_CHAT) == 0) {
        return WSAEOPNOTSUPP;
    }
    return direction_ == JL_SENDER_ONLY && role_ == role::member ? WSAEOPNOTSUPP : 0;
}

void socket_object::update_gates() {
    send_gate_.store(send_gate_now(), std::memory_order_release);
    receive_gate_.store(receive_gate_now(), std::memory_order_release);
}

// A connection that was reset in one direction is gone in the other as well, whatever the kernel still takes.
void socket_object::note_loss(std::int32_t code) {
    const bool lost = code == WSAECONNRESET || code == WSAECONNABORTED || code == WSAENETRESET;
    if (!lost || connectionless() || role_ == role::root) {
        return;
    }
    const std::lock_guard hold(lock_);
    broken_ = code;
    update_gates();
}

void socket_object::establish() {
    connection_ = connection::established;
    established_at_ = std::chrono::steady_clock::now();
    bound_ = true;
    update_gates();
    if (sending_now()) {
        record(FD_WRITE, 0); // EV-38
    }
    if ((selected_.load(std::memory_order_relaxed) & (FD_READ | FD_CLOSE | FD_OOB | FD_QOS)) != 0 ||
        fd_kind_ == JL_FD_NONE) {
        schedule_pump(); // data or a close may be there already
    }
    kick(~0U);
}

// ---- records and wake-ups

void socket_object::record(std::uint32_t bit, std::int32_t code) {
    if (record_.record(bit, code, number()) && bit == FD_CONNECT && record_.tells_at_once()) {
        operation_.edit().told = true;
    }
}

void socket_object::kick(std::uint32_t what) {
    for (const auto& one : *waiters_) {
        if ((one.what & what) != 0) {
            one.who->kick();
        }
    }
    if ((what & JL_IN) != 0 && loners_.load() > 0) {
        kicked_ = true;
        signal(true);
    }
}

void socket_object::add_waiter(dispatch::waiter& who, std::uint32_t what) {
    const std::lock_guard hold(lock_);
    waiters_.edit().push_back({&who, what});
}

void socket_object::remove_waiter(dispatch::waiter& who) {
    const std::lock_guard hold(lock_);
    // The last of them: a routine may wait on the socket that its thread waits on already (ST-20).
    auto& all = waiters_.edit();
    const auto found = std::find_if(all.rbegin(), all.rend(), [&](const waiting& w) { return w.who == &who; });
    if (found != all.rend()) {
        all.erase(std::next(found).base());
    }
}

// Makes the SOCKET readable, or not, beyond what its descriptors say.
void socket_object::signal(bool on) {
    if (signalled_ == on || fd_kind_ == JL_FD_OWN || !fd_) {
        return;
    }
    if (fd_kind_ == JL_FD_SET && !flag_) {
        flag_ = dispatch::make_eventfd();
        epoll_event event{};
        event.events = EPOLLIN;
        ::epoll_ctl(fd_.get(), EPOLL_CTL_ADD, flag_.get(), &event);
    }
    signalled_ = on;
    const auto& which = fd_kind_ == JL_FD_SET ? flag_ : fd_;
    on ? dispatch::raise(which) : dispatch::lower(which);
}

// Every request is answered once, also one whose asker has gone.
void socket_object::refuse_withdrawn() {
    std::vector<std::shared_ptr<request>> gone;
    {
        const std::lock_guard hold(lock_);
        if (admissions_) {
            gone.swap(admissions_.edit().withdrawn);
        }
    }
    for (const auto& one : gone) {
        jl_answer refusal{};
        refusal.struct_size = sizeof refusal;
        refusal.code = one->refusal;
        ops().accept(endpoint_, one->provider_request, nullptr, &refusal);
    }
}

// After rx or accept took something: the SOCKET stays readable exactly while there is more.
void socket_object::settle_signal(bool more) {
    if (signalled_.load(std::memory_order_relaxed) == more &&
        (more || fd_kind_ == JL_FD_SET || ready_follows_)) {
        return;
    }
    bool asks = false;
    {
        const std::lock_guard hold(lock_);
        more = more || !admissions_->queue.empty();
        if (more) {
            signal(true);
            return;
        }
        signal(false);
        asks = receiving_now();
    }
    // Lowered first, asked afterwards: what comes in between raises it again.
    std::int32_t code = 0;
    asks = asks && !provider_ended_;
    ready_follows_ = asks && arm(JL_IN, code) == JL_ARMED;
    if (asks && !ready_follows_) {
        const std::lock_guard hold(lock_);
        signal(true);
    }
}

// Arms for receiving. To know whether a whole message is there the provider may read ahead, and then no kernel
// descriptor of the set shows it any more.
std::int32_t socket_object::ask_in(std::int32_t& code) {
    const auto state = arm(JL_IN, code);
    if (state != JL_ARMED && fd_kind_ == JL_FD_SET) {
        const std::lock_guard hold(lock_);
        signal(true);
    }
    return state;
}

// ---- FD_* by asking the provider

// FD_READ at once; the code of an end that is still to be told is left to the caller, who may have other events
// to tell before it.
std::optional<std::int32_t> socket_object::pump_in(std::uint32_t left) {
    {
        const std::lock_guard hold(lock_);
        const auto selected = record_.selected();
        // A change of the QoS comes in order with the data, and the end of a leaf frees its root of its flow.
        const bool awaits_control = (selected & FD_CLOSE) != 0 ||
                                    binds_root_.load(std::memory_order_relaxed) ||
                                    ((selected & FD_QOS) != 0 && !connectionless());
        const bool asks = (selected & FD_READ) != 0 ? record_.wants(FD_READ) : awaits_control && !end_told_;
        if (provider_ended_ || !asks || !receiving_now() || !receives_.empty()) {
            return std::nullopt; // what comes is for the overlapped receives that wait (IO-54)
        }
    }
    std::int32_t code = 0;
    // With a connection what is left may be its end, which is no FD_READ (EV-35).
    const bool data_left = left == JL_LEFT_SOME && connectionless();
    const auto state = data_left ? JL_READY : ask_in(code);
    if (state == JL_ARMED) {
        watch_for(dispatch::condition_in);
        return std::nullopt;
    }
    if (state == JL_ENDED) {
        bind_root(false);
    }
    const std::lock_guard hold(lock_);
    if (state == JL_READY && receive_gate_.load(std::memory_order_relaxed) == 0) {
        record(FD_READ, 0);
    }
    return state == JL_READY ? std::nullopt : std::optional(code);
}

// FD_CLOSE, once (EV-42).
void socket_object::tell_end(std::int32_t code) {
    const std::lock_guard hold(lock_);
    if (!end_told_ && !connectionless()) {
        end_told_ = true;
        record(FD_CLOSE, code);
        broken_ = role_ == role::root ? 0 : code;
        update_gates();
    }
}

void socket_object::pump_oob() {
    {
        const std::lock_guard hold(lock_);
        if (provider_ended_ || !record_.wants(FD_OOB) || urgent_inline_ || !service(XP1_EXPEDITED_DATA) ||
            !receiving_now()) {
            return;
        }
    }
    std::int32_t code = 0;
    switch (arm(JL_OOB, code)) {
    case JL_READY: {
        const std::lock_guard hold(lock_);
        record(FD_OOB, 0);
        break;
    }
    case JL_ARMED: watch_for(dispatch::condition_urgent); break;
    default: break;
    }
}

void socket_object::pump_accept() {
    {
        const std::lock_guard hold(lock_);
        if (provider_ended_ || !listening_ || !record_.wants(FD_ACCEPT) || has_queued(JL_ACCEPT)) {
            return;
        }
        if (!admissions_->queue.empty()) {
            if (!admissions_->queue.front()->deferred) { // EV-34
                record(FD_ACCEPT, 0);
            }
            return;
        }
    }
    std::int32_t code = 0;
    if (arm(JL_ACCEPT, code) == JL_ARMED) { // JL_READY: the upcall has recorded it
        watch_for(dispatch::condition_in);
    }
}

void socket_object::pump_out() {
    if (awaits_tokens()) {
        return;
    }
    {
        const std::lock_guard hold(lock_);
        if (provider_ended_ || !record_.wants(FD_WRITE) || !sending_now() || !sends_.empty()) {
            return;
        }
    }
    std::int32_t code = 0;
    switch (arm(JL_OUT, code)) {
    case JL_READY: {
        const std::lock_guard hold(lock_);
        record(FD_WRITE, 0);
        break;
    }
    case JL_ARMED: watch_for(dispatch::condition_out); break;
    default: break;
    }
}

// Tells whatever holds now in the order ACCEPT, OOB, READ, WRITE, CLOSE; FD_CONNECT is recorded where it
// happens.
void socket_object::pump_all() {
    dispatch::finished_operations finished(port());
    std::optional<std::int32_t> end;
    {
        const std::lock_guard guard(guard_in_);
        if (provider_ended_) {
            return; // a posted turn that comes after closesocket
        }
        refuse_withdrawn();
        if (fd_kind_ == JL_FD_NONE) {
            settle_signal(false);
        }
        pump_accept();
        serve_receives(finished);
        pump_oob();
        end = pump_in(JL_LEFT_UNKNOWN);
    }
    tell_what_is_due();
    {
        const std::lock_guard guard(guard_out_);
        if (!provider_ended_) {
            queue_first_send();
            serve_sends(finished);
        }
        pump_out();
    }
    if (end) {
        tell_end(*end);
    }
    if (has_queued(JL_ACCEPT)) {
        serve_accepts();
    }
}

// For upcalls, which must not call back into the provider: the loop asks soon.
void socket_object::schedule_pump() {
    if (pump_scheduled_.exchange(true)) {
        return;
    }
    hold();
    loop_.post(
        [](void* raw) {
            auto& self = *static_cast<socket_object*>(raw);
            self.pump_scheduled_ = false;
            self.pump_all();
            self.drop();
        },
        this);
}

void socket_object::arm_watch(dispatch::watch*& which, int fd, dispatch::watch_callback call,
                              std::uint32_t conditions) {
    if (which != nullptr) {
        which->owner->modify(which, conditions);
        return;
    }
    which = loop_.add(fd, conditions, call, this, true);
    if (which != nullptr) {
        hold();
    }
}

void socket_object::watch_for(std::uint32_t conditions) {
    const std::lock_guard hold(lock_);
    if (closing_) {
        return;
    }
    const bool out_elsewhere = fd_kind_ != JL_FD_OWN;
    if ((conditions & dispatch::condition_out) != 0 && out_elsewhere) {
        if (const int fd = out_fd_.load(); fd >= 0) {
            arm_watch(out_watch_, fd, on_out_watch, dispatch::condition_out);
        }
        return; // else the provider calls `ready`
    }
    if (fd_kind_ != JL_FD_NONE) {
        armed_ |= conditions;
        arm_watch(watch_, fd_.get(), on_watch, armed_);
    }
}

void socket_object::on_watch(void* raw, std::uint32_t /*ready*/) {
    auto& self = *static_cast<socket_object*>(raw);
    {
        const std::lock_guard hold(self.lock_);
        self.armed_ = 0;
    }
    self.pump_all(); // arms anew whatever is still awaited
}

void socket_object::on_out_watch(void* raw, std::uint32_t /*ready*/) {
    auto& self = *static_cast<socket_object*>(raw);
    dispatch::finished_operations finished(self.port());
    const std::lock_guard guard(self.guard_out_);
    if (!self.provider_ended_) {
        self.serve_sends(finished);
    }
    self.pump_out();
}

std::int32_t socket_object::select_events(dispatch::event_target target, std::uint32_t mask) {
    {
        const std::lock_guard hold(lock_);
        nonblocking_ = true; // EV-02
        record_.select(std::move(target), mask);
        selected_ = mask;
        end_told_ = false;
        if (!operation_->pending && !operation_->told) {
            record(FD_CONNECT, operation_->code); // JL-57
        }
    }
    if (mask != 0) {
        pump_all();
    }
    return 0;
}

std::int32_t socket_object::set_nonblocking(bool on) {
    const std::lock_guard hold(lock_);
    if (!on && record_.selected() != 0) {
        return WSAEINVAL; // EV-05
    }
    nonblocking_ = on;
    return 0;
}

// ---- blocked callers

// Whether a descriptor of the provider's shows by itself what the direction has to say.
bool socket_object::kernel_tells(std::uint32_t direction) const noexcept {
    return (direction == JL_IN && fd_kind_ == JL_FD_OWN) ||
           (direction == JL_ACCEPT && fd_kind_ == JL_FD_OWN) || (direction == JL_OUT && out_fd_.load() >= 0);
}

// Whether the SOCKET's descriptor becomes readable by what the direction receives, and by nothing else for long: a
// request that nobody accepts yet keeps it so.
bool socket_object::set_tells(std::uint32_t direction) {
    if (direction != JL_IN || fd_kind_ != JL_FD_SET || has_queued(JL_IN)) {
        return false;
    }
    const std::lock_guard hold(lock_);
    return admissions_->queue.empty();
}

// Waits on the SOCKET's own descriptor alone, the shortest wait there is: what else ends it makes that readable.
// False: the time is over.
bool socket_object::wait_alone(const dispatch::deadline& until) {
    loners_.fetch_add(1);
    const bool tells = ops().waits != nullptr;
    if (tells) {
        ops().waits(endpoint_, 1);
    }
    const bool ready = closing_ || dispatch::wait_readable(fd_, until); // else a kick does not see this thread
    if (tells) {
        ops().waits(endpoint_, 0);
    }
    if (loners_.fetch_sub(1) == 1 && kicked_.exchange(false)) {
        const std::lock_guard guard(guard_in_);
        if (!provider_ended_) {
            settle_signal(false);
        }
    }
    return ready;
}

std::int32_t socket_object::arm_for_wait(std::uint32_t direction) {
    if (has_queued(direction) || kernel_tells(direction)) {
        return JL_ARMED; // behind overlapped operations the last of them kicks
    }
    if (direction == JL_ACCEPT) {
        const std::lock_guard hold(lock_);
        if (!admissions_->queue.empty()) {
            return JL_READY;
        }
    }
    std::int32_t code = 0;
    const std::lock_guard guard(direction == JL_OUT ? guard_out_ : guard_in_);
    return direction == JL_IN ? ask_in(code) : arm(direction, code);
}

// Waits until a direction may have something to say: 0; WSAETIMEDOUT; WSAEINTR when the socket is being
// closed.
std::int32_t socket_object::wait_for(std::uint32_t direction, const dispatch::deadline& until) {
    if (condition_scope::active()) {
        return WSAEINPROGRESS;
    }
    if (run_queued_calls(this)) { // the routines may have done what is waited for
        const bool over = until && *until <= std::chrono::steady_clock::now();
        return closing() ? WSAEINTR : over ? WSAETIMEDOUT : 0;
    }
    if (const auto due = direction == JL_OUT ? tokens_due() : dispatch::deadline{}) {
        return wait_for_tokens(due, until);
    }
    const bool by_set = set_tells(direction);
    if (by_set && !dispatch::apc_queue::is_made()) {
        const bool in_time = wait_alone(until);
        return closing_ ? WSAEINTR : in_time ? 0 : WSAETIMEDOUT;
    }
    auto& self = dispatch::waiter::of_thread();
    add_waiter(self, direction);
    std::int32_t code = 0;
    if (by_set || arm_for_wait(direction) == JL_ARMED) {
        pollfd descriptor{-1, POLLIN, 0};
        if (has_queued(direction)) {
            descriptor.fd = -1;
        } else if (direction == JL_OUT) {
            descriptor = {out_fd_.load(), POLLOUT, 0};
        } else if (fd_kind_ == JL_FD_OWN || by_set) {
            descriptor.fd = fd_.get();
        }
        if (!closing_ && !self.wait({&descriptor, 1}, until, direction == JL_IN)) {
            code = WSAETIMEDOUT;
        }
    }
    remove_waiter(self);
    if (run_queued_calls(this)) {
        code = 0;
    }
    return closing_ ? WSAEINTR : code;
}

// ---- select

std::uint32_t socket_object::readiness(std::uint32_t directions) {
    std::uint32_t ready = 0;
    bool listens = false;
    bool receives = false;
    bool sends = false;
    bool urgent = false;
    {
        const std::lock_guard hold(lock_);
        urgent = !urgent_inline_ && service(XP1_EXPEDITED_DATA);
        listens = listening_ && !has_queued(JL_ACCEPT);
        receives = receiving_now() && !has_queued(JL_IN); // else what comes is an operation's
        sends = sending_now() && !has_queued(JL_OUT);
    }
    std::int32_t code = 0;
    if ((directions & (JL_IN | JL_OOB)) != 0) {
        const std::lock_guard guard(guard_in_);
        if ((directions & JL_IN) != 0 &&
            ((listens && arm(JL_ACCEPT, code) != JL_ARMED) || (receives && ask_in(code) != JL_ARMED))) {
            ready |= JL_IN;
        }
        if ((directions & JL_OOB) != 0 && receives && urgent && arm(JL_OOB, code) == JL_READY) {
            ready |= JL_OOB;
        }
    }
    if ((directions & JL_OUT) != 0 && sends && !awaits_tokens()) {
        const std::lock_guard guard(guard_out_);
        ready |= arm(JL_OUT, code) != JL_ARMED ? JL_OUT : 0U;
    }
    const std::lock_guard hold(lock_);
    if ((directions & JL_IN) != 0 && !admissions_->queue.empty()) {
        ready |= JL_IN;
    }
    return ready;
}

bool socket_object::connect_failed() {
    const std::lock_guard hold(lock_);
    return !operation_->is_join && !operation_->pending && operation_->id != 0 && operation_->code != 0 &&
           connection_ == connection::failed;
}

bool socket_object::closing() {
    return closing_;
}

void socket_object::poll_descriptors(std::uint32_t directions, std::vector<pollfd>& out) {
    const bool held_back = tokens_due().has_value(); // the timer kicks
    const std::lock_guard hold(lock_);
    short events = 0;
    if ((directions & JL_IN) != 0 && ((listening_ && !has_queued(JL_ACCEPT)) || receiving_now()) &&
        !has_queued(JL_IN)) {
        events |= POLLIN;
    }
    if ((directions & JL_OOB) != 0 && receiving_now() && !urgent_inline_ && fd_kind_ == JL_FD_OWN) {
        events |= POLLPRI;
    }
    if ((directions & JL_OUT) != 0 && sending_now() && !has_queued(JL_OUT) && !held_back &&
        out_fd_.load() >= 0) {
        if (fd_kind_ == JL_FD_OWN) {
            events |= POLLOUT;
        } else {
            out.push_back({out_fd_.load(), POLLOUT, 0});
        }
    }
    if (events != 0) {
        out.push_back({fd_.get(), events, 0});
    }
}

} // namespace joinleaf::socket
