// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "config/report.hpp"

namespace joinleaf::config {

/// `match:` of a provider. Each key takes one word or a list of words.
match read_match(const yaml_node& value, report& out);

/// `entries:` of a provider, a list of FAMILY/TYPE/PROTOCOL.
std::vector<entry_name> read_entries(const yaml_node& value, report& out);

} // namespace joinleaf::config
