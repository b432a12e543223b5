// SPDX-License-Identifier: Apache-2.0
#include "sender.hpp"

#include "tcp.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <sys/socket.h>

namespace joinleaf::tcp_root {
namespace {

constexpr std::size_t messages_a_call = 64;

std::int32_t check(const jl_msg& message) noexcept {
    if ((message.flags & (JL_MSG_OOB | JL_MSG_PART)) != 0) {
        return WSAEOPNOTSUPP;
    }
    return total(parts_of(message)) > wire::message_max ? WSAEMSGSIZE : 0;
}

} // namespace

wire::frame_bytes sender::head_of(const jl_msg& message) const noexcept {
    const auto size = static_cast<std::uint32_t>(total(parts_of(message)));
    return wire::encode(wire::frame{wire::frame_kind::message, flags_, size});
}

// Frames of several messages as one array for the kernel.
struct sender::batch {
    std::array<wire::frame_bytes, messages_a_call> heads;
    std::array<iovec, tcp::parts_a_call> parts;
    std::array<std::size_t, messages_a_call> ends; // bytes up to the end of each frame
    std::size_t messages = 0;
    std::size_t used = 0;
    std::size_t bytes = 0;
};

std::int32_t sender::send(jl_msg* messages, std::uint32_t count, std::uint32_t* done) {
    *done = 0;
    while (*done < count) {
        if (!flush()) {
            break;
        }
        const std::uint32_t before = *done;
        const std::int32_t code = send_batch({messages + before, messages + count}, *done);
        if (code != 0) {
            return *done != 0 ? 0 : code;
        }
        if (*done == before) {
            break;
        }
    }
    return *done != 0 ? 0 : error_ != 0 ? error_ : WSAEWOULDBLOCK;
}

// Adds how many were taken to done.
std::int32_t sender::send_batch(std::span<jl_msg> messages, std::uint32_t& done) {
    if (messages.front().iov_count >= tcp::parts_a_call) {
        if (const auto code = check(messages.front()); code != 0) {
            return code;
        }
        send_scattered(messages.front());
        ++done;
        return 0;
    }
    batch out;
    if (const auto code = gather(messages, out); code != 0) {
        return code;
    }
    std::size_t sent = 0;
    push(sent, out.parts.data(), out.used);
    done += account(messages, out, sent);
    return 0;
}

// As many messages as fit, up to the first one that cannot be sent; its code if that is the very first.
std::int32_t sender::gather(std::span<jl_msg> messages, batch& out) const {
    for (jl_msg& message : messages) {
        if (out.messages == messages_a_call || out.used + 1 + message.iov_count > tcp::parts_a_call) {
            break;
        }
        if (const auto code = check(message); code != 0) {
            return out.messages == 0 ? code : 0;
        }
        auto& head = out.heads[out.messages];
        head = head_of(message);
        out.parts[out.used++] = {head.data(), head.size()};
        for (const iovec& part : parts_of(message)) {
            out.parts[out.used++] = part;
        }
        out.bytes += head.size() + total(parts_of(message));
        out.ends[out.messages++] = out.bytes;
    }
    return 0;
}

std::uint32_t sender::account(std::span<jl_msg> messages, const batch& what, std::size_t sent) {
    std::uint32_t taken = 0;
    for (std::size_t begin = 0; taken < what.messages && sent > begin; begin = what.ends[taken++]) {
        count(messages[taken]);
        if (sent < what.ends[taken]) {
            keep_rest(what, sent, what.ends[taken]);
        }
    }
    return taken;
}

void sender::count(jl_msg& message) noexcept {
    message.size = total(parts_of(message));
    ++sent_messages_;
    sent_bytes_ += message.size;
}

void sender::keep_rest(const batch& what, std::size_t sent, std::size_t upto) {
    kept_.resize(upto - sent);
    kept_sent_ = 0;
    collect({what.parts.data(), what.used}, sent, kept_);
}

// More pieces than the kernel takes in one call: put together first.
void sender::send_scattered(jl_msg& message) {
    queue(head_of(message));
    for (const iovec& part : parts_of(message)) {
        queue(bytes_of(part));
    }
    count(message);
    flush();
}

void sender::queue(std::span<const std::byte> bytes) {
    if (kept() == 0) {
        kept_.clear();
        kept_sent_ = 0;
    }
    kept_.insert(kept_.end(), bytes.begin(), bytes.end());
}

bool sender::flush() {
    while (kept() != 0 && error_ == 0) {
        const iovec part{kept_.data() + kept_sent_, kept()};
        std::size_t sent = 0;
        if (!push(sent, &part, 1)) {
            break;
        }
        kept_sent_ += sent;
    }
    return kept() == 0 && error_ == 0;
}

// False: nothing was sent.
bool sender::push(std::size_t& sent, const iovec* parts, std::size_t count) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);
    message.msg_iovlen = count;
    ssize_t n = 0;
    do {
        n = ::sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        if (errno != EAGAIN) {
            error_ = errno == ECONNRESET || errno == EPIPE ? WSAECONNRESET : WSAECONNABORTED;
        }
        return false;
    }
    sent = static_cast<std::size_t>(n);
    pushed_bytes_ += sent;
    return true;
}

} // namespace joinleaf::tcp_root
