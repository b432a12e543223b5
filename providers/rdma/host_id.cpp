// SPDX-License-Identifier: Apache-2.0
#include "host_id.hpp"

#include <fstream>
#include <string>

#include <sys/stat.h>

namespace joinleaf::rdma {

std::uint64_t host_id() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string boot;
    struct stat network {};
    if (!std::getline(file, boot) || ::stat("/proc/thread-self/ns/net", &network) != 0) {
        return 0;
    }
    // FNV-1a
    std::uint64_t out = 0xcbf29ce484222325U;
    for (const char each : boot + '/' + std::to_string(network.st_ino)) {
        out = (out ^ static_cast<unsigned char>(each)) * 0x100000001b3U;
    }
    return out;
}

} // namespace joinleaf::rdma
