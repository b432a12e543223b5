// SPDX-License-Identifier: Apache-2.0
//
// A bare multicast socket of either end.
#pragma once

#include "technique.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <net/if.h>

namespace bench {

class raw_socket {
  public:
    static raw_socket sender(const shape& how) {
        raw_socket made;
        made.set(IPPROTO_IP, IP_MULTICAST_IF, link(how));
        const auto to = group(how);
        made.must(::connect(made.fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to));
        return made;
    }
    static raw_socket receiver(const shape& how) {
        raw_socket made;
        made.set(SOL_SOCKET, SO_REUSEADDR, 1);
        made.set(SOL_SOCKET, SO_RCVBUFFORCE, receive_buffer);
        const auto at = made.group(how);
        made.must(::bind(made.fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at));
        made.set(IPPROTO_IP, IP_ADD_MEMBERSHIP, made.link(how));
        const timeval patience{0, 50'000};
        made.set(SOL_SOCKET, SO_RCVTIMEO, patience);
        return made;
    }
    raw_socket(raw_socket&& other) noexcept : fd_(other.fd_), to_(other.to_) { other.fd_ = -1; }
    raw_socket(const raw_socket&) = delete;
    raw_socket& operator=(const raw_socket&) = delete;
    ~raw_socket() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }

    [[nodiscard]] int fd() const { return fd_; }

    // A lone datagram to the group, as a program sends it that also receives by the same socket.
    static raw_socket unconnected(const shape& how) {
        raw_socket made;
        made.set(IPPROTO_IP, IP_MULTICAST_IF, link(how));
        made.to_ = group(how);
        return made;
    }
    void send_to_group(const std::vector<char>& message) const {
        must(::sendto(fd_, message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&to_),
                      sizeof to_));
    }
    template <class Count> Count must(Count count) const {
        if (count < 0) {
            throw failure(std::string("a system call: ") + std::strerror(errno));
        }
        return count;
    }
    template <class Value> void set(int level, int name, const Value& value) const {
        must(::setsockopt(fd_, level, name, &value, sizeof value));
    }

    static constexpr int receive_buffer = 16 << 20;

  private:
    raw_socket() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) { must(fd_); }
    static sockaddr_in group(const shape& how) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(how.port);
        ::inet_pton(AF_INET, how.group.c_str(), &to.sin_addr);
        return to;
    }
    static ip_mreqn link(const shape& how) {
        ip_mreqn request{};
        ::inet_pton(AF_INET, how.group.c_str(), &request.imr_multiaddr);
        ::inet_pton(AF_INET, how.address.c_str(), &request.imr_address);
        request.imr_ifindex = static_cast<int>(::if_nametoindex(how.interface.c_str()));
        return request;
    }
    int fd_;
    sockaddr_in to_{};
};

} // namespace bench
