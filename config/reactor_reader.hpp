// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "config/report.hpp"

namespace joinleaf::config {

/// `reactor:`; what is wrong is reported and keeps its default.
reactor read_reactor(const yaml_node& value, report& out);

} // namespace joinleaf::config
