// SPDX-License-Identifier: Apache-2.0
//
// The data path: straight to the provider in the caller's thread; the dispatcher is not involved unless
// events are registered.
#include "runtime/socket/message.hpp"
#include "runtime/socket/socket_object.hpp"

#include "runtime/dispatch/apc_queue.hpp"
#include "runtime/dispatch/spin.hpp"

namespace joinleaf::socket {
namespace {

dispatch::deadline deadline_after(std::chrono::milliseconds timeout) {
    if (timeout.count() == 0) {
        return {};
    }
    return std::chrono::steady_clock::now() + timeout;
}

} // namespace

// To the provider: the one way down for what is sent, by whatever call.
std::int32_t socket_object::transmit(std::span<jl_msg> messages, std::uint32_t& done) {
    auto* const shaper = shaper_.load(std::memory_order_acquire);
    const auto code = shaper == nullptr ? ops().tx(endpoint_, messages.data(),
                                                   static_cast<std::uint32_t>(messages.size()), &done)
                                        : transmit_shaped(*shaper, messages, done);
    if (code == 0 && receive_gate_.load(std::memory_order_relaxed) == WSAEINVAL) {
        mark_bound(); // the first datagram of an unbound socket bound it
    }
    return code;
}

result<std::uint32_t> socket_object::send(std::span<jl_msg> messages, bool dont_wait) {
    const bool waits = !dont_wait && !nonblocking();
    dispatch::deadline until;
    std::size_t sent_before = 0; // of a stream's piece that the kernel takes in several turns
    for (bool first_wait = true;;) {
        if (const auto gate = send_gate_.load(std::memory_order_acquire); gate != 0) {
            return tl::unexpected(gate);
        }
        std::uint32_t done = 0;
        std::int32_t code = 0;
        {
            const std::lock_guard guard(guard_out_);
            // Behind the overlapped sends that wait (IO-46).
            code = sends_.empty() ? transmit(messages, done) : WSAEWOULDBLOCK;
            if (code == WSAEWOULDBLOCK) {
                after_blocked_send();
            }
        }
        if (code == 0) {
            auto& last = messages[done - 1];
            const bool whole = last.size >= bytes_of(last);
            if (whole || !waits || message_oriented() || connectionless()) {
                last.size += sent_before;
                return done;
            }
            sent_before += last.size;
            advance(last, last.size);
            messages = messages.subspan(done - 1, 1);
            continue;
        }
        if (code != WSAEWOULDBLOCK || !waits) {
            return tl::unexpected(code);
        }
        if (std::exchange(first_wait, false)) {
            until = deadline_after(send_timeout_.load(std::memory_order_relaxed));
        }
        if (code = wait_for(JL_OUT, until); code != 0) {
            return tl::unexpected(code);
        }
    }
}

// Whether nothing but a message, the time and the socket's end can end a wait of the calling thread, so that it may
// wait inside the provider.
bool socket_object::waits_inside(std::span<const jl_msg> messages) const noexcept {
    return ops().rx_wait != nullptr && !never_inside_.load(std::memory_order_relaxed) &&
           fd_kind_ == JL_FD_OWN && messages.size() == 1 && !has_queued(JL_IN) &&
           !dispatch::apc_queue::is_made() && !condition_scope::active();
}

// Receives one message, and waits for it in one system call. WSAEWOULDBLOCK: not so, or the time is over.
std::int32_t socket_object::receive_inside(jl_msg& message, std::chrono::milliseconds timeout) {
    insiders_.fetch_add(1);
    auto code = WSAEINTR;
    if (!closing_) { // else `interrupt` does not see this thread
        code = ops().rx_wait(endpoint_, &message,
                             static_cast<std::uint64_t>(std::chrono::nanoseconds(timeout).count()));
    }
    insiders_.fetch_sub(1);
    if (selected_.load(std::memory_order_relaxed) != 0) { // events were asked for meanwhile
        const std::lock_guard guard(guard_in_);
        after_receive(JL_LEFT_UNKNOWN);
    }
    return closing_ && code != 0 ? WSAEINTR : code;
}

// Who had to wait for the last message most likely has to for the next; asking first would cost a system call each.
bool socket_object::waits_first() noexcept {
    return fd_kind_ == JL_FD_SET && has_waited_.load(std::memory_order_relaxed) &&
           !signalled_.load(std::memory_order_relaxed) && dispatch::spin().count() == 0 &&
           !condition_scope::active();
}

result<std::uint32_t> socket_object::receive(std::span<jl_msg> messages, bool dont_wait) {
    dispatch::deadline until;
    dispatch::spinning polls;
    bool first_wait = true;
    if (const auto gate = receive_gate_.load(std::memory_order_acquire); gate != 0) {
        return tl::unexpected(gate);
    }
    if (!dont_wait && !nonblocking() && dispatch::spin().count() == 0 && waits_inside(messages)) {
        const auto timeout = receive_timeout_.load(std::memory_order_relaxed);
        until = deadline_after(timeout);
        first_wait = false;
        const auto code = receive_inside(messages.front(), timeout);
        if (code == 0) {
            return 1;
        }
        if (code == WSAEOPNOTSUPP) {
            never_inside_.store(true, std::memory_order_relaxed);
        } else if (code != WSAEWOULDBLOCK) {
            return tl::unexpected(code);
        }
    }
    bool waited = false;
    if (!dont_wait && !nonblocking() && waits_first()) {
        until = deadline_after(receive_timeout_.load(std::memory_order_relaxed));
        first_wait = false;
        waited = true;
        if (const auto code = wait_for(JL_IN, until); code != 0) {
            return tl::unexpected(code);
        }
    }
    for (;;) {
        if (const auto gate = receive_gate_.load(std::memory_order_acquire); gate != 0) {
            return tl::unexpected(gate);
        }
        std::uint32_t done = 0;
        std::uint32_t left = JL_LEFT_UNKNOWN;
        std::int32_t code = 0;
        {
            const std::lock_guard guard(guard_in_);
            code = receives_.empty() ? fetch(messages, done, left) : WSAEWOULDBLOCK;
            after_receive(code == 0 ? left : static_cast<std::uint32_t>(JL_LEFT_UNKNOWN));
        }
        if (code == 0) {
            if (has_waited_.load(std::memory_order_relaxed) != waited) {
                has_waited_.store(waited, std::memory_order_relaxed);
            }
            return done;
        }
        if (code != WSAEWOULDBLOCK || dont_wait || nonblocking()) {
            note_loss(code);
            return tl::unexpected(code);
        }
        if (std::exchange(first_wait, false)) {
            until = deadline_after(receive_timeout_.load(std::memory_order_relaxed));
        }
        // Asking the provider again is the shortest way to a message; closesocket waits for this call.
        if (polls.again(until) && !closing_ && !condition_scope::active()) {
            continue;
        }
        waited = true;
        if (code = wait_for(JL_IN, until); code != 0) {
            return tl::unexpected(code);
        }
    }
}

// From the provider: the one way up for what is received. A gap is the last that rx hands over; where nobody
// asked for it the call goes on behind it.
std::int32_t socket_object::fetch(std::span<jl_msg> messages, std::uint32_t& done, std::uint32_t& left) {
    for (;;) {
        const auto asked = messages.front().flags;
        const auto code =
            ops().rx(endpoint_, messages.data(), static_cast<std::uint32_t>(messages.size()), &done, &left);
        if (code != 0 || (messages[done - 1].flags & JL_MSG_GAP) == 0 ||
            gap_notify_.load(std::memory_order_relaxed)) {
            return code;
        }
        if (--done > 0) {
            return 0;
        }
        messages.front().flags = asked;
    }
}

void socket_object::after_receive(std::uint32_t left) {
    if (fd_kind_ != JL_FD_OWN) {
        settle_signal(left == JL_LEFT_SOME);
    }
    if ((selected_.load(std::memory_order_relaxed) & (FD_READ | FD_CLOSE | FD_OOB | FD_QOS)) != 0) {
        {
            const std::lock_guard hold(lock_);
            record_.reenable(FD_READ | FD_OOB); // also by a call that failed (EV-36)
        }
        pump_oob();
        if (const auto end = pump_in(left)) {
            tell_end(*end);
        }
    }
}

void socket_object::receive_refused() {
    if ((selected_.load(std::memory_order_relaxed) & (FD_READ | FD_OOB)) != 0) {
        const std::lock_guard guard(guard_in_);
        after_receive(JL_LEFT_UNKNOWN);
    }
}

void socket_object::after_blocked_send() {
    if ((selected_.load(std::memory_order_relaxed) & FD_WRITE) != 0) {
        {
            const std::lock_guard hold(lock_);
            record_.reenable(FD_WRITE); // EV-38
        }
        pump_out();
    }
}

std::int32_t socket_object::shutdown(int how) {
    if (how != SD_RECEIVE && how != SD_SEND && how != SD_BOTH) {
        return WSAEINVAL;
    }
    {
        const std::lock_guard hold(lock_);
        const bool connected =
            connection_ == connection::established || (role_ == role::root && (has_had_leaf_ || listening_));
        if (!connectionless() && !connected) {
            return WSAENOTCONN;
        }
        const bool sends = direction_ != JL_RECEIVER_ONLY;
        const bool receives = direction_ != JL_SENDER_ONLY;
        if ((how == SD_SEND && !sends) || (how == SD_RECEIVE && !receives)) {
            return WSAEINVAL; // LC-12
        }
        if ((how == SD_SEND && sent_end_) || (how == SD_RECEIVE && received_end_)) {
            return 0;
        }
    }
    std::int32_t code = 0;
    {
        const std::lock_guard guard(guard_out_);
        if (how != SD_RECEIVE && !sends_.empty()) {
            shutdown_after_ = how; // what was handed over before still goes
        } else {
            code = ops().shutdown(endpoint_, how);
        }
    }
    if (code == 0) {
        const std::lock_guard hold(lock_);
        sent_end_ = sent_end_ || how != SD_RECEIVE;
        received_end_ = received_end_ || how != SD_SEND;
        update_gates();
        kick(JL_IN | JL_OUT);
    }
    if (code == 0 && has_queued(JL_IN)) {
        schedule_pump(); // pending receives end with the gate's code
    }
    return code;
}

} // namespace joinleaf::socket
