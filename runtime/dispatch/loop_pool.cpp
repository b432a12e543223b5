// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/loop_pool.hpp"

#include <algorithm>

#include "runtime/dispatch/spin.hpp"

namespace joinleaf::dispatch {

loop_pool::loop_pool(unsigned threads, std::chrono::nanoseconds spin, const std::vector<int>& cpus) {
    set_spin(spin);
    for (unsigned i = 0; i < std::max(1U, threads); ++i) {
        std::optional<int> cpu;
        if (!cpus.empty()) {
            cpu = cpus[i % cpus.size()];
        }
        loops_.push_back(std::make_unique<loop>(spin, cpu));
    }
}

} // namespace joinleaf::dispatch
