// SPDX-License-Identifier: Apache-2.0
//
// The outcomes of a run, for people and for programs.
#pragma once

#include "outcome.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace joinleaf::check {

// One case as it is shown while the run goes on: a line, and below it, indented, what there is to say.
std::string line_of(const outcome& one);

// The closing lines: what was skipped for want of which capability, and the count of each verdict.
std::string summary_of(const std::vector<outcome>& outcomes);

// {"provider": ..., "cases": [{name, suite, case, entry, clauses, outcome, milliseconds, text}], "totals": {...}}; `provider` is what the
// caller knows of it.
nlohmann::ordered_json json_of(const nlohmann::json& provider, const std::vector<outcome>& outcomes);

} // namespace joinleaf::check
