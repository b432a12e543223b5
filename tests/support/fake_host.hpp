// SPDX-License-Identifier: Apache-2.0
//
// A host of one reactor thread: just what a provider needs in order to be tried without the runtime.
#pragma once

#include "joinleaf/provider.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace joinleaf::test {

using namespace std::chrono_literals;

// How long anything may take before a test fails.
inline constexpr auto deadline = 20s;

// A request as the provider told it.
struct seen_request {
    void* request;
    std::vector<std::byte> peer;
    std::string caller_data;
    bool has_caller_data;
    std::uint32_t callee_room;
    bool has_qos;
    QOS qos;
};

struct seen_outcome {
    int code;
    std::string callee_data;
    bool has_qos;
    QOS qos;
    std::string sentence;
};

} // namespace joinleaf::test

// The runtime's record of a socket.
struct jl_handle {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<joinleaf::test::seen_request> requests;
    std::set<void*> withdrawn;
    std::map<std::uint64_t, joinleaf::test::seen_outcome> outcomes;
    std::map<int, std::uint32_t> exposed;
    std::uint64_t ready_in = 0; // how often `ready` named it
    std::uint64_t ready_out = 0;
    int closed = 0;
};

namespace joinleaf::test {

class fake_host {
  public:
    static const jl_host& table();

    // Runs what is posted, ends the thread, and returns how many watches and timers were left behind.
    static std::size_t stop();

    // Log lines since the last call.
    static std::vector<std::string> take_log();

    // Waits until a log line contains the text.
    static bool wait_for_log(const std::string& part);
};

} // namespace joinleaf::test
