// SPDX-License-Identifier: Apache-2.0
//
// Calls of the API at random, on sockets that several threads share and close under each other.
#pragma once

#include "tests/support/message_watch.hpp"
#include "tests/support/session.hpp"

#include <array>
#include <atomic>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace joinleaf::test {

// What the threads share: numbers of sockets, some of them closed by now, and who is told of events.
class shared_sockets {
  public:
    static constexpr std::size_t places = 24;

    shared_sockets();

    [[nodiscard]] SOCKET at(std::size_t place) const { return sockets_.at(place).load(); }
    // Puts a socket there and closes the one that it displaces.
    void put(std::size_t place, SOCKET made);
    void close_all();

    [[nodiscard]] WSAEVENT event(std::size_t which) const { return events_.at(which).get(); }
    [[nodiscard]] HWND queue(std::size_t which) const { return queues_.at(which).get(); }
    [[nodiscard]] const std::vector<WSAPROTOCOL_INFOW>& entries() const { return entries_; }
    [[nodiscard]] const address& group(int family) const { return family == AF_INET6 ? group_six_ : group_; }

    // A call ended with a code that it is not documented to have.
    void note_undocumented(const std::string& what);
    [[nodiscard]] std::vector<std::string> undocumented() const;

    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> calls{0};
    std::atomic<std::uint64_t> successes{0};

  private:
    std::array<std::atomic<SOCKET>, places> sockets_;
    std::array<owned_event, 4> events_;
    std::array<owned_queue, 2> queues_;
    std::vector<WSAPROTOCOL_INFOW> entries_;
    address group_ = fresh_group(AF_INET);
    address group_six_ = fresh_group(AF_INET6);
    mutable std::mutex mutex_;
    std::vector<std::string> undocumented_;
};

// One thread's share: makes calls until told to stop. Of each kind some succeed only if other threads happen to
// do their part, which is the point.
class random_caller {
  public:
    random_caller(shared_sockets& shared, unsigned seed) : shared_(shared), random_(seed) {}
    void run();

  private:
    void one_call();
    void check(const char* call, bool failed, std::initializer_list<int> documented);
    std::size_t pick(std::size_t count) {
        return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_);
    }
    std::size_t place() { return pick(shared_sockets::places); }
    SOCKET some() { return shared_.at(place()); }
    address name_of_some();

    void make();
    void close();
    void bind();
    void listen();
    void accept();
    void join();
    void connect();
    void send();
    void receive();
    void shutdown();
    void select_events();
    void enumerate_events();
    void wait_for_events();
    void take_message();
    void poll();
    void names();
    void options();
    void ioctls();
    void statistics();
    void count_starts();

    shared_sockets& shared_;
    std::mt19937 random_;
    // Callee data of joins: alive until the joins are over, whenever that is (JL-82).
    struct callee_room {
        std::array<char, 32> bytes{};
        WSABUF buffer{32, bytes.data()};
    };
    std::vector<std::unique_ptr<callee_room>> rooms_;
};

} // namespace joinleaf::test
