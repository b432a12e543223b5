// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace joinleaf::check {

// What the observer has told since the last call, each sentence once.
std::vector<std::string> take_violations();

} // namespace joinleaf::check
