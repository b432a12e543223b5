// SPDX-License-Identifier: Apache-2.0
#include "line.hpp"

#include "station.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <endian.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace joinleaf::rdma::ofi {
namespace {

// Control messages that a peer does not take any more: it has stopped to read.
constexpr std::size_t backlog_max = 256u << 10;

// ER-20: an unreachable host is an unreachable network to a join. A connection that ends in the handshake is a refusal.
std::int32_t connect_code(int error) noexcept {
    switch (error) {
    case EHOSTUNREACH:
    case EHOSTDOWN: return WSAENETUNREACH;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED: return WSAECONNREFUSED;
    default: return jl_wsa_error(error);
    }
}

} // namespace

line::line(station& where, tcp::descriptor fd, bool connecting, bool keeps_port, const address& target)
    : station_(where),
      fd_(std::move(fd)),
      connecting_(connecting),
      keeps_port_(keeps_port),
      accepted_(!connecting),
      target_(target) {}

void line::control(std::span<const std::byte> message) {
    if (out_.size() > backlog_max || broken_) {
        break_off(WSAECONNABORTED);
        return;
    }
    const std::uint32_t size = htobe32(static_cast<std::uint32_t>(message.size()));
    const auto* const bytes = reinterpret_cast<const std::byte*>(&size);
    out_.insert(out_.end(), bytes, bytes + sizeof size);
    out_.insert(out_.end(), message.begin(), message.end());
    if (!connecting_) {
        write();
    }
}

void line::write() {
    const ssize_t sent = ::send(fd_.get(), out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
        out_.erase(out_.begin(), out_.begin() + sent);
    }
    // Errors show when the connection is read.
    station_.watch_line(*this, out_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

std::vector<std::byte> line::data_address() {
    return station_.data_address(*this);
}

std::int32_t line::attach(std::span<const std::byte> data_address) {
    const auto found = station_.attach(*this, data_address);
    if (!found) {
        return found.error();
    }
    destination_ = *found;
    if (accepted_) {
        station_.expect_opening();
    }
    return 0;
}

void line::opened() {
    if (accepted_ && destination_) {
        station_.note_opening();
    }
}

posted line::post(std::span<const std::byte> head, std::span<const std::byte> body, std::uint64_t cookie) {
    return broken_ ? posted::broken : station_.post(*this, head, body, cookie);
}

void line::close(bool abort) {
    retire();
    if (abort) {
        tcp::reset_on_close(fd_.get());
    }
    owner_ = nullptr;
    station_.bury(*this);
}

void line::break_off(std::int32_t code) noexcept {
    broken_ = broken_.value_or(code);
    ::shutdown(fd_.get(), SHUT_RDWR);
}

void line::on_ready() {
    if (connecting_) {
        finish_connect();
        return;
    }
    if (!out_.empty()) {
        write();
    }
    read();
}

void line::finish_connect() {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }
    if (error == 0 && tcp::peer_name(fd_.get()).size == 0) {
        return; // not yet
    }
    if (error != 0) {
        go_down({connect_code(error), ::strerrordesc_np(error)});
        return;
    }
    connecting_ = false;
    station_.watch_line(*this, EPOLLIN);
    owner_->on_up();
}

void line::read() {
    while (owner_ != nullptr) {
        const ssize_t got = ::recv(fd_.get(), in_.data() + have_, in_.size() - have_, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (got <= 0) {
            const int error = got < 0 ? errno : 0;
            // EV-42: a timeout is an abort; an end without goodbye is what remains of a process that died (LC-04).
            const bool aborted = error != 0 && error != ECONNRESET && error != EPIPE;
            go_down({broken_.value_or(aborted ? WSAECONNABORTED : WSAECONNRESET), "the connection ended"});
            return;
        }
        have_ += static_cast<std::size_t>(got);
        if (!deliver()) {
            return;
        }
    }
}

// False: the owner has closed this line, or it has gone down.
bool line::deliver() {
    std::size_t at = 0;
    while (have_ - at >= 4) {
        std::uint32_t size = 0;
        std::memcpy(&size, in_.data() + at, sizeof size);
        size = be32toh(size);
        if (size > wire::control_max) {
            // What no message can be, is shown to the owner as it is.
            owner_->on_control(std::span(in_).subspan(at, std::min<std::size_t>(have_ - at, 16)));
            if (owner_ != nullptr) {
                go_down({WSAECONNABORTED, "it does not speak the protocol of rdma"});
            }
            return false;
        }
        if (have_ - at < 4 + size) {
            break;
        }
        owner_->on_control(std::span(in_).subspan(at + 4, size));
        if (owner_ == nullptr) {
            return false;
        }
        at += 4 + size;
    }
    std::memmove(in_.data(), in_.data() + at, have_ - at);
    have_ -= at;
    return true;
}

// By value: the caller's may be this line's own, which goes.
void line::go_down(failure why) { // NOLINT(performance-unnecessary-value-param)
    link_owner* const told = std::exchange(owner_, nullptr);
    station_.bury(*this);
    if (told != nullptr) {
        told->on_down(why);
    }
}

} // namespace joinleaf::rdma::ofi
