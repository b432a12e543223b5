// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "config/report.hpp"
#include "config/yaml_document.hpp"

#include <vector>

namespace joinleaf::config {

/// The value of `order:`. Whether there is such a provider is not looked at: one that is gone leaves a gap. [any]
std::vector<order_item> read_order(const yaml_node& value, report& out);

} // namespace joinleaf::config
