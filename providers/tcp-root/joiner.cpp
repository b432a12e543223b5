// SPDX-License-Identifier: Apache-2.0
#include "joiner.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <sys/socket.h>

namespace joinleaf::tcp_root {
namespace {

// How long a closed connection may take to its end, and how often it is looked at.
constexpr std::chrono::nanoseconds last_breath = std::chrono::seconds(2);
constexpr std::chrono::milliseconds retry_after{10};

// ER-20: an unreachable host is an unreachable network to a join. A connection that ends in the handshake is
// a refusal.
std::int32_t join_code(int error) noexcept {
    switch (error) {
    case EHOSTUNREACH:
    case EHOSTDOWN: return WSAENETUNREACH;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED: return WSAECONNREFUSED;
    default: return jl_wsa_error(error);
    }
}

// EV-32: what an answer may make of a join. Anything else that a peer writes is only a refusal.
std::int32_t answered_code(std::int32_t code) noexcept {
    switch (code) {
    case WSAENETUNREACH:
    case WSAENOBUFS:
    case WSAETIMEDOUT:
    case WSAEOPNOTSUPP:
    case WSAEFAULT: return code;
    default: return WSAECONNREFUSED;
    }
}

} // namespace

joiner::joiner(jl_loop* loop, std::shared_ptr<const settings> limits, wire::roles mine, address target)
    : loop_(loop), limits_(std::move(limits)), mine_(mine), target_(target) {}

void joiner::start(tcp::descriptor fd, std::vector<std::byte> hello, std::uint32_t callee_room,
                   function done) {
    std::unique_lock lock(mutex_);
    fd_ = std::move(fd);
    hello_ = std::move(hello);
    callee_room_ = callee_room;
    done_ = std::move(done);
    started_ = clock::now();
    finish(lock, begin());
}

std::optional<joiner::outcome> joiner::begin() {
    if (::connect(fd_.get(), target_.raw(), target_.size) != 0 && errno != EINPROGRESS) {
        const int error = errno;
        if (error == EADDRNOTAVAIL && clock::now() < started_ + std::min(limits_->join_timeout, last_breath)) {
            return await_former();
        }
        return fail(join_code(error), ::strerrordesc_np(error));
    }
    // On this machine the connection is there already: the hello leaves without a turn of the loop.
    if (auto failed = send_hello()) {
        return failed;
    }
    const std::uint32_t conditions = sent_ < hello_.size() ? JL_IN | JL_OUT : JL_IN;
    if (!watch_.start(loop_, fd_.get(), conditions,
                      [self = shared_from_this()](std::uint32_t) { self->on_event(); })) {
        return fail(WSAENOBUFS, "the reactor cannot watch another descriptor");
    }
    if (!set_timer(until_next_deadline(started_))) {
        watch_.stop();
        return fail(WSAENOBUFS, "no timer is left");
    }
    return std::nullopt;
}

// A connection from this port to the same peer is about to end (LC-19).
std::optional<joiner::outcome> joiner::await_former() {
    awaits_former_ = true;
    return set_timer(retry_after) ? std::nullopt : std::optional(fail(WSAENOBUFS, "no timer is left"));
}

bool joiner::set_timer(clock::duration after) {
    if (!timer_) {
        return timer_.start(loop_, after, [self = shared_from_this()] { self->on_time(); });
    }
    timer_.set(after);
    return true;
}

joiner::outcome joiner::fail(std::int32_t code, std::string why) {
    tcp::dissolve(fd_.get());
    auto sentence = fmt::format("join with {} failed: {}", target_.text(), why);
    return tl::unexpected(failure{code, std::move(sentence), std::move(fd_)});
}

// An outcome is told without the lock: its function may take other locks or start the next join.
void joiner::finish(std::unique_lock<std::mutex>& lock, std::optional<outcome> result) {
    if (!result) {
        return;
    }
    decided_ = true;
    watch_.stop();
    timer_.stop();
    const function done = std::exchange(done_, nullptr);
    lock.unlock();
    done(*result);
}

void joiner::on_event() {
    std::unique_lock lock(mutex_);
    if (!decided_) {
        finish(lock, advance());
    }
}

std::optional<joiner::outcome> joiner::advance() {
    if (sent_ < hello_.size()) {
        if (auto failed = send_hello()) {
            return failed;
        }
        if (sent_ < hello_.size()) {
            return std::nullopt;
        }
        watch_.set(JL_IN);
    }
    return read_answer();
}

std::optional<joiner::outcome> joiner::send_hello() {
    const ssize_t n =
        ::send(fd_.get(), hello_.data() + sent_, hello_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) {
        const int error = errno;
        return error == EAGAIN ? std::nullopt
                               : std::optional(fail(join_code(error), ::strerrordesc_np(error)));
    }
    sent_ += static_cast<std::size_t>(n);
    if (!std::exchange(connected_, true)) {
        connected_at_ = clock::now();
        if (timer_) {
            timer_.set(until_next_deadline(connected_at_));
        }
    }
    return std::nullopt;
}

std::optional<joiner::outcome> joiner::read_answer() {
    for (;;) {
        switch (reader_.read(fd_.get())) {
        case greeting_reader::progress::more: return std::nullopt;
        case greeting_reader::progress::gone: return after_end(reader_.error());
        case greeting_reader::progress::bad: return fail(WSAECONNREFUSED, wire::text(reader_.why()));
        case greeting_reader::progress::whole: break;
        }
        if (reader_.head().what != wire::kind::wait) {
            return judge();
        }
        heard_ = true;
        reader_.restart();
    }
}

std::optional<joiner::outcome> joiner::after_end(int error) {
    if (!connected_ && error != 0) {
        return fail(join_code(error), ::strerrordesc_np(error));
    }
    const bool timed_out = error == ETIMEDOUT;
    return fail(timed_out ? WSAETIMEDOUT : WSAECONNREFUSED,
                "the peer closed the connection instead of answering");
}

std::optional<joiner::outcome> joiner::judge() {
    const wire::greeting& answer = reader_.head();
    if (answer.what != wire::kind::answer) {
        return fail(WSAECONNREFUSED, "the peer answers a join with a join of its own");
    }
    if (answer.code != 0) {
        return fail(answered_code(answer.code), wire::text(answer.why));
    }
    if (answer.who.control == mine_.control || answer.who.plane != mine_.plane) {
        return fail(WSAECONNREFUSED, "the peer's roles do not fit");
    }
    if (answer.data_size > callee_room_) {
        return fail(WSAEFAULT,
                    fmt::format("the peer sends {} bytes of callee data where there is room for {}",
                                answer.data_size, callee_room_));
    }
    return outcome(admission{std::move(fd_), std::move(reader_)});
}

joiner::clock::duration joiner::until_next_deadline(clock::time_point now) const {
    clock::time_point next = started_ + limits_->join_timeout;
    if (connected_ && !heard_) {
        next = std::min(next, connected_at_ + limits_->handshake_timeout);
    }
    return std::max<clock::duration>(next - now, std::chrono::milliseconds(1));
}

void joiner::on_time() {
    std::unique_lock lock(mutex_);
    if (decided_) {
        return;
    }
    if (std::exchange(awaits_former_, false)) {
        finish(lock, begin());
        return;
    }
    const auto now = clock::now();
    if (now >= started_ + limits_->join_timeout) {
        finish(lock,
               fail(WSAETIMEDOUT, heard_ ? "the peer's application did not accept it within join_timeout"
                                         : "no answer within join_timeout"));
    } else if (connected_ && !heard_ && now >= connected_at_ + limits_->handshake_timeout) {
        finish(lock, fail(WSAECONNREFUSED,
                          "the peer accepted the connection but is silent: it does not speak the protocol of "
                          "tcp-root, or it is stuck"));
    } else {
        timer_.set(until_next_deadline(now));
    }
}

std::optional<tcp::descriptor> joiner::cancel() {
    const std::lock_guard hold(mutex_);
    if (decided_) {
        return std::nullopt;
    }
    decided_ = true;
    done_ = nullptr;
    watch_.stop();
    tcp::dissolve(fd_.get());
    post(loop_, [self = shared_from_this()] {
        const std::lock_guard again(self->mutex_);
        self->timer_.stop();
    });
    return std::move(fd_);
}

std::int32_t joiner::with_fd(const std::function<std::int32_t(int)>& use) {
    const std::lock_guard hold(mutex_);
    return fd_ ? use(fd_.get()) : WSAENOTCONN;
}

} // namespace joinleaf::tcp_root
