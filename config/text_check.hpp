// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/position.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace joinleaf::config {

/// The first thing that makes `text` something else than UTF-8 text with ordinary line ends: a NUL or another control
/// character, a malformed sequence, a lone carriage return. Needed before yaml-cpp sees it: that one takes U+0004 for
/// the end of the file and replaces malformed sequences. [any]
std::optional<problem> check_text(std::string_view text, const std::string& file);

} // namespace joinleaf::config
