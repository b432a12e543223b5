// SPDX-License-Identifier: Apache-2.0
//
// Where a run takes place: network namespaces that vanish with this program, and a process for each end.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace bench {

class stage {
  public:
    // One namespace for all, with multicast on its loopback interface.
    static stage loopback();
    // One namespace an end, on a bridge, with links of MTU 1500. ends: senders and receivers together; whole:
    // whether the links carry super-packets as they are.
    static stage bridge(int ends, bool whole);

    stage(stage&&) = default;
    stage(const stage&) = delete;
    stage& operator=(const stage&) = delete;
    ~stage();

    // Runs `what` in a process of its own, in the namespace of that end. What it throws comes to `failed`.
    pid_t start(int end, const std::function<void()>& what,
                const std::function<void(const char*)>& failed) const;

    [[nodiscard]] std::string interface_of(int end) const;
    [[nodiscard]] std::string address_of(int end) const;

  private:
    stage() = default;
    std::vector<int> namespaces_; // descriptors; one, or one an end
    bool wire_ = false;
};

// Waits for a process that `start` made.
void wait_for(pid_t process);

} // namespace bench
