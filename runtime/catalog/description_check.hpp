// SPDX-License-Identifier: Apache-2.0
//
// What must hold for the tables of a provider, whatever transport it is. All functions are [any]; a result is
// the problem, nothing means that there is none. The rows are copies of full size.
#pragma once

#include "joinleaf/provider.h"

#include <optional>
#include <string>

namespace joinleaf::catalog {

// The name of a function that provider.h requires and the tables lack.
std::optional<std::string> missing_function(const jl_provider& table);

// The first row, protocol or option, that contradicts itself, another row or the functions.
std::optional<std::string> bad_rows(const jl_provider& table);

} // namespace joinleaf::catalog
