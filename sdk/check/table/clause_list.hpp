// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

namespace joinleaf::check {

struct clause {
    std::string id;    // "JL-30"
    std::string words; // one line
    std::string apart; // why no test can decide it; empty: one can
    bool open = false; // no test proves it yet

    [[nodiscard]] std::string group() const { return id.substr(0, id.find('-')); }
};

// docs/clauses.yaml, in its order. Throws std::runtime_error with FILE:LINE:COL where it is wrong.
std::vector<clause> read_clauses(const std::string& file);

} // namespace joinleaf::check
