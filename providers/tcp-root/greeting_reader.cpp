// SPDX-License-Identifier: Apache-2.0
#include "greeting_reader.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <sys/socket.h>

namespace joinleaf::tcp_root {

greeting_reader::progress greeting_reader::fill(int fd, std::span<std::byte> room) {
    while (have_ < room.size()) {
        const ssize_t n = ::recv(fd, room.data() + have_, room.size() - have_, MSG_DONTWAIT);
        if (n > 0) {
            have_ += static_cast<std::size_t>(n);
            continue;
        }
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            return progress::more;
        }
        error_ = n == 0 ? 0 : errno;
        return progress::gone;
    }
    return progress::whole;
}

greeting_reader::progress greeting_reader::read_head(int fd) {
    if (const auto state = fill(fd, fixed_); state != progress::whole) {
        // A foreign peer is told by its first bytes; it need not send as many as a greeting has.
        return state == progress::more && !wire::may_be_greeting(std::span(fixed_).first(have_))
                   ? progress::bad
                   : state;
    }
    return understand_head();
}

greeting_reader::progress greeting_reader::understand_head() {
    const auto head = wire::decode(fixed_);
    if (!head) {
        fault_ = head.error();
        return progress::bad;
    }
    head_ = *head;
    has_head_ = true;
    have_ = 0;
    rest_.resize(head_.rest());
    return progress::whole;
}

greeting_reader::progress greeting_reader::read_alone(int fd) {
    if (has_head_ || have_ != 0) {
        return read(fd);
    }
    std::array<std::byte, 512> first;
    const ssize_t n = ::recv(fd, first.data(), first.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return progress::more;
    }
    if (n <= 0) {
        error_ = n == 0 ? 0 : errno;
        return progress::gone;
    }
    const auto got = std::span(first).first(static_cast<std::size_t>(n));
    have_ = std::min(got.size(), fixed_.size());
    std::ranges::copy(got.first(have_), fixed_.begin());
    if (have_ < fixed_.size()) {
        return wire::may_be_greeting(std::span(fixed_).first(have_)) ? progress::more : progress::bad;
    }
    if (const auto state = understand_head(); state != progress::whole) {
        return state;
    }
    const auto behind = got.subspan(fixed_.size());
    is_followed_ = behind.size() > rest_.size();
    have_ = std::min(behind.size(), rest_.size());
    std::ranges::copy(behind.first(have_), rest_.begin());
    return have_ == rest_.size() ? progress::whole : fill(fd, rest_);
}

greeting_reader::progress greeting_reader::read(int fd) {
    if (!has_head_) {
        if (const auto state = read_head(fd); state != progress::whole) {
            return state;
        }
    }
    return fill(fd, rest_);
}

std::optional<QOS> greeting_reader::qos() const noexcept {
    if (!head_.has_qos) {
        return std::nullopt;
    }
    return wire::decode_qos(
        std::span<const std::byte, wire::qos_size>(rest_.data() + head_.data_size, wire::qos_size));
}

void greeting_reader::restart() noexcept {
    rest_.clear();
    have_ = 0;
    has_head_ = false;
}

} // namespace joinleaf::tcp_root
