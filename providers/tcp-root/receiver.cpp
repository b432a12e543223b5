// SPDX-License-Identifier: Apache-2.0
#include "receiver.hpp"

#include "base.hpp"
#include "service.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace joinleaf::tcp_root {
namespace {

constexpr std::size_t first_capacity = 64u << 10;

// Below this the copy out of the buffer is cheaper than what a read that falls short costs.
constexpr std::size_t worth_direct = 16u << 10;

constexpr std::size_t direct_parts = 32;

} // namespace

void receiver::attach(int fd, const address& peer) noexcept {
    fd_ = fd;
    peer_ = peer;
}

std::optional<std::int32_t> receiver::end_now() const noexcept {
    return end_ ? end_ : socket_end_;
}

std::int32_t receiver::take(jl_msg* messages, std::uint32_t count, std::uint32_t* done, std::uint32_t* left) {
    *done = 0;
    *left = JL_LEFT_SOME;
    bool drained = false;
    for (;;) {
        while (*done < count && front_is_whole()) {
            jl_msg& message = messages[(*done)++];
            const bool peek = (message.flags & JL_MSG_PEEK) != 0;
            deliver(message);
            if (peek || (message.flags & JL_MSG_GAP) != 0) {
                *left = front_is_whole() ? JL_LEFT_SOME : JL_LEFT_UNKNOWN;
                return 0;
            }
        }
        if (*done == count || is_over() || drained || (*done != 0 && !full_)) {
            break;
        }
        const fill_result got = fill(&messages[*done]);
        *done += got == fill_result::direct ? 1 : 0;
        drained = got == fill_result::nothing;
    }
    const bool more = front_is_whole();
    if (!more && !end_now()) {
        *left = drained || !full_ ? JL_LEFT_NONE : JL_LEFT_UNKNOWN;
    }
    if (*done != 0) {
        return 0;
    }
    const auto ended = end_now();
    return !ended ? WSAEWOULDBLOCK : *ended == 0 ? WSAEDISCON : *ended;
}

std::int32_t receiver::check(std::int32_t* code) {
    for (;;) {
        if (discard_) {
            drop_messages();
        } else if (front_is_whole()) {
            return JL_READY;
        }
        if (const auto ended = end_now()) {
            *code = *ended;
            return JL_ENDED;
        }
        if (fill(nullptr) == fill_result::nothing && !is_over()) {
            return JL_ARMED;
        }
    }
}

std::uint64_t receiver::readable_bytes() {
    std::int32_t code = 0;
    if (discard_ || check(&code) != JL_READY) {
        return 0;
    }
    std::uint64_t sum = current_->what == wire::frame_kind::gap ? 0 : unread_;
    std::size_t at = first_ + unread_;
    while (last_ - at >= wire::frame_size) {
        const auto head = wire::decode_frame(
            std::span<const std::byte, wire::frame_size>(memory_.get() + at, wire::frame_size));
        if (!head || head->what != wire::frame_kind::message || last_ - at - wire::frame_size < head->size) {
            break;
        }
        sum += head->size - (head->has_source() ? wire::source_size : 0);
        at += wire::frame_size + head->size;
    }
    return sum;
}

// Takes the head of the next message off the buffer. False: it is not there yet, or nothing counts any more.
bool receiver::parse_head() {
    while (!current_ && !end_ && buffered() >= wire::frame_size) {
        const auto head = wire::decode_frame(
            std::span<const std::byte, wire::frame_size>(memory_.get() + first_, wire::frame_size));
        if (head && head->what == wire::frame_kind::qos) {
            if (!take_change(*head)) {
                return false;
            }
            continue;
        }
        first_ += wire::frame_size;
        if (!head) {
            end_ = WSAECONNABORTED;
        } else if (head->what != wire::frame_kind::message && head->what != wire::frame_kind::gap) {
            apply_control(*head);
        } else {
            current_ = head;
            has_source_ = !head->has_source();
            unread_ = head->size;
            began_ = false;
            direct_tried_ = false;
        }
    }
    if (current_ && !has_source_ && buffered() >= wire::source_size) {
        std::memcpy(source_.data(), memory_.get() + first_, wire::source_size);
        first_ += wire::source_size;
        unread_ -= wire::source_size;
        has_source_ = true;
    }
    return current_ && has_source_;
}

// False: it is not here whole.
bool receiver::take_change(const wire::frame& head) {
    if (buffered() < qos_frame_size) {
        return false;
    }
    const std::byte* const flows = memory_.get() + first_ + wire::frame_size;
    first_ += qos_frame_size;
    report_change(socket_, head, std::span<const std::byte, wire::qos_size>(flows, wire::qos_size));
    return true;
}

void receiver::apply_control(const wire::frame& head) {
    if (head.what == wire::frame_kind::end) {
        end_ = 0;
        peer_left_ = head.is_leaving();
    }
    // A root that wants no messages simply drops them; there is nothing to keep count of here. A beat has done
    // its work by coming.
}

bool receiver::front_is_whole() {
    return !discard_ && parse_head() && buffered() >= unread_;
}

void receiver::drop_messages() {
    while (parse_head()) {
        const std::size_t n = std::min(unread_, buffered());
        first_ += n;
        unread_ -= n;
        if (unread_ != 0) {
            break;
        }
        current_.reset();
    }
}

// The rest of the message is untouched, as JL_MSG_GAP has it.
void receiver::deliver_gap(jl_msg& message) noexcept {
    message.flags = JL_MSG_GAP;
    message.size = 0;
    message.gap =
        wire::decode_gap(std::span<const std::byte, wire::gap_size>(memory_.get() + first_, wire::gap_size));
    missing_ += message.gap;
    first_ += wire::gap_size;
    unread_ = 0;
    current_.reset();
}

void receiver::deliver(jl_msg& message) {
    if (current_->what == wire::frame_kind::gap) {
        deliver_gap(message);
        return;
    }
    const bool peek = (message.flags & JL_MSG_PEEK) != 0;
    const auto parts = parts_of(message);
    const std::size_t n = std::min(unread_, total(parts));
    if (n != 0) {
        scatter(parts, 0, {memory_.get() + first_, n});
    }
    message.size = n;
    message.flags = n < unread_ ? JL_MSG_REST : 0;
    store_source(message);
    if (!peek) {
        first_ += n;
        finish_message(n);
    }
}

void receiver::finish_message(std::size_t bytes) noexcept {
    taken_bytes_ += bytes;
    unread_ -= bytes;
    taken_messages_ += began_ ? 0 : 1;
    began_ = true;
    if (unread_ == 0) {
        current_.reset();
    }
}

void receiver::store_source(jl_msg& message) const noexcept {
    if (message.addr == nullptr) {
        return;
    }
    if (current_->has_source()) {
        message.addr_len = wire::decode_source(source_, message.addr, message.addr_len);
    } else if (peer_.store(message.addr, &message.addr_len) != 0) {
        message.addr_len = 0;
    }
}

receiver::fill_result receiver::fill(jl_msg* target) {
    if (is_over()) {
        return fill_result::nothing;
    }
    if (target != nullptr && current_ && has_source_ && suits_direct(*target)) {
        return read_direct(*target);
    }
    return read_buffered();
}

bool receiver::suits_direct(const jl_msg& target) const noexcept {
    return !direct_tried_ && !discard_ && unread_ - buffered() >= worth_direct &&
           (target.flags & JL_MSG_PEEK) == 0 && target.iov_count < direct_parts &&
           total(parts_of(target)) >= unread_;
}

receiver::fill_result receiver::read_direct(jl_msg& target) {
    direct_tried_ = true;
    const std::size_t have = buffered();
    const std::size_t rest = unread_ - have;
    std::array<iovec, direct_parts> parts;
    const std::size_t used = slice(parts_of(target), have, rest, parts.data());
    scatter(parts_of(target), 0, {memory_.get() + first_, have});
    // What follows the message goes to the buffer; the bytes that lie there are copied already.
    parts[used] = {memory_.get(), capacity_};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = used + 1;
    const ssize_t got = ::recvmsg(fd_, &message, MSG_DONTWAIT);
    note_read(got);
    if (got <= 0) {
        note_end(got, errno);
        return fill_result::nothing;
    }
    const auto n = static_cast<std::size_t>(got);
    full_ = n == rest + capacity_;
    if (n < rest) {
        regrow(unread_);
        collect(parts_of(target), 0, {memory_.get(), have + n});
        first_ = 0;
        last_ = have + n;
        return fill_result::data;
    }
    first_ = 0;
    last_ = n - rest;
    target.size = unread_;
    target.flags = 0;
    store_source(target);
    finish_message(unread_);
    return fill_result::direct;
}

receiver::fill_result receiver::read_buffered() {
    make_room();
    const ssize_t got = ::recv(fd_, memory_.get() + last_, capacity_ - last_, MSG_DONTWAIT);
    note_read(got);
    if (got <= 0) {
        note_end(got, errno);
        return fill_result::nothing;
    }
    full_ = static_cast<std::size_t>(got) == capacity_ - last_;
    last_ += static_cast<std::size_t>(got);
    return fill_result::data;
}

// Room for the rest of the message at the front, in one piece with what is there of it, and for something
// more.
void receiver::make_room() {
    const std::size_t whole = current_ ? unread_ + wire::frame_size : first_capacity;
    if (std::max(whole, first_capacity) > capacity_) {
        regrow(whole);
    }
    const bool short_of_room = capacity_ - first_ < whole || last_ == capacity_;
    if (first_ == last_ || short_of_room) {
        std::memmove(memory_.get(), memory_.get() + first_, buffered());
        last_ = buffered();
        first_ = 0;
    }
}

void receiver::regrow(std::size_t capacity) {
    capacity = std::max(capacity, first_capacity);
    if (capacity <= capacity_) {
        return;
    }
    auto larger = std::make_unique_for_overwrite<std::byte[]>(capacity);
    if (buffered() != 0) {
        std::memcpy(larger.get(), memory_.get() + first_, buffered());
    }
    last_ = buffered();
    first_ = 0;
    memory_ = std::move(larger);
    capacity_ = capacity;
}

void receiver::note_end(std::int64_t got, int error) noexcept {
    full_ = false;
    if (got == 0) {
        // Without an end frame it is what remains of a process that died (LC-04).
        socket_end_ = WSAECONNRESET;
    } else if (error != EAGAIN && error != EINTR) {
        socket_end_ = error == ECONNRESET || error == EPIPE ? WSAECONNRESET : WSAECONNABORTED;
    }
}

} // namespace joinleaf::tcp_root
