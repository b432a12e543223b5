// SPDX-License-Identifier: Apache-2.0
#include "config/position.hpp"

#include <fmt/format.h>

namespace joinleaf::config {

std::string position::text() const {
    return fmt::format("{}:{}:{}", file, line, column);
}

std::string problem::text() const {
    return fmt::format("{}: {}", where.text(), message);
}

} // namespace joinleaf::config
