// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace joinleaf::rdma {

// "; locked memory is limited to 64 KiB: raise it (...)"; empty where there is no limit.
std::string locked_memory_hint();

} // namespace joinleaf::rdma
