// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <sched.h>
#include <sys/socket.h>

namespace bench {

void card::write(std::span<const char> name) {
    must(name.size() <= bytes.size(), "a name that is too long");
    std::memcpy(bytes.data(), name.data(), name.size());
    size = name.size();
    written = true;
}

std::span<const char> card::read() const {
    wait_until("the other side's name", [this] { return written.load(); });
    return std::span(bytes).first(size);
}

std::size_t await(party& from, std::span<char> room) {
    std::size_t size = 0;
    for (patience left("a message"); (size = from.receive(room)) == 0;) {
        left.pause();
    }
    return size;
}

sockaddr_in bind_to_loopback(int fd) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    auto* const name = reinterpret_cast<sockaddr*>(&at);
    must(::bind(fd, name, size) == 0 && ::getsockname(fd, name, &size) == 0,
         "a port of the loopback interface");
    return at;
}

void patience::pause() {
    if (++looks_ % looks_a_turn != 0) {
        return;
    }
    ::sched_yield();
    if (std::chrono::steady_clock::now() > end_) {
        fail(std::string("waited in vain for ") + what_);
    }
}

void fail(const std::string& what) {
    std::fprintf(stderr, "rdma: %s\n", what.c_str());
    std::_Exit(1);
}

void must(bool right, const char* what) {
    if (!right) {
        fail(std::string(what) + " failed");
    }
}

} // namespace bench
