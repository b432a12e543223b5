// SPDX-License-Identifier: Apache-2.0
//
// Which datagrams leave together. Messages that follow each other to one destination and are of equal size
// become one super-packet (UDP_SEGMENT), which walks the stack once and is cut where it leaves it; all of that
// goes to the kernel in one system call. Lies on the stack, never allocates.
#pragma once

#include <joinleaf/provider.hpp>

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace joinleaf::udp_mcast {

// What a socket has learned about super-packets, and how it sends for the time being. Written by the sending
// direction.
struct segmentation {
    bool on = true;                 // false: switched off, or refused by the kernel or the device
    std::size_t largest = SIZE_MAX; // bytes of a datagram that may be part of one; above it the MTU says no
};

class send_plan {
  public:
    // source: the ancillary data of every datagram, may be empty; alive as long as the plan.
    send_plan(std::span<const char> source, const segmentation& allowed) noexcept
        : source_(source), allowed_(allowed) {}

    // Adds the next message; to: its destination, NULL for the kernel's peer. False: there is no room for it
    // in this system call.
    bool add(const jl_msg& message, sockaddr* to, socklen_t to_length) noexcept;

    // The datagrams and super-packets, ready for sendmmsg.
    [[nodiscard]] std::span<mmsghdr> packets() noexcept;

    // Messages in one of them, and the bytes of each; the last one may have fewer.
    [[nodiscard]] std::uint32_t messages_in(std::size_t packet) const noexcept { return runs_[packet].count; }
    [[nodiscard]] std::size_t segment_of(std::size_t packet) const noexcept { return runs_[packet].size; }

  private:
    struct run {
        std::uint32_t count;
        std::size_t size;  // of each message but perhaps the last
        std::size_t bytes; // of all
        bool complete;     // takes no more messages
    };
    // The call's own cost no longer shows beyond this many packets; a super-packet has at most so many
    // datagrams on every kernel that knows them.
    static constexpr std::size_t most_packets = 64;
    static constexpr std::uint32_t most_segments = 64;
    static constexpr std::size_t most_bytes = 65'000; // below what a 16-bit length leaves with both headers
    static constexpr std::size_t most_pieces = 512;
    static constexpr std::size_t note_room =
        CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(std::uint16_t));
    struct alignas(cmsghdr) note_bytes {
        std::array<char, note_room> bytes;
    };
    // Small messages are copied side by side: the kernel reads one long piece faster than many short ones.
    static constexpr std::size_t small = 256;
    static constexpr std::size_t small_room = most_segments * small;

    bool joins_last(std::size_t size, const sockaddr* to, socklen_t to_length) const noexcept;
    bool add_pieces(const jl_msg& message, std::size_t size, bool joins) noexcept;
    void write_note(std::size_t packet) noexcept;

    std::span<const char> source_;
    const segmentation& allowed_;
    std::size_t packet_count_ = 0;
    std::size_t piece_count_ = 0;
    // Left as they are until they are needed.
    std::array<run, most_packets> runs_;
    std::array<mmsghdr, most_packets> packets_;
    std::array<note_bytes, most_packets> notes_;
    std::array<iovec, most_pieces> pieces_;
    std::size_t small_bytes_ = 0;
    std::array<char, small_room> small_;
};

} // namespace joinleaf::udp_mcast
