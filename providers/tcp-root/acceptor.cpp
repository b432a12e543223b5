// SPDX-License-Identifier: Apache-2.0
#include "acceptor.hpp"

#include "greeting.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace joinleaf::tcp_root {
namespace {

using clock = std::chrono::steady_clock;

// The kernel's queue only has to hold what comes between two turns of the loop; the application's backlog is
// counted here.
constexpr int kernel_backlog = 4096;

// So many connections are taken in one turn of the loop before others have theirs.
constexpr int connections_a_turn = 64;

// A queued request tells its joiner so after this long; shorter than the least sensible handshake_timeout,
// longer than an application that accepts at once needs.
constexpr std::chrono::seconds wait_notice_after{1};

// How often a listener that ran out of descriptors tries again, and the grain of the handshake's deadlines.
constexpr std::chrono::milliseconds longest_look{100};
constexpr std::chrono::milliseconds shortest_look{5};

template <class Bytes> void send_last(int fd, const Bytes& bytes) noexcept {
    // The send buffer of a fresh connection holds it; a peer whose buffer does not is no loss.
    [[maybe_unused]] const auto n = ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

} // namespace

// One connection between accept and its answer.
struct acceptor::incoming {
    tcp::descriptor fd;
    address peer;
    std::uint64_t number; // in the set
    greeting_reader reader;
    clock::time_point since = clock::now();
    bool reading = false; // the loop is in recv for it, and sees to it itself if the listener closes
    bool noticed = false; // knows that it waits
    bool gone = false;    // withdrawn; stays until the host refuses it
};

acceptor::acceptor(jl_handle* listener, jl_loop* loop, std::shared_ptr<const settings> limits,
                   wire::roles mine)
    : listener_(listener), loop_(loop), limits_(std::move(limits)), mine_(mine) {}

std::int32_t acceptor::listen(tcp::descriptor fd, std::int32_t backlog) {
    const std::lock_guard hold(mutex_);
    backlog_ = static_cast<std::size_t>(std::clamp(backlog, 1, kernel_backlog));
    return fd_ ? 0 : start(std::move(fd));
}

std::int32_t acceptor::start(tcp::descriptor fd) {
    if (const auto code = tcp::listen(fd.get(), kernel_backlog); code != 0) {
        return code;
    }
    tcp::descriptor set(::epoll_create1(EPOLL_CLOEXEC));
    if (!set) {
        return WSAEMFILE;
    }
    const auto self = shared_from_this();
    if (!peers_watch_.start(loop_, set.get(), JL_IN, [self](std::uint32_t) { self->on_peers(); })) {
        return WSAENOBUFS;
    }
    if (!watch_.start(loop_, fd.get(), JL_IN, [self](std::uint32_t) { self->on_connections(); })) {
        peers_watch_.stop();
        return WSAENOBUFS;
    }
    name_ = tcp::local_name(fd.get());
    fd_ = std::make_shared<const tcp::descriptor>(std::move(fd));
    set_ = std::make_shared<const tcp::descriptor>(std::move(set));
    return 0;
}

bool acceptor::is_listening() const {
    const std::lock_guard hold(mutex_);
    return fd_ != nullptr;
}

int acceptor::fd() const {
    const std::lock_guard hold(mutex_);
    return fd_ != nullptr ? fd_->get() : -1;
}

// On the loop.
void acceptor::on_connections() {
    lock_type lock(mutex_);
    const auto door = fd_;
    if (closed_ || paused_ || door == nullptr) {
        return;
    }
    lock.unlock();
    std::vector<arrival> arrived;
    const int error = accept_some(door->get(), arrived);
    lock.lock();
    for (arrival& each : arrived) {
        if (closed_ || !receive(each)) {
            tcp::abort(std::move(each.fd));
        }
    }
    if (tcp::is_shortage(error) && !closed_) {
        pause_accepting(error);
    }
    keep_ticking();
}

// Answers what the kernel said last, 0: there may be more.
int acceptor::accept_some(int fd, std::vector<arrival>& out) {
    for (int i = 0; i < connections_a_turn; ++i) {
        arrival one;
        socklen_t size = address::room;
        one.fd = tcp::descriptor(::accept4(fd, one.peer.raw(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (one.fd) {
            one.peer.size = size;
            out.push_back(std::move(one));
        } else if (errno == EAGAIN || tcp::is_shortage(errno)) {
            return errno;
        }
        // Everything else is the affair of one connection that is gone already (ECONNABORTED, EPROTO, a network
        // error).
    }
    return 0;
}

void acceptor::pause_accepting(int error) {
    paused_ = true;
    watch_.set(0);
    log_line(JL_LOG_WARNING,
             fmt::format("tcp-root: the listener on {} cannot accept connections now ({}); it tries again",
                         name_.text(), ::strerrordesc_np(error)));
}

// False: the kernel has no room for it.
bool acceptor::receive(arrival& from) {
    if (greeting_.size() >= limits_->handshake_limit) {
        evict_oldest();
    }
    auto who = std::make_shared<incoming>();
    who->number = ++last_number_;
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP;
    event.data.u64 = who->number;
    if (::epoll_ctl(set_->get(), EPOLL_CTL_ADD, from.fd.get(), &event) != 0) {
        return false;
    }
    who->fd = std::move(from.fd);
    who->peer = from.peer;
    peers_.emplace(who->number, who);
    greeting_.push_back(who);
    return true;
}

// It is listened to no longer; its descriptor goes on elsewhere or is about to be closed.
void acceptor::forget(const incoming_ptr& who) {
    if (peers_.erase(who->number) != 0 && who->fd) {
        ::epoll_ctl(set_->get(), EPOLL_CTL_DEL, who->fd.get(), nullptr);
    }
}

void acceptor::evict_oldest() {
    const auto oldest = greeting_.front();
    log_line(
        JL_LOG_INFO,
        fmt::format("tcp-root: dropped {}: more connections are in the handshake than handshake_limit allows",
                    oldest->peer.text()));
    drop(oldest);
}

// On the loop.
void acceptor::on_peers() {
    std::array<epoll_event, 64> events;
    lock_type lock(mutex_);
    const auto set = set_;
    if (closed_) {
        return;
    }
    lock.unlock();
    const int count = ::epoll_wait(set->get(), events.data(), static_cast<int>(events.size()), 0);
    lock.lock();
    for (int i = 0; i < count && !closed_; ++i) {
        const auto found = peers_.find(events[static_cast<std::size_t>(i)].data.u64);
        if (found != peers_.end()) {
            const incoming_ptr who = found->second;
            on_readable(lock, who);
        }
    }
    keep_ticking();
}

void acceptor::on_readable(lock_type& lock, const incoming_ptr& who) {
    if (std::ranges::find(greeting_, who) != greeting_.end()) {
        read_hello(lock, who);
    } else {
        // A queued joiner has nothing to say: it went away, or it breaks the protocol.
        withdraw(who);
    }
}

void acceptor::read_hello(lock_type& lock, const incoming_ptr& who) {
    who->reading = true;
    lock.unlock();
    const auto progress = who->reader.read_alone(who->fd.get());
    lock.lock();
    who->reading = false;
    if (closed_) {
        drop(who);
        return;
    }
    switch (progress) {
    case greeting_reader::progress::more: return;
    case greeting_reader::progress::whole: judge(who); return;
    case greeting_reader::progress::gone: drop(who); return;
    case greeting_reader::progress::bad: break;
    }
    const wire::fault fault = who->reader.why();
    log_line(JL_LOG_INFO, fmt::format("tcp-root: dropped {}: {}", who->peer.text(), wire::text(fault)));
    if (fault == wire::fault::foreign) {
        drop(who);
    } else {
        turn_away(who, fault == wire::fault::version ? wire::reason::version : wire::reason::malformed);
    }
}

void acceptor::judge(const incoming_ptr& who) {
    const wire::greeting& hello = who->reader.head();
    if (hello.what != wire::kind::hello) {
        turn_away(who, wire::reason::malformed);
    } else if (hello.who.control == mine_.control) {
        turn_away(who, wire::reason::role);
    } else if (hello.who.plane != mine_.plane) {
        turn_away(who, wire::reason::plane);
    } else if (queued_ >= backlog_) {
        turn_away(who, wire::reason::backlog);
    } else {
        enqueue(who);
    }
}

void acceptor::enqueue(const incoming_ptr& who) {
    greeting_.remove(who);
    waiting_.push_back(who);
    ++queued_;
    const auto data = who->reader.data();
    const auto qos = who->reader.qos();
    jl_request request{};
    request.struct_size = sizeof request;
    request.request = who.get();
    request.peer = who->peer.raw();
    request.peer_len = who->peer.size;
    request.caller_len = static_cast<std::uint32_t>(data.size());
    request.caller_data = data.empty() ? nullptr : data.data();
    request.callee_room = who->reader.head().callee_room;
    request.qos = qos ? &*qos : nullptr;
    host().accepted(listener_, &request);
    if (who->reader.is_followed()) {
        withdraw(who); // it breaks the protocol
    }
}

void acceptor::withdraw(const incoming_ptr& who) {
    if (std::ranges::find(waiting_, who) == waiting_.end() || who->gone) {
        return;
    }
    who->gone = true;
    who->noticed = true;
    --queued_;
    forget(who);
    who->fd.reset();
    host().withdrawn(listener_, who.get());
}

void acceptor::turn_away(const incoming_ptr& who, wire::reason why) {
    if (why == wire::reason::role || why == wire::reason::plane) {
        log_line(JL_LOG_WARNING,
                 fmt::format("tcp-root: refused {}: {}", who->peer.text(),
                             why == wire::reason::role ? "it has the same role in the control plane"
                                                       : "its session has the other data plane"));
    }
    send_last(who->fd.get(), make_refusal(mine_, WSAECONNREFUSED, why));
    forget(who);
    who->fd.reset();
    greeting_.remove(who);
}

void acceptor::drop(const incoming_ptr& who) {
    forget(who);
    tcp::abort(std::move(who->fd));
    greeting_.remove(who);
}

acceptor::incoming_ptr acceptor::extract(void* request) {
    const auto found =
        std::ranges::find_if(waiting_, [&](const incoming_ptr& who) { return who.get() == request; });
    if (found == waiting_.end()) {
        return nullptr;
    }
    auto who = *found;
    waiting_.erase(found);
    forget(who);
    if (!who->gone) {
        --queued_;
    }
    return who;
}

tl::expected<introduction, std::int32_t> acceptor::take(void* request) {
    const std::lock_guard hold(mutex_);
    const auto who = extract(request);
    if (!who || who->gone) {
        return tl::unexpected(WSAECONNRESET);
    }
    return introduction{std::move(who->fd), who->peer, who->reader.head()};
}

void acceptor::refuse(void* request, std::int32_t code) {
    const auto why = code == WSAEOPNOTSUPP ? wire::reason::qos : wire::reason::application;
    const std::lock_guard hold(mutex_);
    const auto who = extract(request);
    if (who && !who->gone) {
        send_last(who->fd.get(), make_refusal(mine_, code != 0 ? code : WSAECONNREFUSED, why));
        who->fd.reset();
    }
}

void acceptor::close() {
    const std::lock_guard hold(mutex_);
    if (closed_) {
        return;
    }
    closed_ = true;
    watch_.stop();
    peers_watch_.stop();
    fd_.reset();
    for (const auto& who : std::list<incoming_ptr>(greeting_)) {
        if (!who->reading) {
            drop(who);
        }
    }
    for (const auto& who : std::exchange(waiting_, {})) {
        if (!who->gone) {
            forget(who);
            send_last(who->fd.get(), make_refusal(mine_, WSAECONNREFUSED, wire::reason::closing));
            who->fd.reset();
        }
    }
    if (tick_) {
        post(loop_, [self = shared_from_this()] {
            const std::lock_guard again(self->mutex_);
            self->tick_.stop();
        });
    }
}

std::chrono::nanoseconds acceptor::tick_length() const {
    return std::clamp<std::chrono::nanoseconds>(limits_->handshake_timeout / 4, shortest_look, longest_look);
}

bool acceptor::needs_tick() const {
    return paused_ || !greeting_.empty() ||
           std::ranges::any_of(waiting_, [](const auto& who) { return !who->noticed; });
}

void acceptor::keep_ticking() {
    if (ticking_ || closed_ || !needs_tick()) {
        return;
    }
    if (tick_) {
        tick_.set(tick_length());
        ticking_ = true;
    } else {
        ticking_ = tick_.start(loop_, tick_length(), [self = shared_from_this()] { self->on_tick(); });
    }
}

void acceptor::on_tick() {
    const std::lock_guard hold(mutex_);
    if (closed_) {
        return;
    }
    ticking_ = false;
    if (std::exchange(paused_, false)) {
        watch_.set(JL_IN);
    }
    const auto now = clock::now();
    while (!greeting_.empty() && now - greeting_.front()->since >= limits_->handshake_timeout) {
        log_line(JL_LOG_INFO, fmt::format("tcp-root: dropped {}: no greeting within handshake_timeout",
                                          greeting_.front()->peer.text()));
        drop(greeting_.front());
    }
    for (const auto& who : waiting_) {
        tend(who, now);
    }
    keep_ticking();
}

void acceptor::tend(const incoming_ptr& who, clock::time_point now) {
    if (!who->gone && !who->noticed && now - who->since >= wait_notice_after) {
        who->noticed = true;
        send_last(who->fd.get(), make_wait_notice(mine_));
    }
}

} // namespace joinleaf::tcp_root
