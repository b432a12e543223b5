// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "result.hpp"

#include <string>
#include <vector>

namespace joinleaf::cli {

struct statistics_options {
    std::string config;         ///< empty: the search order; only its statistics.folder counts
    std::string folder;         ///< empty: that of the configuration
    std::vector<int> processes; ///< empty: all that publish there
    bool json = false;
    bool prometheus = false;
};

/// `joinleaf stats`: what running processes count. status::negative where no process publishes, or not one that was
/// asked for.
result<void> show_statistics(const statistics_options& asked);

} // namespace joinleaf::cli
