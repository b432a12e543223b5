// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/position.hpp"
#include "config/yaml_marks.hpp"

#include <optional>
#include <string_view>

namespace joinleaf::config {

/// The first thing in `text` that yaml-cpp must not see, because it would take too much time and memory for it or pass
/// over it in silence: too many brackets and commas, a line that begins with %. [any]
std::optional<problem> check_yaml(std::string_view text, const mark_reader& marks);

} // namespace joinleaf::config
