// SPDX-License-Identifier: Apache-2.0
//
// Kernel TCP, a connection for each leaf and each message behind its length: for orientation.
#include "stage.hpp"

#include <cerrno>
#include <cstring>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {
namespace {

class stream final : public party {
  public:
    explicit stream(std::vector<int> peers) : peers_(std::move(peers)) {
        const int on = 1;
        for (const int each : peers_) {
            ::setsockopt(each, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        }
    }
    ~stream() override {
        for (const int each : peers_) {
            ::close(each);
        }
    }
    stream(const stream&) = delete;
    stream& operator=(const stream&) = delete;

    void send(std::span<const char> message) override {
        auto size = static_cast<std::uint32_t>(message.size());
        for (const int each : peers_) {
            iovec parts[] = {{&size, sizeof size}, {const_cast<char*>(message.data()), message.size()}};
            msghdr whole{};
            whole.msg_iov = parts;
            whole.msg_iovlen = 2;
            must(::sendmsg(each, &whole, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof size + message.size()),
                 "sendmsg");
        }
    }
    std::size_t receive(std::span<char> room) override {
        for (const int each : peers_) {
            std::uint32_t size = 0;
            if (::recv(each, &size, sizeof size, MSG_DONTWAIT) == static_cast<ssize_t>(sizeof size)) {
                must(size <= room.size() &&
                         ::recv(each, room.data(), size, MSG_WAITALL) == static_cast<ssize_t>(size),
                     "recv");
                return size;
            }
        }
        return 0;
    }

  private:
    std::vector<int> peers_;
};

std::unique_ptr<party> open_root(board& shared, std::size_t leaves, const std::string&) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in at = bind_to_loopback(listener);
    must(::listen(listener, 64) == 0, "listen");
    shared.root.write({reinterpret_cast<const char*>(&at), sizeof at});
    std::vector<int> peers;
    while (peers.size() < leaves) {
        peers.push_back(::accept(listener, nullptr, nullptr));
        must(peers.back() >= 0, "accept");
    }
    ::close(listener);
    return std::make_unique<stream>(peers);
}

std::unique_ptr<party> open_leaf(board& shared, std::size_t, const std::string&) {
    sockaddr_in at{};
    std::memcpy(&at, shared.root.read().data(), sizeof at);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0, "connect");
    ++shared.joined;
    return std::make_unique<stream>(std::vector<int>{fd});
}

} // namespace

library raw_tcp() {
    return {"raw TCP", open_root, open_leaf};
}

} // namespace bench
