// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace bench {

// Whether ucx_perftest (package ucx-utils) is there.
bool has_ucx();

// Seconds for all messages from one process to another, over what is nearest to that provider of libfabric: shared memory
// for shm, TCP else. Nothing: it failed.
std::optional<double> measure_ucx(const std::string& provider, std::size_t size, int messages, bool is_echoed);

} // namespace bench
