// SPDX-License-Identifier: Apache-2.0
//
// A way to send many messages to a group and to receive them. Every function runs in a process of its own.
#pragma once

#include "window.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

namespace bench {

enum class network {
    loopback,
    bridge, // between namespaces, MTU 1500; super-packets cross it whole, as between the containers of a host
    wire    // the same with super-packets cut where they leave, as by a NIC without UDP segmentation
};

// One row of the table before it is measured.
struct shape {
    std::size_t size = 64; // bytes of a message
    int receivers = 1;
    network over = network::loopback;
    std::string interface; // of this process' namespace
    std::string address;   // its own, numeric
    std::string group = "239.255.77.1";
    std::uint16_t port = 27700;
};

// The end of a run that cannot be carried out; what() goes into the report.
struct failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct technique {
    const char* name;
    void (*send)(const shape&, window&);
    void (*receive)(const shape&, window&, int lane);
    bool coalesces = false;   // packs several messages into a datagram, and is compared with what does so too
    bool finds_peers = false; // receivers listen once they hear something, so the sender starts first
};

std::vector<technique> raw_techniques();
std::vector<technique> joined_techniques();
std::vector<technique> zeromq_techniques(); // empty where the library was not there at build time
std::vector<technique> norm_techniques();   // likewise

// A round trip: the first function asks and writes its figures into the window, the second one answers.
struct round_trip {
    const char* name;
    void (*ask)(const shape&, window&);
    void (*answer)(const shape&, window&);
    const char* raw; // the row it is compared with
};
std::vector<round_trip> raw_round_trips();
std::vector<round_trip> joined_round_trips();

// Writes the quantiles of round trips in nanoseconds into the window.
void store_trips(window& shared, std::vector<std::int64_t> trips);

inline constexpr int trips_of_a_round = 2000;
inline constexpr int trips_to_warm_up = 100;

// For peers that find each other by what is sent: sends until every receiver has got something.
template <class Send> void warm_up(window& shared, Send send) {
    const auto until = now_ns() + 5'000'000'000;
    while (!shared.all_listen()) {
        if (now_ns() > until) {
            throw failure("the receivers heard nothing for 5 s");
        }
        send();
        ::usleep(2000);
    }
    shared.start_ns = now_ns();
}
// receive: whether something came.
template <class Receive> void await_warm_up(window& shared, int lane, Receive receive) {
    while (!receive() && !shared.failed) {}
    shared.lanes[static_cast<std::size_t>(lane)].listening = true;
}

// Keeps the sender alive until everything has come or stands still.
inline void linger(const window& shared) {
    auto progress = shared.slowest();
    for (auto since = now_ns(); progress < shared.sent && now_ns() - since < 300'000'000;) {
        ::usleep(1000);
        if (const auto next = shared.slowest(); next != progress) {
            progress = next;
            since = now_ns();
        }
    }
}

// Counts one receiver's messages into its lane.
class tally {
  public:
    tally(window& shared, int lane) : shared_(shared), lane_(shared.lanes[static_cast<std::size_t>(lane)]) {
        lane_.listening = true;
    }
    void add(std::uint64_t messages) {
        count_ += messages;
        lane_.received.store(count_, std::memory_order_release);
        last_ = now_ns();
        lane_.last_ns.store(last_, std::memory_order_relaxed);
    }
    [[nodiscard]] bool expects_more() const { return shared_.expects(count_, last_); }

  private:
    window& shared_;
    window::lane& lane_;
    std::uint64_t count_ = 0;
    std::int64_t last_ = now_ns();
};

} // namespace bench
