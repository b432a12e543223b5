// SPDX-License-Identifier: Apache-2.0
#include "stream.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace joinleaf::tcp_root {
namespace {

// How often a closed socket is asked whether its data has arrived; the kernel has no event for it.
constexpr std::chrono::milliseconds linger_tick{10};

// Errors of connect that the network or the peer decided; they come as the outcome (JL-60 for connect).
bool is_outcome(int error) noexcept {
    return error == ECONNREFUSED || error == ENETUNREACH || error == EHOSTUNREACH || error == ETIMEDOUT ||
           error == ENETDOWN || error == ECONNRESET;
}

} // namespace

stream::stream(jl_handle* handle, std::shared_ptr<const settings> limits, int family, int fd)
    : endpoint(handle), limits_(std::move(limits)), family_(family), fd_(fd) {}

void stream::mark_connected() {
    const std::lock_guard hold(mutex_);
    peer_ = tcp::peer_name(fd_);
    connected_ = true;
}

std::int32_t stream::bind(const sockaddr* name, std::uint32_t length) {
    return tcp::bind(fd_, address::of(name, length));
}

std::int32_t stream::listen(std::int32_t backlog) {
    const std::lock_guard hold(mutex_);
    if (tcp::local_name(fd_).port() == 0) {
        return WSAEINVAL;
    }
    if (const auto code = tcp::listen(fd_, backlog); code != 0) {
        return code;
    }
    listening_ = true;
    return 0;
}

std::int32_t stream::connect(const jl_join* join) {
    const address target = address::of(join->name, join->name_len);
    if (target.family() != family_) {
        return WSAEAFNOSUPPORT;
    }
    if (target.is_any() || target.port() == 0) {
        return WSAEADDRNOTAVAIL;
    }
    std::unique_lock lock(mutex_);
    if (connecting_ || connected_) {
        return connecting_ ? WSAEALREADY : WSAEISCONN;
    }
    const int error = ::connect(fd_, target.raw(), target.size) == 0 ? 0 : errno;
    if (error != 0 && error != EINPROGRESS && !is_outcome(error)) {
        return jl_wsa_error(error);
    }
    peer_ = target;
    connecting_ = true;
    connect_op_ = join->op;
    if (error == EINPROGRESS) {
        return await_connection(lock);
    }
    settle(lock, jl_wsa_error(error));
    return 0;
}

std::int32_t stream::await_connection(std::unique_lock<std::mutex>&) {
    watched_.reset(::fcntl(fd_, F_DUPFD_CLOEXEC, 0));
    const auto self = std::static_pointer_cast<stream>(shared_from_this());
    const auto call = [self](std::uint32_t) { self->on_connected(); };
    if (!watched_ || !watch_.start(host().loop_of(handle()), watched_.get(), JL_OUT, call)) {
        connecting_ = false;
        tcp::dissolve(fd_);
        return watched_ ? WSAENOBUFS : WSAEMFILE;
    }
    return 0;
}

void stream::on_connected() {
    std::unique_lock lock(mutex_);
    if (connecting_ && !closing_) {
        settle(lock, tcp::take_error(fd_));
    }
}

// The outcome is told without the lock: the host may start the next attempt at once.
void stream::settle(std::unique_lock<std::mutex>& lock, std::int32_t code) {
    connecting_ = false;
    watch_.stop();
    watched_.reset();
    if (code == 0) {
        connected_ = true;
    } else {
        tcp::dissolve(fd_);
        explain(fmt::format("connect to {} failed", peer_.text()));
    }
    const std::uint64_t op = connect_op_;
    const upcall telling(*this);
    lock.unlock();
    tell_outcome(op, code);
}

void stream::tell_outcome(std::uint64_t op, std::int32_t code) {
    jl_outcome outcome{};
    outcome.struct_size = sizeof outcome;
    outcome.code = code;
    host().complete(handle(), op, &outcome);
}

void stream::cancel(std::uint64_t op) {
    std::unique_lock lock(mutex_);
    if (connecting_ && connect_op_ == op) {
        settle(lock, WSA_OPERATION_ABORTED);
    }
}

std::int32_t stream::accept(void* which, endpoint* child, const jl_answer*) {
    const std::lock_guard hold(mutex_);
    const auto found = std::ranges::find_if(requests_, [&](const request& r) { return &r == which; });
    if (found == requests_.end()) {
        return WSAEINVAL;
    }
    // A connection that nobody claimed is refused; TCP has connected long ago, so a reset is all that can be
    // said.
    if (child == nullptr) {
        tcp::abort(std::move(found->fd));
    }
    requests_.erase(found);
    return 0;
}

tl::expected<tcp::descriptor, std::int32_t> stream::claim(void* which) {
    const std::lock_guard hold(mutex_);
    const auto found = std::ranges::find_if(requests_, [&](const request& r) { return &r == which; });
    if (found == requests_.end()) {
        return tl::unexpected(WSAECONNRESET);
    }
    if (!found->fd) {
        found->fd.reset(::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!found->fd) {
            return tl::unexpected(errno == EAGAIN ? WSAECONNRESET : jl_wsa_error(errno));
        }
    }
    return std::move(found->fd);
}

std::int32_t stream::shutdown(std::int32_t how) {
    if (how != SD_RECEIVE && shut_out_.exchange(true) && how == SD_SEND) {
        return 0;
    }
    const bool was_connected = connected_.load();
    if (how == SD_RECEIVE && was_connected) {
        return 0; // the runtime receives no more; the kernel would show an end that the peer has not made (EV-44)
    }
    if (::shutdown(fd_, SHUT_WR) == 0) {
        return 0;
    }
    return errno == ENOTCONN && was_connected ? 0 : jl_wsa_error(errno);
}

void stream::close(std::uint32_t how) {
    {
        const std::lock_guard hold(mutex_);
        const bool again = std::exchange(closing_, true);
        if (told_) {
            return;
        }
        if (!again) {
            watch_.stop();
            watched_.reset();
            for (request& left : requests_) {
                tcp::abort(std::move(left.fd));
            }
            requests_.clear();
            tcp::retire(fd_);
        }
        if (how == JL_CLOSE_ABORT) {
            tcp::dissolve(fd_);
            aborted_ = true;
            if (again) {
                // The timer finds nothing unsent any more and says the last word on its loop.
                return;
            }
        } else if (again || begin_linger()) {
            return;
        }
        told_ = true;
    }
    report_closed();
}

// True: `closed` comes when the peer has everything, so that a lingering close can wait for it.
bool stream::begin_linger() {
    unsent_ = connected_ ? tcp::unsent(fd_) : 0;
    if (unsent_ == 0) {
        return false;
    }
    ::shutdown(fd_, SHUT_WR);
    progress_ = std::chrono::steady_clock::now();
    const auto self = std::static_pointer_cast<stream>(shared_from_this());
    return timer_.start(host().loop_of(handle()), linger_tick, [self] { self->on_linger(); });
}

void stream::on_linger() {
    {
        const std::lock_guard hold(mutex_);
        const auto now = std::chrono::steady_clock::now();
        const int left = aborted_ ? 0 : tcp::unsent(fd_);
        if (std::exchange(unsent_, left) != left) {
            progress_ = now;
        }
        // The kernel goes on trying by itself after that.
        if (left != 0 && now - progress_ < limits_->leaf_timeout) {
            timer_.set(linger_tick);
            return;
        }
        timer_.stop();
        told_ = true;
    }
    report_closed();
}

std::int32_t stream::name(std::uint32_t peer, sockaddr* name, std::uint32_t* length) {
    if (peer == 0) {
        const address local = tcp::local_name(fd_);
        return local.port() != 0 ? local.store(name, length) : WSAEINVAL;
    }
    const std::lock_guard hold(mutex_);
    return connected_ ? peer_.store(name, length) : WSAENOTCONN;
}

std::int32_t stream::set_option(std::int32_t level, std::int32_t name, const void* value, std::uint32_t size) {
    // Lingering is the runtime's: the kernel's would block in close.
    if (level == SOL_SOCKET && name == SO_LINGER) {
        return WSAENOPROTOOPT;
    }
    return ::setsockopt(fd_, level, name, value, size) == 0 ? 0 : jl_wsa_error(errno);
}

std::int32_t stream::get_option(std::int32_t level, std::int32_t name, void* value, std::uint32_t* size) {
    return ::getsockopt(fd_, level, name, value, size) == 0 ? 0 : jl_wsa_error(errno);
}

std::int32_t stream::ioctl(std::uint32_t code, const void*, std::uint32_t, void* out, std::uint32_t out_size,
                           std::uint32_t* bytes) {
    if (code == SIOCATMARK || code == JL_HOST_SIOCATMARK) {
        return store_count(is_past_expedited_data() ? 1 : 0, out, out_size, bytes);
    }
    if (!is_fionread(code)) {
        return code == SIO_MULTIPOINT_LOOPBACK ? WSAEINVAL : WSAEOPNOTSUPP;
    }
    int count = 0;
    if (::ioctl(fd_, JL_HOST_FIONREAD, &count) != 0) {
        return jl_wsa_error(errno);
    }
    return store_count(static_cast<std::uint64_t>(count), out, out_size, bytes);
}

// SIOCATMARK of Winsock: no expedited data waits, or it comes next.
bool stream::is_past_expedited_data() const noexcept {
    pollfd one{fd_, POLLPRI, 0};
    int at_mark = 0;
    return ::poll(&one, 1, 0) != 1 || (one.revents & POLLPRI) == 0 ||
           (::ioctl(fd_, JL_HOST_SIOCATMARK, &at_mark) == 0 && at_mark != 0);
}

std::int32_t stream::stats(jl_stats* out) {
    out->queued_bytes = static_cast<std::uint64_t>(tcp::unsent(fd_));
    return 0;
}

} // namespace joinleaf::tcp_root
