// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "verbs/device.hpp"
#include "verbs/handles.hpp"
#include "verbs/line.hpp"

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

namespace joinleaf::rdma::verbs {

// What a station owns, and what may outlive it while last words are under way.
struct estate {
    owned<rdma_event_channel> channel;
    bell ringer;
    std::unique_ptr<device> means; // null until the first connection, or a bind to a device's address
    std::list<std::unique_ptr<line>> lines;
    std::list<std::unique_ptr<line>> lingering; // closed, with control messages still to go
    std::list<std::unique_ptr<line>> buried;    // hung up, until no function of theirs is on the stack

    // Lets go of the lingering lines that have nothing more to send.
    void sweep();
};

// Sees estates through in which last words are under way: a closed socket does not wait for them, and unlike a
// TCP socket a queue pair ends with its owner. Its thread runs only while there is something to see through.
class executor {
  public:
    executor() = default;
    executor(const executor&) = delete;
    executor& operator=(const executor&) = delete;
    ~executor();

    void take(std::unique_ptr<estate> left); // [any]

  private:
    struct charge {
        std::unique_ptr<estate> what;
        std::chrono::steady_clock::time_point until;
    };

    void run();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::list<charge> charges_;
    bool running_ = false;
    std::thread thread_;
};

} // namespace joinleaf::rdma::verbs
