// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "config/report.hpp"

namespace joinleaf::config {

/// `statistics:`; what is wrong is reported and keeps its default.
statistics read_statistics(const yaml_node& value, report& out);

} // namespace joinleaf::config
