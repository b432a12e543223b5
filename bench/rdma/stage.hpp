// SPDX-License-Identifier: Apache-2.0
//
// What the cases of this benchmark share: a root and its leaves, each a process of its own, and what one library makes
// of them. Every process polls, and gives its processor away where nothing has come for some time.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <netinet/in.h>

namespace bench {

inline constexpr std::size_t most_leaves = 8;
inline constexpr std::size_t most_name = 512;

// How an endpoint can be reached, in the library's own words.
struct card {
    std::atomic<bool> written{false};
    std::size_t size = 0;
    std::array<char, most_name> bytes{};

    void write(std::span<const char> name);
    [[nodiscard]] std::span<const char> read() const; // waits until it is written
};

// Between the processes.
struct board {
    card root;
    std::array<card, most_leaves> leaves;
    std::atomic<std::uint32_t> joined{0};
    std::atomic<bool> failed{false};
    std::atomic<double> result{0}; // seconds
};

// One end of a session.
class party {
  public:
    virtual ~party() = default;
    // To every other end; returns when `message` may change.
    virtual void send(std::span<const char> message) = 0;
    // The bytes of the next message, or 0: none has come.
    virtual std::size_t receive(std::span<char> room) = 0;
};

// The ends are opened in their own processes, in any order.
struct library {
    std::string name;
    std::unique_ptr<party> (*open_root)(board& shared, std::size_t leaves, const std::string& provider);
    std::unique_ptr<party> (*open_leaf)(board& shared, std::size_t number, const std::string& provider);
};

library joinleaf();
library polled_joinleaf(); // with the option that only polls
library libfabric();
library copying_libfabric();
library raw_tcp();

// Receives a whole message, with patience.
std::size_t await(party& from, std::span<char> room);

// Binds a socket to a loopback port of the kernel's choice, and tells which.
sockaddr_in bind_to_loopback(int fd);

[[noreturn]] void fail(const std::string& what);
void must(bool right, const char* what);
// Until it is true, with patience.
template <class Condition> void wait_until(const char* what, const Condition& condition);

// The clock stops a benchmark that hangs.
class patience {
  public:
    explicit patience(const char* what) : what_(what) {}
    void pause();

  private:
    // Between two system calls: what they cost would hide what is measured.
    static constexpr unsigned looks_a_turn = 32;

    const char* what_;
    unsigned looks_ = 0;
    const std::chrono::steady_clock::time_point end_ =
        std::chrono::steady_clock::now() + std::chrono::seconds(30);
};

template <class Condition> void wait_until(const char* what, const Condition& condition) {
    for (patience left(what); !condition();) {
        left.pause();
    }
}

} // namespace bench
