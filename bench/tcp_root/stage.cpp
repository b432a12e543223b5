// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {

// Ports that an earlier case has not given back yet would run out: each process has an address of its own.
void own_source(int fd) {
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(0x7F010001U + static_cast<std::uint32_t>(::getpid()) % 0xFFF0U);
    const int late = 1;
    ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late);
    must(::bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof from) == 0, "bind");
}

void say(int fd, const std::string& what) {
    must(::send(fd, what.data(), what.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(what.size()),
         "leaf: send");
}

void hear(int fd, std::size_t size) {
    std::string room(size, '\0');
    must(::recv(fd, room.data(), size, MSG_WAITALL) == static_cast<ssize_t>(size), "leaf: handshake");
}

// WIRE.md of tcp-root: c_leaf, d_leaf, rooted, both directions.
std::string hello_of_joinleaf() {
    std::string out("JLTR\x01\x01\x01\x00\x00\x00\x00\x14\x02\x02\x01\x04", 16);
    out.resize(32, '\0');
    return out;
}

// ZMTP 3.0 with the mechanism NULL; libzmq wants to have said READY before it hears a subscription.
void join_zmtp(int fd) {
    std::string greeting("\xFF\0\0\0\0\0\0\0\x01\x7F\x03\0NULL", 16);
    greeting.resize(64, '\0');
    say(fd, greeting);
    say(fd, std::string("\x04\x19\x05READY\x0BSocket-Type\0\0\0\x03SUB", 27));
    hear(fd, 64);
    unsigned char head[2];
    must(::recv(fd, head, 2, MSG_WAITALL) == 2, "leaf: READY");
    hear(fd, head[1]);
    say(fd, std::string("\x00\x01\x01", 3));
}

// The text protocol of NATS: a subscription counts once the server has answered what came behind it.
void join_nats(int fd) {
    std::string heard;
    const auto hear_line = [&](const char* with) {
        for (char c = 0; heard.find(with) == std::string::npos || c != '\n'; heard += c) {
            must(::recv(fd, &c, 1, 0) == 1, "leaf: NATS");
        }
        heard.clear();
    };
    hear_line("INFO");
    say(fd, "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB s 1\r\nPING\r\n");
    hear_line("PONG");
}

void join(protocol how, int fd) {
    switch (how) {
    case protocol::bare: break;
    case protocol::joinleaf:
        say(fd, hello_of_joinleaf());
        hear(fd, 32);
        break;
    case protocol::zmtp: join_zmtp(fd); break;
    case protocol::nats: join_nats(fd); break;
    case protocol::sp:
        say(fd, std::string("\0SP\0\0\x21\0\0", 8));
        hear(fd, 8);
        break;
    }
}

void count_bytes(score& shared, const std::vector<int>& fds) {
    const int poller = ::epoll_create1(0);
    for (std::size_t i = 0; i < fds.size(); ++i) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = i;
        ::epoll_ctl(poller, EPOLL_CTL_ADD, fds[i], &event);
    }
    std::vector<std::uint64_t> counts(fds.size());
    std::array<epoll_event, 256> events;
    std::array<char, 1> nowhere;
    while (!shared.stop) {
        const int ready = ::epoll_wait(poller, events.data(), static_cast<int>(events.size()), 20);
        for (int i = 0; i < ready; ++i) {
            const auto which = events[static_cast<std::size_t>(i)].data.u64;
            // MSG_TRUNC: the kernel throws the bytes away instead of copying them.
            const ssize_t got = ::recv(fds[which], nowhere.data(), 4 << 20, MSG_TRUNC | MSG_DONTWAIT);
            if (got == 0) {
                std::_Exit(1);
            }
            counts[which] += got > 0 ? static_cast<std::uint64_t>(got) : 0;
        }
        shared.least = *std::min_element(counts.begin(), counts.end());
    }
}

// The last of the processors that this process may use from the start on; -1: they are too few.
int processor_of_leaves() {
    static const int last = [] {
        cpu_set_t all;
        int found = -1;
        if (::sched_getaffinity(0, sizeof all, &all) == 0 && CPU_COUNT(&all) >= 3) {
            for (unsigned i = 0; i < CPU_SETSIZE; ++i) {
                found = CPU_ISSET(i, &all) ? static_cast<int>(i) : found;
            }
        }
        return found;
    }();
    return last;
}

} // namespace

void stay_off_the_leaves_processor() {
    cpu_set_t some;
    if (const int last = processor_of_leaves(); last >= 0 && ::sched_getaffinity(0, sizeof some, &some) == 0) {
        CPU_CLR(static_cast<unsigned>(last), &some);
        ::sched_setaffinity(0, sizeof some, &some);
    }
}

void move_to_the_leaves_processor() {
    if (const int last = processor_of_leaves(); last >= 0) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<unsigned>(last), &one);
        ::sched_setaffinity(0, sizeof one, &one);
    }
}

std::size_t wire_size(protocol how, std::size_t message) noexcept {
    switch (how) {
    case protocol::bare:
    case protocol::joinleaf:
    case protocol::sp: return message + 8;
    case protocol::zmtp: return message + (message > 255 ? 9 : 2);
    case protocol::nats: // "MSG s 1 SIZE", the message, line ends
        return std::string("MSG s 1 ").size() + std::to_string(message).size() + message + 4;
    }
    return message;
}

leaves::leaves(protocol how, std::uint16_t port, std::size_t count)
    : score_(static_cast<score*>(
          ::mmap(nullptr, sizeof(score), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    must(score_ != MAP_FAILED, "mmap");
    new (score_) score;
    process_ = ::fork();
    must(process_ >= 0, "fork");
    if (process_ != 0) {
        return;
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    move_to_the_leaves_processor();
    std::vector<int> fds;
    for (std::size_t i = 0; i < count; ++i) {
        fds.push_back(connect_to_loopback(port));
        join(how, fds.back());
        ++score_->joined;
    }
    count_bytes(*score_, fds);
    std::_Exit(0);
}

leaves::~leaves() {
    score_->stop = true;
    ::waitpid(process_, nullptr, 0);
    ::munmap(score_, sizeof(score));
}

bool leaves::alive() const {
    return ::waitpid(process_, nullptr, WNOHANG) == 0;
}

void fail(const std::string& what) {
    std::fprintf(stderr, "tcp_root: %s: %s\n", what.c_str(), std::strerror(errno));
    std::exit(1);
}

void must(bool right, const char* what) {
    if (!right) {
        fail(what);
    }
}

int listen_on_loopback(std::uint16_t& port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    must(::bind(fd, reinterpret_cast<sockaddr*>(&at), size) == 0 && ::listen(fd, 4096) == 0, "listen");
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    port = ntohs(at.sin_port);
    return fd;
}

int connect_to_loopback(std::uint16_t port) {
    const int fd = begin_connect_to_loopback(port);
    pollfd done{fd, POLLOUT, 0};
    int error = 0;
    socklen_t size = sizeof error;
    must(::poll(&done, 1, 10'000) == 1 && ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
             error == 0,
         "connect");
    ::fcntl(fd, F_SETFL, 0);
    return fd;
}

int begin_connect_to_loopback(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    must(fd >= 0, "socket");
    own_source(fd);
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(port);
    must(::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0 || errno == EINPROGRESS, "connect");
    return fd;
}

double cpu_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

} // namespace bench
