// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "config/report.hpp"

namespace joinleaf::config {

/// Whether `name` may name a provider. [any]
bool is_provider_name(std::string_view name);

/// An id without braces and in lower case; nothing where the text is none. [any]
std::optional<std::string> normal_id(std::string_view text);

/// Whether a library's path starts where an environment variable says, and so not beside the file. [any]
bool begins_with_variable(std::string_view path);

/// One entry of `providers:`. What is wrong is reported; then the parts concerned are empty.
provider read_provider(const yaml_node& value, report& out);

} // namespace joinleaf::config
