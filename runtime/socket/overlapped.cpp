// SPDX-License-Identifier: Apache-2.0
//
// Overlapped operations: one more consumer of the readiness that FD_* events use. A call is tried at once in
// the caller's thread when nothing is before it; else it stands in its direction's line, which the loop
// serves in order (clauses IO-40 ... IO-54).
#include <array>
#include <cstring>

#include "runtime/socket/message.hpp"
#include "runtime/socket/socket_object.hpp"

namespace joinleaf::socket {
namespace {

constexpr std::size_t batch_room = 64; // as many messages as udp-mcast hands to the kernel in one call

// The messages at the head of a line that can go to the provider as one array.
template <class Fits>
std::size_t gather(const dispatch::operation_list& line, std::array<jl_msg, batch_room>& batch, Fits fits) {
    std::size_t count = 0;
    for (const auto* one = line.front(); one != nullptr && count < batch.size();
         one = dispatch::operation_list::after(*one)) {
        const bool alone = !fits(*one);
        if (alone && count > 0) {
            break;
        }
        batch[count++] = one->message;
        if (alone) {
            break;
        }
    }
    return count;
}

} // namespace

void cancel_started_by(const dispatch::apc_queue& thread) {
    std::vector<std::uintptr_t> numbers;
    open_sockets().each_number([&](std::uintptr_t number) { numbers.push_back(number); });
    for (const auto number : numbers) {
        if (const auto held = open_sockets().acquire(number)) {
            held->cancel_operations(nullptr, &thread);
        }
    }
}

// Only a wait for a change of the host's network stays pending.
std::int32_t socket_object::start_ioctl(dispatch::operation& one, DWORD code, std::span<const std::byte> in,
                                        std::span<std::byte> out, std::uint32_t& bytes) {
    dispatch::finished_operations finished(port());
    one.begin();
    const auto answered = ioctl(code, in, out, bytes, &one);
    if (answered == 0) {
        one.bytes = bytes;
        one.skips_port = skips_port_.load(std::memory_order_relaxed);
        finished.add(one);
    }
    return answered;
}

std::int32_t socket_object::finish_at_once(dispatch::operation& one, DWORD bytes) {
    dispatch::finished_operations finished(port());
    one.begin();
    one.bytes = bytes;
    one.skips_port = skips_port_.load(std::memory_order_relaxed);
    finished.add(one);
    return 0;
}

// ---- one operation and what the provider did with it

// True when it is over; a stream may take a piece in several turns.
bool socket_object::conclude_send(dispatch::operation& one, const jl_msg& sent) const {
    one.moved += sent.size;
    one.bytes = static_cast<DWORD>(one.moved);
    if (message_oriented() || connectionless()) {
        return true;
    }
    advance(one.message, sent.size);
    return bytes_of(one.message) == 0 && !one.refill();
}

bool socket_object::conclude_receive(dispatch::operation& one, const jl_msg& got) const noexcept {
    if ((got.flags & JL_MSG_GAP) != 0) { // JL_SO_GAP_NOTIFY
        one.code = WSAENOBUFS;
        one.bytes = 0;
        return true;
    }
    one.moved += got.size;
    one.bytes = static_cast<DWORD>(one.moved);
    if (one.collects) {
        advance(one.message, got.size);
        if (bytes_of(one.message) > 0) {
            return false;
        }
    }
    const bool longer = (got.flags & (JL_MSG_CUT | JL_MSG_REST)) != 0;
    const bool partial = (got.flags & JL_MSG_REST) != 0 && service(XP1_PARTIAL_MESSAGE);
    one.flags = partial ? static_cast<DWORD>(MSG_PARTIAL) : 0;
    one.message_flags = winsock_flags(got.flags, partial);
    one.code = longer && !partial ? WSAEMSGSIZE : 0;
    if (one.from != nullptr && got.addr_len > 0) {
        if (*one.from_length < static_cast<int>(got.addr_len)) {
            one.code = WSAEFAULT;
        } else {
            std::memcpy(one.from, &one.address, got.addr_len);
            *one.from_length = static_cast<int>(got.addr_len);
        }
    }
    return true;
}

// What a failed receive means for the operation: the graceful end of a stream is none (IO-48), and what was
// collected before is handed over.
std::int32_t socket_object::outcome_of_failure(const dispatch::operation& one,
                                               std::int32_t code) const noexcept {
    const bool end_of_stream = code == WSAEDISCON && !message_oriented();
    return end_of_stream || one.moved > 0 ? 0 : code;
}

// A stream's receive without room takes nothing; it tells that something is there.
bool socket_object::is_probe(const dispatch::operation& one) const noexcept {
    return !message_oriented() && !connectionless() && bytes_of(one.message) == 0;
}

std::int32_t socket_object::probe() {
    std::int32_t code = 0;
    switch (ask_in(code)) {
    case JL_ARMED: return WSAEWOULDBLOCK;
    case JL_READY: return 0;
    default: return code == 0 ? WSAEDISCON : code;
    }
}

// ---- starting

std::int32_t socket_object::start_send(dispatch::operation& one, DWORD& bytes) {
    dispatch::finished_operations finished(port());
    const std::lock_guard guard(guard_out_);
    if (const auto gate = send_gate_.load(std::memory_order_acquire); gate != 0) {
        return gate;
    }
    one.begin();
    if (sends_.empty()) {
        auto sent = one.message;
        std::uint32_t done = 0;
        const auto code = transmit({&sent, 1}, done);
        if (code == 0 && conclude_send(one, sent)) {
            bytes = one.bytes;
            one.skips_port = one.code == 0 && skips_port_.load(std::memory_order_relaxed);
            const auto answered = one.code == 0 ? 0 : WSA_IO_PENDING; // a file that cannot be read on
            finished.add(one);
            return answered;
        }
        if (code != 0 && code != WSAEWOULDBLOCK) {
            return code;
        }
    }
    put_in_line(one, sends_, JL_OUT);
    await(JL_OUT, finished);
    return WSA_IO_PENDING;
}

std::int32_t socket_object::start_receive(dispatch::operation& one, DWORD& bytes, DWORD& flags) {
    dispatch::finished_operations finished(port());
    const std::lock_guard guard(guard_in_);
    if (const auto gate = receive_gate_.load(std::memory_order_acquire); gate != 0) {
        return gate;
    }
    one.begin();
    std::int32_t code = WSAEWOULDBLOCK;
    if (receives_.empty()) {
        code = receive_now(one);
    }
    if (code != WSAEWOULDBLOCK) {
        note_loss(code);
        const auto outcome = code == 0 ? 0 : outcome_of_failure(one, code);
        if (outcome != 0) {
            return outcome;
        }
        bytes = one.bytes;
        flags = one.flags;
        one.skips_port = one.code == 0 && skips_port_.load(std::memory_order_relaxed);
        finished.add(one);
        return one.code == 0 ? 0 : WSA_IO_PENDING; // a message too long is an outcome, not a failed start
    }
    if (selected_.load(std::memory_order_relaxed) != 0) {
        const std::lock_guard hold(lock_);
        record_.reenable(FD_READ | FD_OOB);
    }
    put_in_line(one, receives_, JL_IN);
    await(JL_IN, finished);
    return WSA_IO_PENDING;
}

// 0: over, its outcome is in the record; WSAEWOULDBLOCK: it has to wait; else the provider's code.
std::int32_t socket_object::receive_now(dispatch::operation& one) {
    if (is_probe(one)) {
        return probe();
    }
    auto got = one.message;
    std::uint32_t done = 0;
    std::uint32_t left = JL_LEFT_UNKNOWN;
    const auto code = fetch({&got, 1}, done, left);
    if (code == WSAEWOULDBLOCK || (code == 0 && !conclude_receive(one, got))) {
        if (fd_kind_ != JL_FD_OWN) {
            settle_signal(false);
        }
        return WSAEWOULDBLOCK; // the line comes before FD_READ (IO-54)
    }
    after_receive(code == 0 ? left : static_cast<std::uint32_t>(JL_LEFT_UNKNOWN));
    return code;
}

// ---- the lines

void socket_object::put_in_line(dispatch::operation& one, dispatch::operation_list& line,
                                std::uint32_t direction) {
    if (one.starter != nullptr) {
        dispatch::apc_queue::of_thread()->at_end(cancel_started_by); // IO-50
    }
    line.push(one);
    queued_.fetch_or(direction);
}

// The line is empty: ordinary calls may go on.
void socket_object::leave_line(std::uint32_t direction) {
    if ((queued_.fetch_and(~direction) & direction) != 0) {
        const std::lock_guard hold(lock_);
        kick(direction);
    }
}

// Sees to it that the loop comes back when the direction may have something to say; its guard is held.
void socket_object::await(std::uint32_t direction, dispatch::finished_operations& finished) {
    const bool receives = direction == JL_IN;
    if (!receives && awaits_tokens()) {
        return;
    }
    std::int32_t code = 0;
    const auto state = kernel_tells(direction) ? JL_ARMED : receives ? ask_in(code) : arm(direction, code);
    if (state == JL_ARMED) {
        watch_for(receives ? dispatch::condition_in : dispatch::condition_out);
    } else if (state == JL_READY) {
        schedule_pump();
    } else if (receives) {
        end_of_receives(code, finished);
    } else {
        fail_all(sends_, code == 0 ? WSAECONNABORTED : code, finished);
        leave_line(JL_OUT);
    }
}

void socket_object::fail_all(dispatch::operation_list& line, std::int32_t code,
                             dispatch::finished_operations& finished) {
    while (auto* const one = line.pop()) {
        one->code = code;
        one->bytes = static_cast<DWORD>(one->moved);
        finished.add(*one);
    }
}

void socket_object::end_of_receives(std::int32_t code, dispatch::finished_operations& finished) {
    while (auto* const one = receives_.pop()) {
        one->code = outcome_of_failure(*one, code == 0 ? WSAEDISCON : code);
        finished.add(*one);
    }
    leave_line(JL_IN);
}

void socket_object::serve_sends(dispatch::finished_operations& finished) {
    if (sends_.empty()) {
        return;
    }
    while (!sends_.empty() && send_batch(finished)) {}
    if (!sends_.empty()) {
        await(JL_OUT, finished);
        return;
    }
    leave_line(JL_OUT);
    finish_shutdown(finished);
}

// False when nothing more goes now.
bool socket_object::send_batch(dispatch::finished_operations& finished) {
    const auto gate = send_gate_.load(std::memory_order_acquire);
    if (gate != 0 && !shutdown_after_) {
        fail_all(sends_, gate, finished);
        return false;
    }
    std::array<jl_msg, batch_room> batch;
    const auto count = gather(sends_, batch, [](const auto& one) {
        return one.message.flags == 0 && !one.source; // behind a source nothing goes before all of it is gone
    });
    std::uint32_t done = 0;
    const auto code = transmit({batch.data(), count}, done);
    if (code == WSAEWOULDBLOCK) {
        return false;
    }
    if (code != 0) { // of the first; the others are asked again
        auto* const first = sends_.pop();
        first->code = code;
        finished.add(*first);
        return true;
    }
    for (std::uint32_t i = 0; i < done; ++i) {
        if (!conclude_send(*sends_.front(), batch[i])) {
            return false;
        }
        finished.add(*sends_.pop());
    }
    return true;
}

void socket_object::serve_receives(dispatch::finished_operations& finished) {
    if (receives_.empty()) {
        return;
    }
    while (!receives_.empty() && receive_batch(finished)) {}
    if (!receives_.empty()) {
        await(JL_IN, finished);
        return;
    }
    leave_line(JL_IN);
}

bool socket_object::receive_batch(dispatch::finished_operations& finished) {
    if (const auto gate = receive_gate_.load(std::memory_order_acquire); gate != 0) {
        fail_all(receives_, gate, finished);
        return false;
    }
    std::array<jl_msg, batch_room> batch;
    std::uint32_t done = 1;
    std::uint32_t left = JL_LEFT_UNKNOWN;
    std::int32_t code = 0;
    if (is_probe(*receives_.front())) {
        code = probe();
        batch[0] = {};
    } else {
        const auto count = gather(receives_, batch, [this](const auto& one) {
            return one.message.flags == 0 && !one.collects && !is_probe(one);
        });
        code = fetch({batch.data(), count}, done, left);
        if (fd_kind_ != JL_FD_OWN) {
            settle_signal(code == 0 && left == JL_LEFT_SOME);
        }
    }
    if (code == WSAEWOULDBLOCK) {
        return false;
    }
    if (code != 0) {
        note_loss(code);
        auto* const first = receives_.pop();
        first->code = outcome_of_failure(*first, code);
        finished.add(*first);
        return true;
    }
    for (std::uint32_t i = 0; i < done; ++i) {
        if (!conclude_receive(*receives_.front(), batch[i])) {
            return true;
        }
        finished.add(*receives_.pop());
    }
    return left != JL_LEFT_NONE;
}

void socket_object::finish_shutdown(dispatch::finished_operations& finished) {
    if (const auto how = std::exchange(shutdown_after_, std::nullopt); how && !provider_ended_) {
        ops().shutdown(endpoint_, *how);
    }
    if (disconnects_) {
        fail_all(disconnects_.edit(), 0, finished);
    }
}

// ---- cancelling

std::size_t socket_object::cancel_in(dispatch::operation_list& line, std::uint32_t direction,
                                     const WSAOVERLAPPED* overlapped, const void* starter, bool quiet,
                                     std::uint64_t group) {
    dispatch::finished_operations finished(port(), quiet);
    const std::lock_guard guard(direction == JL_IN ? guard_in_ : guard_out_);
    if (line.empty()) {
        return 0;
    }
    dispatch::operation_list cancelled;
    const auto count = line.move_to(cancelled, [&](const dispatch::operation& one) {
        return one.is_meant(overlapped, starter) && (group == 0 || one.group == group);
    });
    fail_all(cancelled, WSA_OPERATION_ABORTED, finished);
    if (line.empty()) {
        leave_line(direction);
        if (direction == JL_OUT) {
            finish_shutdown(finished);
        }
        if (selected_.load(std::memory_order_relaxed) != 0) {
            schedule_pump(); // FD_READ and FD_WRITE have their turn again
        }
    }
    return count;
}

std::size_t socket_object::cancel_operations(const WSAOVERLAPPED* overlapped, const void* starter) {
    return cancel_in(receives_, JL_IN, overlapped, starter, false) +
           cancel_in(sends_, JL_OUT, overlapped, starter, false) + cancel_changes(overlapped, starter, false) +
           cancel_accepts(overlapped, starter, nullptr, false) + cancel_connect(overlapped, starter, false);
}

void socket_object::forget_operations() {
    cancel_in(receives_, JL_IN, nullptr, nullptr, true);
    cancel_in(sends_, JL_OUT, nullptr, nullptr, true);
    cancel_changes(nullptr, nullptr, true);
    cancel_accepts(nullptr, nullptr, nullptr, true);
    cancel_connect(nullptr, nullptr, true);
}

std::int32_t socket_object::associate(dispatch::port_association to) {
    const std::lock_guard hold(lock_);
    if (owned_port_) {
        return WSA_INVALID_PARAMETER;
    }
    owned_port_ = std::make_unique<const dispatch::port_association>(std::move(to));
    port_.store(owned_port_.get(), std::memory_order_release);
    return 0;
}

} // namespace joinleaf::socket
