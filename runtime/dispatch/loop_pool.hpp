// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "runtime/dispatch/loop.hpp"

namespace joinleaf::dispatch {

// The reactor threads of a runtime; sockets are dealt out to them in turn.
class loop_pool {
  public:
    // spin holds for the loops and for every other wait of the process.
    loop_pool(unsigned threads, std::chrono::nanoseconds spin, const std::vector<int>& cpus);

    [[nodiscard]] std::size_t size() const noexcept { return loops_.size(); }
    loop& at(std::size_t index) noexcept { return *loops_[index % loops_.size()]; }     // [any]
    loop& next() noexcept { return at(turn_.fetch_add(1, std::memory_order_relaxed)); } // [any]

  private:
    std::vector<std::unique_ptr<loop>> loops_;
    std::atomic<std::size_t> turn_{0};
};

} // namespace joinleaf::dispatch
