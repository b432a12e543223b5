// SPDX-License-Identifier: Apache-2.0
//
// The text of one configuration file -> what it says. Looks at no other file.
#pragma once

#include "config/config.hpp"

#include <cstddef>
#include <optional>

namespace joinleaf::config {

/// Whether a file is the first one read or was included by another.
enum class file_role { main_file, drop_in };

/// One item of `include:`, as written.
struct include_item {
    std::string path;
    position where;
};

struct file_content {
    config::reactor reactor;
    config::statistics statistics;
    std::vector<provider> providers; ///< the name is empty where there was none, or none that can be
    std::vector<include_item> includes;
    std::optional<std::vector<order_item>> order; ///< nothing when the file has none
    std::size_t nodes = 0;                        ///< what the file takes of limits::total_nodes
    std::vector<problem> problems;
};

/// Reads `text` as the content of `file`, of at most `most_nodes` nodes. Never throws for anything it holds. [any]
file_content read_file_text(std::string_view text, const std::string& file, file_role role,
                            std::size_t most_nodes);

} // namespace joinleaf::config
