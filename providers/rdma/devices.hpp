// SPDX-License-Identifier: Apache-2.0
//
// Which RDMA devices the kernel shows. Reads files only, and works without any RDMA library.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace joinleaf::rdma {

// Where the kernel shows its devices, and where programs reach them.
struct places {
    std::filesystem::path devices = "/sys/class/infiniband";
    std::filesystem::path nodes = "/dev/infiniband";
};

struct port {
    std::string number;
    std::string state;      // "ACTIVE", "DOWN" ...; empty: not told
    std::string link_layer; // "InfiniBand", "Ethernet"; empty: not told
};

struct device {
    std::string name;
    std::vector<port> ports; // by number
};

// What a look found.
struct survey {
    std::vector<device> devices; // by name
    bool supported = false;      // the kernel has RDMA support
    bool reachable = false;      // a device node for verbs exists
    std::string trouble;         // why the look failed; else empty
};

// Never throws for what the machine has or lacks; std::bad_alloc only.
survey look(const places& where = {});

// One sentence for the operator that says what was found there.
std::string sentence(const survey& found, const places& where = {});

} // namespace joinleaf::rdma
