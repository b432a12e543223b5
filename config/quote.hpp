// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace joinleaf::config {

/// `"text"`, fit for one line of a message: what no terminal should see is written as \xNN, a long text is cut. [any]
std::string quote(std::string_view text);

/// `a, b, c`. [any]
std::string listing(std::span<const std::string_view> words);

/// `; did you mean "near"?`, or nothing when no known word is near. [any]
std::string suggestion(std::string_view word, std::span<const std::string_view> known);

} // namespace joinleaf::config
