// SPDX-License-Identifier: Apache-2.0
//
// The bare system calls: what the kernel gives to a program that does nothing else.
#include "raw_socket.hpp"
#include "technique.hpp"

#include <netinet/udp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace bench {

namespace {

constexpr std::size_t burst = 64;          // datagrams of one system call
constexpr std::size_t largest = 65000;     // bytes of one super-packet
constexpr std::size_t packed_bytes = 1452; // of one datagram of packed messages

void send_singly(const shape& how, window& shared) {
    const raw_socket to = raw_socket::unconnected(how);
    const std::vector<char> message(how.size, 'x');
    std::uint64_t sent = 0;
    pace sending(shared);
    for (; sending.admits(sent, 1); ++sent) {
        to.send_to_group(message);
    }
    shared.sent = sent;
}

void receive_singly(const shape& how, window& shared, int lane) {
    const raw_socket from = raw_socket::receiver(how);
    std::vector<char> room(65536);
    tally counted(shared, lane);
    while (counted.expects_more()) {
        if (::recv(from.fd(), room.data(), room.size(), 0) >= 0) {
            counted.add(1);
        }
    }
}

void send_many(const shape& how, window& shared) {
    const raw_socket to = raw_socket::sender(how);
    std::vector<char> message(how.size, 'x');
    std::array<iovec, burst> pieces;
    std::array<mmsghdr, burst> headers{};
    for (std::size_t i = 0; i < burst; ++i) {
        pieces[i] = {message.data(), message.size()};
        headers[i].msg_hdr.msg_iov = &pieces[i];
        headers[i].msg_hdr.msg_iovlen = 1;
    }
    std::uint64_t sent = 0;
    pace sending(shared);
    while (sending.admits(sent, burst)) {
        sent += static_cast<std::uint64_t>(to.must(::sendmmsg(to.fd(), headers.data(), burst, 0)));
    }
    shared.sent = sent;
}

void receive_many(const shape& how, window& shared, int lane) {
    const raw_socket from = raw_socket::receiver(how);
    std::vector<char> room(burst * 2048);
    std::array<iovec, burst> pieces;
    std::array<mmsghdr, burst> headers{};
    for (std::size_t i = 0; i < burst; ++i) {
        pieces[i] = {room.data() + i * 2048, 2048};
        headers[i].msg_hdr.msg_iov = &pieces[i];
        headers[i].msg_hdr.msg_iovlen = 1;
    }
    tally counted(shared, lane);
    while (counted.expects_more()) {
        const int got = ::recvmmsg(from.fd(), headers.data(), burst, MSG_WAITFORONE, nullptr);
        if (got > 0) {
            counted.add(static_cast<std::uint64_t>(got));
        }
    }
}

// Datagrams of `size` bytes, as many as a super-packet takes, each of `each` messages. fill: writes one of them.
template <class Fill>
void send_segmented(const shape& how, window& shared, std::size_t size, std::uint64_t each, Fill fill) {
    const raw_socket to = raw_socket::sender(how);
    const auto segments = std::min(burst, largest / size);
    std::vector<char> all(size * segments, 'x');
    iovec piece{all.data(), all.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint16_t))> notes{};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = notes.data();
    header.msg_controllen = notes.size();
    auto* const note = CMSG_FIRSTHDR(&header);
    note->cmsg_level = SOL_UDP;
    note->cmsg_type = UDP_SEGMENT;
    note->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
    const auto segment = static_cast<std::uint16_t>(size);
    std::memcpy(CMSG_DATA(note), &segment, sizeof segment);
    std::uint64_t sent = 0;
    pace sending(shared);
    for (; sending.admits(sent, segments * each); sent += segments * each) {
        for (std::size_t i = 0; i < segments; ++i) {
            fill(all.data() + i * size);
        }
        to.must(::sendmsg(to.fd(), &header, 0));
    }
    shared.sent = sent;
}

void send_offloaded(const shape& how, window& shared) {
    send_segmented(how, shared, how.size, 1, [](char*) {});
}

// Messages of a datagram, each with its length in two bytes before it: the least that keeps their boundaries.
std::uint64_t packed_each(const shape& how) {
    return packed_bytes / (how.size + 2);
}

void send_packed(const shape& how, window& shared) {
    const std::vector<char> message(how.size, 'x');
    const auto length = static_cast<std::uint16_t>(how.size);
    const auto each = packed_each(how);
    send_segmented(how, shared, each * (how.size + 2), each, [&](char* to) {
        for (std::uint64_t i = 0; i < each; ++i, to += message.size() + 2) {
            std::memcpy(to, &length, sizeof length);
            std::memcpy(to + 2, message.data(), message.size());
        }
    });
}

// messages_in: how many a super-packet holds.
template <class Count> void receive_segments(const shape& how, window& shared, int lane, Count messages_in) {
    const raw_socket from = raw_socket::receiver(how);
    from.set(SOL_UDP, UDP_GRO, 1);
    std::vector<char> room(65536);
    tally counted(shared, lane);
    while (counted.expects_more()) {
        const auto got = ::recv(from.fd(), room.data(), room.size(), 0);
        if (got > 0) {
            counted.add(messages_in(room.data(), static_cast<std::size_t>(got)));
        }
    }
}

void receive_offloaded(const shape& how, window& shared, int lane) {
    receive_segments(how, shared, lane, [&](const char*, std::size_t size) -> std::uint64_t {
        return (size + how.size - 1) / how.size;
    });
}

// Finds each message; whoever wants to keep it has to copy it besides.
void receive_packed(const shape& how, window& shared, int lane) {
    receive_segments(how, shared, lane, [](const char* bytes, std::size_t size) {
        std::uint64_t count = 0;
        for (std::size_t at = 0; at + 2 <= size; ++count) {
            std::uint16_t length = 0;
            std::memcpy(&length, bytes + at, sizeof length);
            at += sizeof length + length;
        }
        return count;
    });
}

// ---- round trips

constexpr std::uint16_t back = 1; // added to the port for the way back

shape returning(shape how) {
    how.port = static_cast<std::uint16_t>(how.port + back);
    return how;
}

void receive_one(const raw_socket& from, char* room, std::size_t size, int flags) {
    while (::recv(from.fd(), room, size, flags) < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            throw failure(std::string("recv: ") + std::strerror(errno));
        }
    }
}

void ask(const shape& how, window& shared, int flags) {
    const raw_socket to = raw_socket::unconnected(how);
    const raw_socket from = raw_socket::receiver(returning(how));
    std::vector<char> message(how.size, 'x');
    std::vector<std::int64_t> trips;
    for (int i = 0; i < trips_to_warm_up + trips_of_a_round; ++i) {
        const auto start = now_ns();
        to.send_to_group(message);
        receive_one(from, message.data(), message.size(), flags);
        if (i >= trips_to_warm_up) {
            trips.push_back(now_ns() - start);
        }
    }
    store_trips(shared, std::move(trips));
}

void answer(const shape& how, window& shared, int flags) {
    const raw_socket from = raw_socket::receiver(how);
    const raw_socket to = raw_socket::unconnected(returning(how));
    std::vector<char> message(how.size, 'x');
    shared.lanes[0].listening = true;
    for (int i = 0; i < trips_to_warm_up + trips_of_a_round; ++i) {
        receive_one(from, message.data(), message.size(), flags);
        to.send_to_group(message);
    }
}

} // namespace

void store_trips(window& shared, std::vector<std::int64_t> trips) {
    std::sort(trips.begin(), trips.end());
    const auto at = [&](double part) {
        return static_cast<double>(trips[static_cast<std::size_t>(static_cast<double>(trips.size()) * part)]) /
               1000.0;
    };
    double sum = 0;
    for (const auto one : trips) {
        sum += static_cast<double>(one);
    }
    shared.trip_us = {at(0.5), at(0.9), at(0.99), sum / static_cast<double>(trips.size()) / 1000.0};
}

std::vector<technique> raw_techniques() {
    return {{"raw sendto/recv", send_singly, receive_singly},
            {"raw sendmmsg/recvmmsg", send_many, receive_many},
            {"raw GSO/recvmmsg", send_offloaded, receive_many},
            {"raw GSO+GRO", send_offloaded, receive_offloaded},
            {"raw pack+GSO+GRO", send_packed, receive_packed, true}};
}

std::vector<round_trip> raw_round_trips() {
    return {{"raw blocking", [](const shape& how, window& shared) { ask(how, shared, 0); },
             [](const shape& how, window& shared) { answer(how, shared, 0); }, "raw blocking"},
            {"raw busy", [](const shape& how, window& shared) { ask(how, shared, MSG_DONTWAIT); },
             [](const shape& how, window& shared) { answer(how, shared, MSG_DONTWAIT); }, "raw busy"}};
}

} // namespace bench
