// SPDX-License-Identifier: Apache-2.0
#include "joins.hpp"

#include "stage.hpp"

#define JOINLEAF_NO_BSD_NAMES
#include <joinleaf/ext.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {

constexpr std::size_t data_size = 32;

// What a joiner says and how much it waits for.
struct manners {
    std::string hello;
    std::size_t answer;
};

// WIRE.md of tcp-root: c_leaf, d_leaf, rooted, room for the answer's data, then the caller data.
std::string hello_with_data() {
    std::string out(
        "JLTR\x01\x01\x01\x00\x00\x00\x00\x34\x02\x02\x01\x04\0\0\0\0\0\0\0\x20\0\0\0\x20\0\0\0\0", 32);
    out.resize(32 + data_size, 'c');
    return out;
}

// Joins one after another without ever having more than so many under way.
class joiners {
  public:
    joiners(std::uint16_t port, std::size_t count, const manners& how)
        : port_(port), count_(count), how_(how), poller_(::epoll_create1(EPOLL_CLOEXEC)) {}

    void run(std::size_t at_once) {
        while (fds_.size() < std::min(at_once, count_)) {
            begin();
        }
        std::array<epoll_event, 128> events;
        while (joined_ < count_) {
            const int ready = ::epoll_wait(poller_, events.data(), static_cast<int>(events.size()), 10'000);
            must(ready > 0, "joins: epoll_wait");
            for (int i = 0; i < ready; ++i) {
                const epoll_event& event = events[static_cast<std::size_t>(i)];
                go_on(event.data.u64, event.events);
            }
        }
    }

  private:
    void begin() {
        const int fd = begin_connect_to_loopback(port_);
        epoll_event event{};
        event.events = EPOLLOUT;
        event.data.u64 = fds_.size();
        ::epoll_ctl(poller_, EPOLL_CTL_ADD, fd, &event);
        fds_.push_back({fd, 0});
    }

    void go_on(std::size_t which, std::uint32_t ready) {
        one& it = fds_[which];
        must((ready & (EPOLLERR | EPOLLHUP)) == 0, "joins: connect");
        if ((ready & EPOLLIN) != 0) {
            std::array<char, 256> room;
            const ssize_t got = ::recv(it.fd, room.data(), room.size(), MSG_DONTWAIT);
            must(got > 0, "joins: answer");
            it.heard += static_cast<std::size_t>(got);
        } else if (!how_.hello.empty()) {
            must(::send(it.fd, how_.hello.data(), how_.hello.size(), MSG_NOSIGNAL) ==
                     static_cast<ssize_t>(how_.hello.size()),
                 "joins: hello");
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.u64 = which;
            ::epoll_ctl(poller_, EPOLL_CTL_MOD, it.fd, &event);
        }
        if (it.heard < how_.answer) {
            return;
        }
        ::epoll_ctl(poller_, EPOLL_CTL_DEL, it.fd, nullptr);
        ++joined_;
        if (fds_.size() < count_) {
            begin();
        }
    }

    struct one {
        int fd;
        std::size_t heard;
    };

    std::uint16_t port_;
    std::size_t count_;
    const manners& how_;
    int poller_;
    std::vector<one> fds_;
    std::size_t joined_ = 0;
};

// The process of the joiners; it holds its connections until it is told to go.
class crowd {
  public:
    crowd(std::uint16_t port, std::size_t count, std::size_t at_once, const manners& how)
        : done_(new (::mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0)) std::atomic<int>(0)),
          process_(::fork()) {
        must(process_ >= 0, "fork");
        if (process_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            move_to_the_leaves_processor();
            joiners(port, count, how).run(at_once);
            *done_ = 1;
            for (;;) {
                ::pause();
            }
        }
    }
    crowd(const crowd&) = delete;
    crowd& operator=(const crowd&) = delete;
    ~crowd() {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
        ::munmap(done_, sizeof *done_);
    }

    void wait() const {
        while (*done_ == 0) {
            must(::waitpid(process_, nullptr, WNOHANG) == 0, "joins: the process of the joiners");
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
    }

  private:
    std::atomic<int>* done_;
    pid_t process_;
};

// Who lets them in.
class host {
  public:
    virtual ~host() = default;
    [[nodiscard]] virtual std::uint16_t port() const = 0;
    virtual void admit(std::size_t count) = 0;
};

class raw_host final : public host {
  public:
    explicit raw_host(bool exchanges)
        : exchanges_(exchanges),
          listener_(listen_on_loopback(port_)),
          poller_(::epoll_create1(EPOLL_CLOEXEC)) {
        ::fcntl(listener_, F_SETFL, O_NONBLOCK);
        watch(listener_);
    }
    raw_host(const raw_host&) = delete;
    raw_host& operator=(const raw_host&) = delete;
    ~raw_host() override {
        for (const int fd : fds_) {
            ::close(fd);
        }
        ::close(listener_);
        ::close(poller_);
    }
    [[nodiscard]] std::uint16_t port() const override { return port_; }

    void admit(std::size_t count) override {
        std::array<epoll_event, 128> events;
        for (std::size_t done = 0; done < count;) {
            const int ready = ::epoll_wait(poller_, events.data(), static_cast<int>(events.size()), 10'000);
            must(ready > 0, "joins: nobody comes");
            for (int i = 0; i < ready; ++i) {
                const int fd = events[static_cast<std::size_t>(i)].data.fd;
                done += fd == listener_ ? accept_all() : answer(fd);
            }
        }
    }

  private:
    void watch(int fd) const {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        ::epoll_ctl(poller_, EPOLL_CTL_ADD, fd, &event);
    }
    std::size_t accept_all() {
        std::size_t got = 0;
        for (;;) {
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) {
                return exchanges_ ? 0 : got;
            }
            const int on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            fds_.push_back(fd);
            watch(fd); // as a server would that wants to hear of the end
            ++got;
        }
    }
    static std::size_t answer(int fd) {
        std::array<char, data_size> room;
        const ssize_t got = ::recv(fd, room.data(), room.size(), 0);
        if (got <= 0) {
            return 0;
        }
        must(::send(fd, room.data(), room.size(), MSG_NOSIGNAL) == data_size, "joins: answer");
        return 1;
    }

    bool exchanges_;
    std::uint16_t port_ = 0;
    int listener_;
    int poller_;
    std::vector<int> fds_;
};

int CALLBACK give_data(LPWSABUF, LPWSABUF, LPQOS, LPQOS, LPWSABUF, LPWSABUF callee, GROUP*, DWORD_PTR) {
    std::memset(callee->buf, 'r', data_size);
    callee->len = data_size;
    return CF_ACCEPT;
}

class joined_host final : public host {
  public:
    joined_host()
        : socket_(WSASocketA(AF_INET, 0, IPPROTO_TCP, nullptr, 0,
                             WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_ROOT)) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int size = sizeof at;
        auto* const name = reinterpret_cast<sockaddr*>(&at);
        must(socket_ != INVALID_SOCKET && jl_bind(socket_, name, size) == 0 && jl_listen(socket_, 4096) == 0,
             "jl_listen");
        jl_getsockname(socket_, name, &size);
        port_ = ntohs(at.sin_port);
    }
    joined_host(const joined_host&) = delete;
    joined_host& operator=(const joined_host&) = delete;
    ~joined_host() override {
        for (const SOCKET each : leaves_) {
            jl_closesocket(each);
        }
        jl_closesocket(socket_);
    }
    [[nodiscard]] std::uint16_t port() const override { return port_; }
    void admit(std::size_t count) override {
        while (leaves_.size() < count) {
            leaves_.push_back(WSAAccept(socket_, nullptr, nullptr, give_data, 0));
            must(leaves_.back() != INVALID_SOCKET, "WSAAccept");
        }
    }

  private:
    SOCKET socket_;
    std::uint16_t port_ = 0;
    std::vector<SOCKET> leaves_;
};

void measure(host& at, const manners& how, std::size_t count, std::size_t at_once, join_rate& out) {
    const double cpu = cpu_seconds();
    const auto begun = clock::now();
    const crowd all(at.port(), count, at_once, how);
    at.admit(count);
    all.wait();
    const std::chrono::duration<double> took = clock::now() - begun;
    out.rate.push_back(static_cast<double>(count) / took.count());
    out.cpu.push_back((cpu_seconds() - cpu) * 1e6 / static_cast<double>(count));
}

} // namespace

std::vector<join_rate> measure_joins(std::size_t count, std::size_t at_once, int rounds) {
    std::vector<join_rate> all{
        {"raw, connect and accept", {}, {}}, {"raw, 32 B each way", {}, {}}, {"joinleaf", {}, {}}};
    const manners silent{"", 0};
    const manners talking{std::string(data_size, 'c'), data_size};
    const manners joining{hello_with_data(), 32 + data_size};
    for (int round = 0; round < rounds; ++round) {
        {
            raw_host bare(false);
            measure(bare, silent, count, at_once, all[0]);
        }
        {
            raw_host exchanging(true);
            measure(exchanging, talking, count, at_once, all[1]);
        }
        joined_host joined;
        measure(joined, joining, count, at_once, all[2]);
    }
    return all;
}

} // namespace bench
