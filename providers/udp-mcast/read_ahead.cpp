// SPDX-License-Identifier: Apache-2.0
#include "read_ahead.hpp"

#include "ancillary.hpp"

#include <netinet/udp.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>

namespace joinleaf::udp_mcast {

namespace {

// Datagrams that one receive of an array must bring, or receives of one datagram that must find something in a
// row, before it is worth looking whether they come as super-packets. Ping-pong stays below both.
constexpr std::uint32_t pile = 8;
constexpr std::uint32_t look_every = 16;
constexpr std::uint32_t looks = 2;

} // namespace

bool read_ahead::piles_up() noexcept {
    pollfd asked{fd_, POLLIN, 0};
    return ::poll(&asked, 1, 0) > 0;
}

void read_ahead::note(std::uint32_t count, std::uint32_t wanted) noexcept {
    if (!allowed_ || on() || refused_.load(std::memory_order_relaxed)) {
        return;
    }
    if (should_switch_.load(std::memory_order_relaxed)) {
        should_switch_.store(false, std::memory_order_relaxed);
        switch_on();
        return;
    }
    if (count == 0) {
        streak_ = 0;
        piled_ = 0;
    } else if (wanted > 1) {
        if (count >= pile) {
            switch_on();
        }
    } else if (++streak_ % look_every == 0) {
        piled_ = piles_up() ? piled_ + 1 : 0;
        if (piled_ == looks) {
            switch_on();
        }
    }
}

void read_ahead::note_waited() noexcept {
    if (!allowed_ || refused_.load(std::memory_order_relaxed) ||
        (waited_.fetch_add(1, std::memory_order_relaxed) + 1) % look_every != 0) {
        return;
    }
    waited_piles_.store(piles_up() ? waited_piles_.load(std::memory_order_relaxed) + 1 : 0,
                        std::memory_order_relaxed);
    if (waited_piles_.load(std::memory_order_relaxed) >= looks) {
        should_switch_.store(true, std::memory_order_relaxed);
    }
}

void read_ahead::switch_on() noexcept {
    on_.store(true); // before it looks at those who wait, as these look at it after they have come
    if (waiting_.load() > 0) {
        on_.store(false);
        return;
    }
    const int yes = 1;
    bytes_.reset(new (std::nothrow) char[room]);
    if (bytes_ == nullptr || ::setsockopt(fd_, SOL_UDP, UDP_GRO, &yes, sizeof yes) != 0) {
        // A kernel without it; asking once is enough.
        refused_.store(true, std::memory_order_relaxed);
        bytes_.reset();
        on_.store(false);
        return;
    }
    gathers_.store(true, std::memory_order_relaxed);
}

void read_ahead::start() {
    bytes_ = std::make_unique_for_overwrite<char[]>(room);
    const int yes = 1;
    if (allowed_ && ::setsockopt(fd_, SOL_UDP, UDP_GRO, &yes, sizeof yes) == 0) {
        gathers_.store(true, std::memory_order_relaxed);
    }
    on_.store(true, std::memory_order_relaxed);
}

int read_ahead::fetch() noexcept {
    iovec whole{bytes_.get(), room};
    note_space notes;
    msghdr header{&source_, sizeof source_, &whole, 1, notes.bytes.data(), notes.bytes.size(), 0};
    const auto got = ::recvmsg(fd_, &header, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0) {
        return errno;
    }
    at_ = 0;
    end_ = static_cast<std::size_t>(got);
    segment_ = segment_of(header);
    segment_ = segment_ == 0 ? end_ : segment_;
    kind_ = segment_ < end_ ? segment_ : 0;
    source_length_ = header.msg_namelen;
    group_ = came_to_group(header);
    held_ = true;
    show_next();
    return 0;
}

std::uint32_t read_ahead::hand_out(std::span<jl_msg> messages, int& error) noexcept {
    constexpr std::size_t most = 64; // datagrams of a super-packet, on every kernel that gathers them
    std::array<iovec, most + 1> places;
    std::size_t count = 0;
    for (; count < std::min(messages.size(), most); ++count) {
        const auto& to = messages[count];
        if (to.iov_count != 1 || to.iov->iov_len < kind_) {
            break;
        }
        places[count] = {to.iov->iov_base, kind_};
    }
    error = 0;
    if (kind_ == 0 || count < 2) {
        return 0;
    }
    places[count] = {bytes_.get(), room};
    note_space notes;
    msghdr header{&source_, sizeof source_, places.data(), count + 1, notes.bytes.data(), notes.bytes.size(),
                  0};
    const auto got = ::recvmsg(fd_, &header, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0) {
        error = errno;
        return 0;
    }
    if (segment_of(header) != kind_) {
        kind_ = 0;
        return 0; // the buffers have been written to, but nothing was handed out
    }
    source_length_ = header.msg_namelen;
    group_ = came_to_group(header);
    segment_ = kind_;
    auto left = static_cast<std::size_t>(got);
    std::uint32_t done = 0;
    for (; done < count && left > 0; ++done) {
        describe(messages[done]);
        messages[done].size = std::min(left, kind_);
        left -= messages[done].size;
    }
    at_ = 0;
    end_ = left;
    held_ = left > 0;
    if (held_) {
        show_next();
    } else if (error = discard(); error != 0) { // told once, and then the way is free
        discard();
    }
    return done;
}

std::size_t read_ahead::left() const noexcept {
    return !held_
               ? 0
               : std::max<std::size_t>(1, (end_ - at_ + segment_ - 1) / std::max<std::size_t>(1, segment_));
}

void read_ahead::forget() noexcept {
    held_ = false;
    next_.store(-1, std::memory_order_relaxed);
}

int read_ahead::discard() noexcept {
    if (::recv(fd_, nullptr, 0, MSG_TRUNC | MSG_DONTWAIT) < 0) {
        return errno;
    }
    note_taken();
    return 0;
}

int read_ahead::await() noexcept {
    const auto taken = taken_.load(); // before the look, so that a take beside it shows
    note_space notes;
    msghdr header{};
    header.msg_control = notes.bytes.data();
    header.msg_controllen = notes.bytes.size();
    if (::recvmsg(fd_, &header, MSG_PEEK) < 0) {
        return errno;
    }
    if (segment_of(header) == 0) {
        lone_after_.store(taken);
    }
    return 0;
}

void read_ahead::copy_to(jl_msg& message) const noexcept {
    std::size_t left = size();
    const char* from = bytes_.get() + at_;
    for (std::uint32_t i = 0; i < message.iov_count && left > 0; ++i) {
        const auto part = std::min(left, message.iov[i].iov_len);
        if (part > 0) {
            std::memcpy(message.iov[i].iov_base, from, part);
        }
        from += part;
        left -= part;
    }
    describe(message);
    message.flags |= left > 0 ? JL_MSG_CUT : 0U;
    message.size = size() - left;
}

void read_ahead::describe(jl_msg& message) const noexcept {
    message.flags = (message.flags & JL_MSG_PEEK) | (group_ ? JL_MSG_GROUP : 0U);
    message.addr_len = message.addr == nullptr ? 0 : std::min<std::uint32_t>(message.addr_len, source_length_);
    if (message.addr_len > 0) {
        std::memcpy(message.addr, &source_, message.addr_len);
    }
}

int read_ahead::step() noexcept {
    if (at_ + size() < end_) {
        at_ += size();
        show_next();
        return 0;
    }
    const int error = discard();
    if (error == 0) {
        forget();
    }
    return error;
}

int read_ahead::next_size() const noexcept {
    if (const int known = next_.load(std::memory_order_relaxed); known >= 0) {
        return known;
    }
    return static_cast<int>(std::max<ssize_t>(look({}), 0));
}

ssize_t read_ahead::look(std::span<char> start) const noexcept {
    note_space notes;
    iovec piece{start.data(), start.size()};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = notes.bytes.data();
    header.msg_controllen = notes.bytes.size();
    const auto got = ::recvmsg(fd_, &header, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    const auto segment = static_cast<ssize_t>(segment_of(header));
    return segment > 0 ? std::min(segment, got) : got;
}

} // namespace joinleaf::udp_mcast
