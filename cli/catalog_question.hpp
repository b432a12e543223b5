// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "result.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace joinleaf::cli {

/// One provider as jl_catalog_json shows it: one of the configuration, by its name or its library, or a library alone, by name
/// or path, which no configuration need mention. status::negative: `what` of it cannot be had, and why.
result<nlohmann::json> find_provider(const std::string& config, const std::string& name,
                                     const std::string& what);

} // namespace joinleaf::cli
