// SPDX-License-Identifier: Apache-2.0
//
// A TCP peer of the kernel's own that says what it likes, and the bytes of tcp-root's wire format
// (providers/tcp-root/WIRE.md) for it.
#pragma once

#include "tests/support/address.hpp"
#include "tests/support/transport.hpp"
#include "tests/support/waiting.hpp"

#include <fcntl.h>

#include <string>
#include <utility>

namespace joinleaf::test {

// A connected or listening kernel socket.
class raw_socket {
  public:
    raw_socket() = default;
    explicit raw_socket(int fd) noexcept : fd_(fd) {}
    raw_socket(raw_socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    raw_socket& operator=(raw_socket&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~raw_socket() { close(); }

    static raw_socket connected_to(const address& name) {
        raw_socket made(::socket(name.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(0, ::connect(made.fd_, name.get(), static_cast<socklen_t>(name.length)))
            << std::strerror(errno);
        return made;
    }
    static raw_socket listening(int family) {
        raw_socket made(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto name = loopback(family);
        EXPECT_EQ(0, ::bind(made.fd_, name.get(), static_cast<socklen_t>(name.length)));
        EXPECT_EQ(0, ::listen(made.fd_, 16));
        return made;
    }
    [[nodiscard]] raw_socket accepted() const {
        EXPECT_TRUE(readable(fd_)) << "nobody connects";
        return raw_socket(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
    }
    [[nodiscard]] address name() const {
        address found;
        socklen_t length = sizeof found.storage;
        EXPECT_EQ(0, ::getsockname(fd_, found.get(), &length));
        found.length = static_cast<int>(length);
        return found;
    }
    [[nodiscard]] int fd() const { return fd_; }

    // Sends all, or as much as the other side lets; it may have hung up already.
    void send(const std::string& bytes) const {
        [[maybe_unused]] const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    // Exactly that many bytes, or fewer when the other side ends or the time is over.
    [[nodiscard]] std::string receive(std::size_t count) const {
        std::string bytes;
        while (bytes.size() < count && readable(fd_)) {
            char part[4096];
            const auto got = ::recv(fd_, part, std::min(sizeof part, count - bytes.size()), 0);
            if (got <= 0) {
                break;
            }
            bytes.append(part, static_cast<std::size_t>(got));
        }
        return bytes;
    }
    // Reads and throws away until the other side has hung up; false: it has not within the time.
    [[nodiscard]] bool is_dropped(std::chrono::milliseconds limit = patience) const {
        for (const auto end = clock::now() + limit; clock::now() < end;) {
            char part[4096];
            if (readable(fd_, std::chrono::milliseconds(50)) && ::recv(fd_, part, sizeof part, 0) <= 0) {
                return true;
            }
        }
        return false;
    }
    // Ends the connection with a reset.
    void reset() {
        const linger hard{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close();
    }
    void close() {
        if (fd_ >= 0) {
            ::close(std::exchange(fd_, -1));
        }
    }

  private:
    int fd_ = -1;
};

namespace wire {

inline std::string number(std::uint32_t value) {
    const std::uint32_t ordered = htonl(value);
    return {reinterpret_cast<const char*>(&ordered), sizeof ordered};
}

inline std::string bytes(std::initializer_list<int> values) {
    std::string made;
    for (const int value : values) {
        made.push_back(static_cast<char>(value));
    }
    return made;
}

inline constexpr int hello = 1;
inline constexpr int answer = 2;
inline constexpr int wait = 3;
inline constexpr int root = 1;
inline constexpr int leaf = 2;

// A greeting; data counts as caller data or callee data.
inline std::string greeting(const transport& over, int what, int control, std::uint32_t room = 0,
                            const std::string& data = "", std::uint32_t code = 0) {
    const int data_role = control == root && over.kind == plan::rooted ? root : leaf;
    const int plane = over.kind == plan::rooted ? 1 : 2;
    return "JLTR" + bytes({1, 1, what, 0}) + number(static_cast<std::uint32_t>(20 + data.size())) +
           bytes({control, data_role, plane, JL_BOTH}) + number(code) + number(room) +
           number(static_cast<std::uint32_t>(data.size())) + bytes({0, 0, 0, 0}) + data;
}

inline std::string frame(int what, int flags, std::uint32_t size, const std::string& payload = "") {
    return number(size) + bytes({what, flags, 0, 0}) + payload;
}

inline std::string message(const std::string& payload) {
    return frame(1, 0, static_cast<std::uint32_t>(payload.size()), payload);
}

inline constexpr std::size_t greeting_size = 32;

} // namespace wire

} // namespace joinleaf::test
