// SPDX-License-Identifier: Apache-2.0
//
// The catalog, a choice and a configuration as JSON texts: jl_catalog_json, jl_explain_json, jl_check_json.
// Bytes that are no UTF-8 come out as U+FFFD. All functions are [any].
#pragma once

#include "config/config.hpp"
#include "runtime/catalog/catalog.hpp"

#include <string>

namespace joinleaf::catalog {

std::string catalog_json(const catalog& from, const config::configuration& configuration);
std::string explain_json(const decision& made);

// file NULL: the search order of the environment. Loads no library.
std::string check_json(const char* file);

} // namespace joinleaf::catalog
