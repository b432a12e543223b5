// SPDX-License-Identifier: Apache-2.0
//
// The ioctls. Checks of sizes hold also where the runtime has made them already.
#include "endpoint.hpp"

#include <sys/ioctl.h>

#include <linux/sockios.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

namespace joinleaf::udp_mcast {

namespace {

// Microsoft's extension of its UDP: whether an unreachable port is told to the receiver.
constexpr std::uint32_t sio_udp_connreset = 0x9800000c;

std::optional<std::int32_t> number(const void* in, std::uint32_t length) noexcept {
    std::int32_t value = 0;
    if (in == nullptr || length < sizeof value) {
        return std::nullopt;
    }
    std::memcpy(&value, in, sizeof value);
    return value;
}

std::int32_t answer(const void* from, std::uint32_t size, void* out, std::uint32_t room,
                    std::uint32_t* bytes) noexcept {
    if (out == nullptr || room < size) {
        return WSAEFAULT;
    }
    std::memcpy(out, from, size);
    *bytes = size;
    return 0;
}

} // namespace

// Of the next message in the kernel's queue, or of the one at hand.
int endpoint::next_message_size() const noexcept {
    const int known = next_size_.load(std::memory_order_relaxed);
    if (known >= 0) {
        return known;
    }
    std::array<char, envelope::size + envelope::length_size> start{};
    const auto datagram = ahead_.look(start);
    const auto size = static_cast<std::size_t>(std::max<ssize_t>(datagram, 0));
    return static_cast<int>(opened_envelope::first_size({start.data(), std::min(size, start.size())}, size));
}

std::int32_t endpoint::ioctl(std::uint32_t code, const void* in, std::uint32_t in_length, void* out,
                             std::uint32_t out_length, std::uint32_t* bytes) {
    *bytes = 0;
    const auto value = number(in, in_length);
    switch (code) {
    case FIONREAD:
    case SIOCINQ: { // the host's FIONREAD
        int next = 0;
        const auto queue = hold_queue();
        if (enveloped_) {
            next = next_message_size();
            return answer(&next, sizeof next, out, out_length, bytes);
        }
        if (ahead_.on()) {
            next = ahead_.next_size();
            return answer(&next, sizeof next, out, out_length, bytes);
        }
        return ::ioctl(fd_, SIOCINQ, &next) == 0 ? answer(&next, sizeof next, out, out_length, bytes)
                                                 : jl_wsa_error(errno);
    }
    case SIO_MULTIPOINT_LOOPBACK:
        if (!multipoint_) {
            return WSAEINVAL; // IO-26
        }
        return value ? set_loopback(*value != 0) : WSAEFAULT;
    case SIO_MULTICAST_SCOPE:
        let_go();
        return value ? set_ttl(family_ == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP, &*value, sizeof *value)
                     : WSAEFAULT;
    case sio_udp_connreset:
        if (!value) {
            return WSAEFAULT;
        }
        tell_resets_.store(*value != 0, std::memory_order_relaxed);
        return 0;
    case SIO_GET_BROADCAST_ADDRESS: {
        if (family_ != AF_INET) {
            return WSAENOPROTOOPT; // IO-22
        }
        sockaddr_in everyone{};
        everyone.sin_family = AF_INET;
        everyone.sin_addr.s_addr = htonl(INADDR_BROADCAST);
        return answer(&everyone, sizeof everyone, out, out_length, bytes);
    }
    case SIO_FLUSH:
        // What the kernel has taken leaves; nothing but an outbox holds datagrams back (IO-31).
        discard_unsent();
        return 0;
    case SIO_ENABLE_CIRCULAR_QUEUEING: return queue_in_circle();
    default: return WSAEOPNOTSUPP;
    }
}

} // namespace joinleaf::udp_mcast
