// SPDX-License-Identifier: Apache-2.0
//
// How fast leaves come in when many of them ask at once.
#pragma once

#include <cstddef>
#include <vector>

namespace bench {

struct join_rate {
    const char* name;
    std::vector<double> rate; // joins a second
    std::vector<double> cpu;  // microseconds of the server for each
};

// count joins, at_once of them under way at any time, in interleaved rounds: raw connect and accept, the same with 32
// bytes each way, and joinleaf with 32 bytes of caller and of callee data. Needs a started runtime.
std::vector<join_rate> measure_joins(std::size_t count, std::size_t at_once, int rounds);

} // namespace bench
