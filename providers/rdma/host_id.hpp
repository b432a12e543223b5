// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace joinleaf::rdma {

// The same for all processes of one network namespace of one running kernel, and for nobody else: what "this host" means
// to SIO_MULTIPOINT_LOOPBACK and to a scope of 0. 0: the kernel does not tell. [any]
std::uint64_t host_id();

} // namespace joinleaf::rdma
