// SPDX-License-Identifier: Apache-2.0
#include "runtime/socket/alert.hpp"

#include <algorithm>
#include <vector>

#include "runtime/dispatch/apc_queue.hpp"

namespace joinleaf::socket {
namespace {

// The calls of the thread that are interrupted just now, outermost first: each socket they wait for.
std::vector<socket_object*>& interrupted() {
    thread_local std::vector<socket_object*> all;
    return all;
}

std::vector<socket_object*>& to_close() {
    thread_local std::vector<socket_object*> all;
    return all;
}

void close_those_left() {
    std::erase_if(to_close(), [](socket_object* one) {
        if (interrupts_a_call_on(*one)) {
            return false;
        }
        one->close_from_loop();
        return true;
    });
}

} // namespace

bool run_queued_calls(std::span<socket_object* const> waited_for) {
    if (!dispatch::apc_queue::waits_for_own()) {
        return false;
    }
    auto& all = interrupted();
    const auto before = all.size();
    all.insert(all.end(), waited_for.begin(), waited_for.end());
    const bool ran = dispatch::apc_queue::run_own();
    all.resize(before);
    close_those_left();
    return ran;
}

bool interrupts_a_call() noexcept {
    return !interrupted().empty();
}

bool interrupts_a_call_on(const socket_object& which) noexcept {
    return std::ranges::find(interrupted(), &which) != interrupted().end();
}

void close_after_call(socket_object& which) {
    to_close().push_back(&which);
}

} // namespace joinleaf::socket
