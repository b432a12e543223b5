// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "config/report.hpp"

namespace joinleaf::config {

/// Whether `name` may name a provider. [any]
bool is_provider_name(std::string_view name);

/// One entry of `providers:`. What is wrong is reported; then the parts concerned are empty.
provider read_provider(const yaml_node& value, report& out);

} // namespace joinleaf::config
