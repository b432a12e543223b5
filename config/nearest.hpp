// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace joinleaf::config {

/// The known word that `word` was most likely meant to be: the smallest edit distance (a swap of two neighbours counts
/// one; case counts nothing, nor does '-' for '_'), at most a third of the word's length, or a known word that
/// begins with it. Empty if nothing is near. The first of equals wins. [any]
std::string nearest(std::string_view word, std::span<const std::string_view> known);

} // namespace joinleaf::config
