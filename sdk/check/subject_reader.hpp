// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace joinleaf::check {

// Exit status when there is nothing to run the cases over.
inline constexpr int cannot_start = 3;

// Fills the subject of the cases from JOINLEAF_CHECK_SUBJECT and asks the catalog for its entries; leaves the providers of this
// build as the subject where that is not set. The JSON holds name, library, options, tuning. Empty, or why there is
// nothing to check.
std::string find_subject();

} // namespace joinleaf::check
