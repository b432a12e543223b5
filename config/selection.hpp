// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"

#include <string_view>
#include <vector>

namespace joinleaf::config {

/// Applies the value of JOINLEAF_PROVIDERS: `a,b` or `^a,b`. Answers what is wrong with it; then nothing is applied.
/// Blanks around a name do not count. [any]
std::vector<problem> select_providers(configuration& all, std::string_view value);

} // namespace joinleaf::config
