// SPDX-License-Identifier: Apache-2.0
#include "member.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

namespace joinleaf::tcp_root {

member::member(jl_loop* loop, std::shared_ptr<const settings> limits, tcp::descriptor fd,
               const root_end& root, rights may)
    : loop_(loop),
      limits_(std::move(limits)),
      fd_(std::move(fd)),
      may_(may),
      peer_beat_(std::chrono::milliseconds(10) * root.beat) {
    receiver_.attach(fd_.get(), root.name);
    sender_.attach(fd_.get());
}

void member::begin() {
    const std::lock_guard hold(out_);
    heard_ = clock::now();
    const auto tick = beat_tick();
    if (tick.count() != 0 && !timer_.start(loop_, tick, [self = shared_from_this()] { self->on_time(); })) {
        log_line(JL_LOG_ERROR, "tcp-root: no timer is left; a leaf gives no signs of life");
    }
}

void member::set_echo(bool on) {
    const std::lock_guard hold(out_);
    sender_.set_echo(on);
}

// How often the member looks at both directions; 0: never.
std::chrono::nanoseconds member::beat_tick() const {
    const auto silence =
        peer_beat_.count() == 0 ? std::chrono::nanoseconds(0) : limits_->heartbeat_timeout / 4;
    const auto beat = limits_->heartbeat / 2;
    const auto tick =
        silence.count() == 0 || beat.count() == 0 ? std::max(silence, beat) : std::min(silence, beat);
    return tick.count() == 0 ? tick : std::max<std::chrono::nanoseconds>(tick, std::chrono::milliseconds(1));
}

// Both between two looks and over two of them nothing is sent for at most the time that was promised.
void member::show_life() {
    if (limits_->heartbeat.count() == 0 || sender_.error() != 0) {
        return;
    }
    if (sender_.pushed_bytes() == told_bytes_ && sender_.kept() == 0) {
        queue_frame(static_cast<std::uint8_t>(wire::frame_kind::beat), 0);
        if (!sender_.flush()) {
            update_watch();
        }
    }
    told_bytes_ = sender_.pushed_bytes();
}

// What lies unread says that the root was alive, and hides what it says since: then nothing is judged.
void member::judge_silence(clock::time_point now) {
    if (peer_beat_.count() == 0 || limits_->heartbeat_timeout.count() == 0) {
        return;
    }
    const std::lock_guard hold(in_);
    const bool spoke = std::exchange(heard_bytes_, receiver_.read_bytes()) != receiver_.read_bytes();
    if (spoke || receiver_.has_ended() || receiver_.is_alone() || tcp::unread(fd_.get()) != 0) {
        heard_ = now;
        return;
    }
    const auto patience = std::max<std::chrono::nanoseconds>(limits_->heartbeat_timeout, 2 * peer_beat_);
    if (now - heard_ > patience) {
        log_line(JL_LOG_WARNING, "tcp-root: the root gave no sign of life within heartbeat_timeout");
        receiver_.give_up(WSAECONNABORTED);
        tcp::dissolve(fd_.get());
    }
}

// On the loop, with out_ held.
void member::live() {
    show_life();
    judge_silence(clock::now());
    timer_.set(beat_tick());
}

std::int32_t member::answer(std::span<const std::byte> bytes) {
    const std::lock_guard hold(out_);
    sender_.queue(bytes);
    if (!sender_.flush()) {
        update_watch();
    }
    return sender_.error() == 0 ? 0 : WSAECONNRESET;
}

std::int32_t member::tell(std::span<const std::byte> frame) {
    const std::lock_guard hold(out_);
    if (shut_out_ || peer_left_.load() || sender_.error() != 0) {
        return WSAENOTCONN;
    }
    sender_.queue(frame);
    if (!sender_.flush()) {
        update_watch();
    }
    return 0;
}

void member::report_changes_to(jl_handle* socket) {
    const std::lock_guard hold(in_);
    receiver_.report_changes_to(socket);
}

std::int32_t member::tx(jl_msg* messages, std::uint32_t count, std::uint32_t* done) {
    *done = 0;
    if (!may_.send) {
        return WSAEOPNOTSUPP;
    }
    if (peer_left_.load()) {
        return WSAECONNRESET;
    }
    const std::lock_guard hold(out_);
    if (shut_out_) {
        return WSAESHUTDOWN;
    }
    const std::int32_t code = sender_.send(messages, count, done);
    if (sender_.kept() != 0) {
        update_watch();
    }
    return code;
}

std::int32_t member::rx(jl_msg* messages, std::uint32_t count, std::uint32_t* done, std::uint32_t* left) {
    *done = 0;
    *left = JL_LEFT_UNKNOWN;
    if (!may_.receive) {
        return WSAEOPNOTSUPP;
    }
    if (shut_in_.load()) {
        return WSAESHUTDOWN;
    }
    const std::lock_guard hold(in_);
    const std::int32_t code = receiver_.take(messages, count, done, left);
    peer_left_.store(receiver_.peer_has_left(), std::memory_order_relaxed);
    return code;
}

std::int32_t member::arm_in(std::int32_t* code) {
    const std::lock_guard hold(in_);
    const std::int32_t state = receiver_.check(code);
    peer_left_.store(receiver_.peer_has_left(), std::memory_order_relaxed);
    return state;
}

std::int32_t member::arm_out(std::int32_t* code) {
    if (!may_.send) {
        return JL_ARMED;
    }
    if (peer_left_.load()) {
        *code = WSAECONNRESET;
        return JL_ENDED;
    }
    const std::lock_guard hold(out_);
    const bool clear = sender_.flush();
    if (shut_out_ || sender_.error() != 0) {
        *code = shut_out_ ? WSAESHUTDOWN : sender_.error();
        return JL_ENDED;
    }
    return clear ? JL_READY : JL_ARMED;
}

void member::queue_frame(std::uint8_t kind, std::uint8_t flags) {
    sender_.queue(wire::encode(wire::frame{static_cast<wire::frame_kind>(kind), flags, 0}));
}

std::int32_t member::shutdown(std::int32_t how) {
    const std::lock_guard hold(out_);
    if (how != SD_SEND && !shut_in_.exchange(true)) {
        queue_frame(static_cast<std::uint8_t>(wire::frame_kind::quiet), 0);
        const std::lock_guard both(in_);
        receiver_.discard();
    }
    // The connection itself stays open in both directions, so that the root still learns how this leaf goes
    // in the end.
    if (how != SD_RECEIVE && !std::exchange(shut_out_, true)) {
        queue_frame(static_cast<std::uint8_t>(wire::frame_kind::end), 0);
    }
    sender_.flush();
    update_watch();
    return 0;
}

std::uint64_t member::readable_bytes() {
    const std::lock_guard hold(in_);
    return receiver_.readable_bytes();
}

void member::fill(jl_stats& out) {
    {
        const std::lock_guard hold(in_);
        out.received_messages = receiver_.taken_messages();
        out.received_bytes = receiver_.taken_bytes();
        out.gaps = receiver_.missing();
        out.last_error = receiver_.error();
    }
    const std::lock_guard hold(out_);
    out.sent_messages = sender_.sent_messages();
    out.sent_bytes = sender_.sent_bytes();
    out.queued_bytes = sender_.kept();
    if (fd_) {
        out.rtt_ns = tcp::round_trip_ns(fd_.get());
    }
}

// The application may never call again: the rest of what tx has taken goes on the loop, and what comes for somebody who
// receives no more is dropped there, so that it holds nobody up.
void member::update_watch() {
    const std::uint32_t out = sender_.kept() != 0 && sender_.error() == 0 ? JL_OUT : 0;
    const std::uint32_t in = shut_in_ && !heard_all_ ? JL_IN : 0;
    if ((in | out) == 0) {
        watch_.stop();
    } else if (watch_) {
        watch_.set(in | out);
    } else {
        const auto call = [self = shared_from_this()](std::uint32_t ready) { self->on_event(ready); };
        if (!watch_.start(loop_, fd_.get(), in | out, call)) {
            log_line(JL_LOG_ERROR,
                     "tcp-root: the reactor cannot watch another descriptor; what waits for the connection "
                     "goes on with the next call");
        }
    }
}

// Both locks: out_ is held.
void member::drop_input() {
    const std::lock_guard hold(in_);
    std::int32_t code = 0;
    heard_all_ = receiver_.check(&code) == JL_ENDED;
    peer_left_.store(receiver_.peer_has_left(), std::memory_order_relaxed);
}

void member::on_event(std::uint32_t ready) {
    std::function<void()> last;
    {
        const std::lock_guard hold(out_);
        if (departing_) {
            see_off();
        } else {
            if ((ready & JL_IN) != 0 && shut_in_) {
                drop_input();
            }
            sender_.flush();
            update_watch();
        }
        if (gone_) {
            timer_.stop();
            last = std::exchange(on_gone_, nullptr);
        }
    }
    if (last) {
        last();
    }
}

void member::close(std::uint32_t how, std::function<void()> done) {
    const std::lock_guard hold(out_);
    if (!std::exchange(departing_, true)) {
        watch_.stop();
        on_gone_ = std::move(done);
    } else if (how != JL_CLOSE_ABORT || gone_) {
        return;
    }
    if (how == JL_CLOSE_ABORT || receiver_.is_alone() || sender_.error() != 0) {
        finish(how == JL_CLOSE_ABORT);
    } else {
        depart();
    }
    if (gone_) {
        post(loop_, [self = shared_from_this()] {
            std::unique_lock lock(self->out_);
            self->timer_.stop();
            const auto last = std::exchange(self->on_gone_, nullptr);
            lock.unlock();
            if (last) {
                last();
            }
        });
    }
}

// Says goodbye and reads what still comes until the root has closed: closing with unread data would be a reset. The root
// closes first, so that the kernel keeps nothing of the connection here, and the next join may come from the same port at
// once (LC-19).
void member::depart() {
    queue_frame(static_cast<std::uint8_t>(wire::frame_kind::end), wire::flag_leaving);
    tcp::retire(fd_.get());
    const auto self = shared_from_this();
    const bool watched = watch_.start(loop_, fd_.get(), JL_IN | JL_OUT,
                                      [self](std::uint32_t ready) { self->on_event(ready); });
    if (timer_) {
        post(loop_, [self] {
            const std::lock_guard hold(self->out_);
            if (!self->gone_) {
                self->timer_.set(self->limits_->leaf_timeout);
            }
        });
    }
    if (!watched || (!timer_ && !timer_.start(loop_, limits_->leaf_timeout, [self] { self->on_time(); }))) {
        sender_.flush();
        finish(false);
        return;
    }
    see_off();
}

void member::see_off() {
    if (gone_) {
        return;
    }
    if (sender_.flush() && !std::exchange(goodbye_sent_, true)) {
        unacknowledged_ = tcp::unsent(fd_.get());
    }
    input_over_ = input_over_ || drain_input();
    if (sender_.error() != 0 || (goodbye_sent_ && input_over_)) {
        finish(false);
    } else {
        watch_.set((input_over_ ? 0 : JL_IN) | (goodbye_sent_ ? 0 : JL_OUT));
    }
}

// True: the root's side has ended.
bool member::drain_input() {
    std::array<std::byte, 16384> unwanted;
    for (int i = 0; i < 16; ++i) {
        const ssize_t n = ::recv(fd_.get(), unwanted.data(), unwanted.size(), MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) {
            return false;
        }
        if (n <= 0) {
            return true;
        }
    }
    return false;
}

void member::on_time() {
    std::function<void()> last;
    {
        const std::lock_guard hold(out_);
        if (gone_) {
            return;
        }
        if (!departing_) {
            live();
            return;
        }
        // While the root takes something, however slowly, there is something to wait for.
        const int left = tcp::unsent(fd_.get()) + static_cast<int>(sender_.kept());
        if (std::exchange(unacknowledged_, left) > left && left != 0) {
            timer_.set(limits_->leaf_timeout);
            return;
        }
        finish(left != 0);
        last = std::exchange(on_gone_, nullptr);
        timer_.stop();
    }
    if (last) {
        last();
    }
}

void member::finish(bool reset) {
    gone_ = true;
    watch_.stop();
    if (reset) {
        tcp::abort(std::move(fd_));
    } else {
        fd_.reset();
    }
}

} // namespace joinleaf::tcp_root
