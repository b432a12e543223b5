// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

namespace joinleaf::rdma {

// What roots have had of their group.
struct group_figures {
    std::size_t leaves = 0;      // that hear it now
    std::uint64_t datagrams = 0; // sent there
    std::uint64_t repairs = 0;   // of these, sent once more to one leaf by its connection
    std::uint64_t requests = 0;  // of leaves that missed some
};

// The same for all roots of a YAML entry, for whoever asks the entry. [any]
class group_record {
  public:
    // The figures of one root were `before`, and are `now`.
    void change(const group_figures& before, const group_figures& now) {
        const std::lock_guard hold(mutex_);
        sum_.leaves += now.leaves - before.leaves;
        sum_.datagrams += now.datagrams - before.datagrams;
        sum_.repairs += now.repairs - before.repairs;
        sum_.requests += now.requests - before.requests;
    }
    // Why a root could not join, the last time; empty: it could.
    void set_trouble(const std::string& why) {
        const std::lock_guard hold(mutex_);
        trouble_ = why;
    }
    [[nodiscard]] group_figures figures() const {
        const std::lock_guard hold(mutex_);
        return sum_;
    }
    [[nodiscard]] std::string trouble() const {
        const std::lock_guard hold(mutex_);
        return trouble_;
    }

  private:
    mutable std::mutex mutex_;
    group_figures sum_;
    std::string trouble_;
};

} // namespace joinleaf::rdma
