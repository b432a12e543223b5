// SPDX-License-Identifier: Apache-2.0
#include "endpoint.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace joinleaf::rdma {

std::int32_t store_count(std::uint64_t count, void* out, std::uint32_t out_size,
                         std::uint32_t* bytes) noexcept {
    const auto value =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(count, std::numeric_limits<std::uint32_t>::max()));
    if (out == nullptr || out_size < sizeof value) {
        return WSAEFAULT;
    }
    std::memcpy(out, &value, sizeof value);
    *bytes = sizeof value;
    return 0;
}

} // namespace joinleaf::rdma
