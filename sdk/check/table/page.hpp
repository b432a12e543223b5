// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "clause_list.hpp"
#include "evidence.hpp"

#include <string>
#include <vector>

namespace joinleaf::check {

// docs/conformance.md.
std::string page_of(const std::vector<clause>& clauses, const evidence& found);

// What is wrong with the clauses themselves: failed, unproved and not listed as open, proved and listed as open. A line each; empty: all is well.
std::string complaints(const std::vector<clause>& clauses, const evidence& found);

// The lines in which the page differs from what was found, apart from what this machine cannot tell; empty: it is current.
std::string differences(const std::string& page, const std::vector<clause>& clauses, const evidence& found);

} // namespace joinleaf::check
