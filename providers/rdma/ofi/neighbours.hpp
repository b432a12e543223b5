// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace joinleaf::rdma::ofi {

// The ports of this process, by the names of their endpoints. libfabric's shared memory uses an endpoint of its own process
// where it lies, and goes on using it when it has been closed; so a port lives until all of this process that have met it
// have forgotten it. Safe from any thread.
class neighbours {
  public:
    static void add(std::span<const std::byte> name, std::weak_ptr<void> which);
    // Null: it is none of this process.
    static std::shared_ptr<void> find(std::span<const std::byte> name);
};

} // namespace joinleaf::rdma::ofi
