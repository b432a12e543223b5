// SPDX-License-Identifier: Apache-2.0
// What running processes publish of themselves: PID.sock in a folder, each of which answers with JSON.
#pragma once

#include "result.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace joinleaf::cli {

/// The processes that have a socket in the folder, ascending; the folder need not exist.
result<std::vector<int>> publishing_processes(const std::string& folder);

/// What one process answers. status::negative: it has no socket there, or is gone; status::session: it may not be
/// asked, or does not answer.
result<nlohmann::json> read_publication(const std::string& folder, int process);

} // namespace joinleaf::cli
