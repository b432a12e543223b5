// SPDX-License-Identifier: Apache-2.0
//
// What joinleaf costs on top of the system calls: round trips of a lone message between two threads, raw and
// through the API, in interleaved rounds within one run: blocking, with both threads on one processor and on two, then
// busy polling (reactor.spin). Without fixed places the scheduler's choice between the first two, a factor of two and
// more, hides what is to be measured. Prints one table each; with a file name as its argument also writes the figures
// as JSON.
#define JOINLEAF_NO_BSD_NAMES
#include <joinleaf/ext.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <nlohmann/json.hpp>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

namespace {

constexpr int rounds = 31;
constexpr int trips = 500;
constexpr int warm_up = 50; // trips that are not counted
constexpr std::size_t message = 64;

[[noreturn]] void fail(const std::string& what) {
    fmt::print(stderr, "round_trip: {}: {}\n", what, jl_error_name(WSAGetLastError()));
    std::exit(1);
}

void must(bool right, const char* what) {
    if (!right) {
        fail(what);
    }
}

sockaddr_in loopback(std::uint16_t port = 0) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    in.sin_port = port;
    return in;
}

struct manner {
    const char* name;
    bool busy;      // both sides poll instead of sleeping
    bool one_place; // both threads on one processor
};
constexpr manner manners[] = {{"blocking, one processor", false, true},
                              {"blocking, two processors", false, false},
                              {"busy polling, two processors", true, false}};

bool busy = false;
bool one_place = false;

// The processors that this process may use.
std::vector<int> places() {
    cpu_set_t allowed;
    ::sched_getaffinity(0, sizeof allowed, &allowed);
    std::vector<int> out;
    for (int i = 0; i < CPU_SETSIZE; ++i) {
        if (CPU_ISSET(static_cast<std::size_t>(i), &allowed)) {
            out.push_back(i);
        }
    }
    return out;
}

// The calling thread stays on one processor until it ends. The first ones have the interrupts.
class place {
  public:
    explicit place(bool far_end) {
        static const auto all = places();
        ::pthread_getaffinity_np(::pthread_self(), sizeof former_, &former_);
        cpu_set_t one;
        CPU_ZERO(&one);
        const std::size_t step = far_end && !one_place && all.size() > 1 ? 2 : 1;
        CPU_SET(static_cast<std::size_t>(all[all.size() - step]), &one);
        ::pthread_setaffinity_np(::pthread_self(), sizeof one, &one);
    }
    place(const place&) = delete;
    place& operator=(const place&) = delete;
    ~place() { ::pthread_setaffinity_np(::pthread_self(), sizeof former_, &former_); }

  private:
    cpu_set_t former_{};
};

// Two ends of a channel: one sends and waits for the echo, the other echoes.
struct channel {
    std::function<void(char*)> ping;
    std::function<void(char*)> pong;
    std::function<void()> close;
};

double microseconds_per_trip(const channel& over) {
    std::thread echo([&] {
        const place here(true);
        char buffer[message];
        for (int i = 0; i < warm_up + trips; ++i) {
            over.pong(buffer);
        }
    });
    const place here(false);
    char buffer[message] = {};
    for (int i = 0; i < warm_up; ++i) {
        over.ping(buffer);
    }
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < trips; ++i) {
        over.ping(buffer);
    }
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    echo.join();
    return took.count() / trips;
}

// ---- raw system calls

// A message of this size comes whole.
void receive_raw(int fd, char* buffer) {
    ssize_t got = -1;
    do {
        got = ::recv(fd, buffer, message, busy ? MSG_DONTWAIT : MSG_WAITALL);
    } while (busy && got < 0 && errno == EAGAIN);
    must(got == message, "recv");
}

channel raw_over(int near_fd, int far_fd) {
    const auto exchange = [](int fd, char* buffer, bool first) {
        if (first) {
            must(::send(fd, buffer, message, 0) == message, "send");
        }
        receive_raw(fd, buffer);
        if (!first) {
            must(::send(fd, buffer, message, 0) == message, "send");
        }
    };
    return {[=](char* b) { exchange(near_fd, b, true); }, [=](char* b) { exchange(far_fd, b, false); },
            [=] {
                ::close(near_fd);
                ::close(far_fd);
            }};
}

channel raw_udp() {
    const int a = ::socket(AF_INET, SOCK_DGRAM, 0);
    const int b = ::socket(AF_INET, SOCK_DGRAM, 0);
    auto at_a = loopback();
    auto at_b = loopback();
    socklen_t len = sizeof at_a;
    must(::bind(a, reinterpret_cast<sockaddr*>(&at_a), len) == 0 &&
             ::bind(b, reinterpret_cast<sockaddr*>(&at_b), len) == 0,
         "bind");
    ::getsockname(a, reinterpret_cast<sockaddr*>(&at_a), &len);
    ::getsockname(b, reinterpret_cast<sockaddr*>(&at_b), &len);
    must(::connect(a, reinterpret_cast<sockaddr*>(&at_b), len) == 0 &&
             ::connect(b, reinterpret_cast<sockaddr*>(&at_a), len) == 0,
         "connect");
    return raw_over(a, b);
}

channel raw_tcp() {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    auto at = loopback();
    socklen_t len = sizeof at;
    must(::bind(listener, reinterpret_cast<sockaddr*>(&at), len) == 0 && ::listen(listener, 1) == 0,
         "listen");
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &len);
    const int a = ::socket(AF_INET, SOCK_STREAM, 0);
    must(::connect(a, reinterpret_cast<sockaddr*>(&at), len) == 0, "connect");
    const int b = ::accept(listener, nullptr, nullptr);
    ::close(listener);
    const int on = 1;
    ::setsockopt(a, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(b, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return raw_over(a, b);
}

// ---- the same through joinleaf

channel joined_over(SOCKET near_socket, SOCKET far_socket, std::vector<SOCKET> all) {
    const auto put = [](SOCKET s, char* b) { must(jl_send(s, b, message, 0) == message, "jl_send"); };
    const auto get = [](SOCKET s, char* b) { must(jl_recv(s, b, message, 0) == message, "jl_recv"); };
    return {[=](char* b) {
                put(near_socket, b);
                get(near_socket, b);
            },
            [=](char* b) {
                get(far_socket, b);
                put(far_socket, b);
            },
            [all = std::move(all)] {
                for (const SOCKET s : all) {
                    jl_closesocket(s);
                }
            }};
}

sockaddr_in bound(SOCKET s) {
    auto at = loopback();
    int len = sizeof at;
    must(jl_bind(s, reinterpret_cast<sockaddr*>(&at), len) == 0, "jl_bind");
    must(jl_getsockname(s, reinterpret_cast<sockaddr*>(&at), &len) == 0, "jl_getsockname");
    return at;
}

channel joinleaf_udp() {
    const SOCKET a = jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    const SOCKET b = jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    must(a != INVALID_SOCKET && b != INVALID_SOCKET, "jl_socket");
    const auto at_a = bound(a);
    const auto at_b = bound(b);
    must(jl_connect(a, reinterpret_cast<const sockaddr*>(&at_b), sizeof at_b) == 0, "jl_connect");
    must(jl_connect(b, reinterpret_cast<const sockaddr*>(&at_a), sizeof at_a) == 0, "jl_connect");
    return joined_over(a, b, {a, b});
}

channel joinleaf_stream() {
    const SOCKET listener = jl_socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    const auto at = bound(listener);
    must(jl_listen(listener, 1) == 0, "jl_listen");
    const SOCKET a = jl_socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    SOCKET b = INVALID_SOCKET;
    std::thread accepts([&] { b = jl_accept(listener, nullptr, nullptr); });
    must(jl_connect(a, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0, "jl_connect");
    accepts.join();
    const int on = 1;
    jl_setsockopt(a, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    jl_setsockopt(b, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return joined_over(a, b, {a, b, listener});
}

// The root sends, its one leaf answers.
channel joinleaf_root() {
    const SOCKET root = WSASocketA(AF_INET, 0, IPPROTO_TCP, nullptr, 0,
                                   WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_ROOT);
    must(root != INVALID_SOCKET, "root");
    const auto at = bound(root);
    must(jl_listen(root, 1) == 0, "jl_listen");
    const SOCKET leaf = WSASocketA(AF_INET, 0, IPPROTO_TCP, nullptr, 0,
                                   WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF);
    SOCKET at_root = INVALID_SOCKET;
    std::thread accepts([&] { at_root = jl_accept(root, nullptr, nullptr); });
    must(WSAJoinLeaf(leaf, reinterpret_cast<const sockaddr*>(&at), sizeof at, nullptr, nullptr, nullptr,
                     nullptr, JL_BOTH) == leaf,
         "WSAJoinLeaf");
    accepts.join();
    return joined_over(root, leaf, {leaf, at_root, root});
}

struct measured {
    const char* name;
    const char* raw; // the row it is compared with, itself for a raw one
    channel (*open)();
    std::vector<double> figures{};
};

double median(std::vector<double> of) {
    std::sort(of.begin(), of.end());
    return of[of.size() / 2];
}

double least(const std::vector<double>& of) {
    return *std::min_element(of.begin(), of.end());
}

// Round by round, so that what disturbs a round disturbs both.
double added(const measured& one, const measured& raw) {
    std::vector<double> out;
    for (std::size_t i = 0; i < one.figures.size(); ++i) {
        out.push_back(one.figures[i] - raw.figures[i]);
    }
    return median(std::move(out));
}

nlohmann::json report(const std::vector<measured>& all, const manner& how) {
    std::map<std::string, const measured*> by_name;
    for (const auto& one : all) {
        by_name[one.name] = &one;
    }
    fmt::print("round trip of a lone {} B message, {}; {} rounds of {} trips\n\n", message, how.name, rounds,
               trips);
    fmt::print("{:<22}{:>12}{:>12}{:>12}{:>14}\n", "", "median us", "added us", "least us", "least added");
    nlohmann::json out = nlohmann::json::array();
    for (const auto& one : all) {
        const auto& raw = *by_name[one.raw];
        const double us = median(one.figures);
        const double more = added(one, raw);
        const double best = least(one.figures);
        const double best_more = best - least(raw.figures);
        fmt::print("{:<22}{:>12.2f}{:>12.2f}{:>12.2f}{:>14.2f}\n", one.name, us, more, best, best_more);
        out.push_back({{"case", one.name},
                       {"wait", how.name},
                       {"raw", one.raw},
                       {"microseconds", us},
                       {"added", more},
                       {"least", best},
                       {"least_added", best_more},
                       {"rounds", one.figures}});
    }
    fmt::print("\n");
    std::fflush(stdout);
    return out;
}

constexpr const char* providers = "providers:\n"
                                  "  - {name: udp, library: udp-mcast}\n"
                                  "  - {name: tcp, library: tcp-root}\n";

nlohmann::json measure_all(const manner& how) {
    busy = how.busy;
    one_place = how.one_place;
    const std::string head = busy ? "version: 1\nreactor: {spin: 1s}\n" : "version: 1\n";
    must(jl_start_text((head + providers).c_str(), "round_trip") == 0, "jl_start_text");
    std::vector<measured> all{{"raw UDP", "raw UDP", raw_udp},
                              {"joinleaf UDP", "raw UDP", joinleaf_udp},
                              {"raw TCP", "raw TCP", raw_tcp},
                              {"joinleaf TCP stream", "raw TCP", joinleaf_stream},
                              {"joinleaf root / leaf", "raw TCP", joinleaf_root}};
    for (int round = 0; round < rounds; ++round) {
        for (auto& one : all) {
            const auto over = one.open();
            one.figures.push_back(microseconds_per_trip(over));
            over.close();
        }
    }
    auto out = report(all, how);
    must(WSACleanup() == 0, "WSACleanup");
    return out;
}

} // namespace

int main(int argc, char** argv) {
    try {
        nlohmann::json out = nlohmann::json::array();
        for (const manner& how : manners) {
            for (auto& one : measure_all(how)) {
                out.push_back(std::move(one));
            }
        }
        if (argc > 1) {
            std::ofstream(argv[1]) << out.dump(2) << '\n';
        }
        return 0;
    } catch (const std::exception& wrong) {
        fmt::print(stderr, "round_trip: {}\n", wrong.what());
        return 1;
    }
}
