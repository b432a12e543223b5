// SPDX-License-Identifier: Apache-2.0
#include "locked_memory.hpp"

#include <fmt/format.h>

#include <sys/resource.h>

namespace joinleaf::rdma {

std::string locked_memory_hint() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return {};
    }
    return fmt::format("; locked memory is limited to {} KiB: raise it (ulimit -l unlimited, or "
                       "LimitMEMLOCK=infinity in the unit), or make send_buffer, slice and window smaller",
                       limit.rlim_cur / 1024);
}

} // namespace joinleaf::rdma
