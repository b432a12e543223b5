// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"

#include <tl/expected.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace joinleaf::config {

/// The files that one item of `include:` means, seen from the folder of `file`.
/// A literal path is answered as it is, there or not. A pattern (it has a *, ? or [) may match nothing; its matches come
/// in the order of their file names, byte by byte, hidden files only when the pattern asks for a leading dot. Wildcards
/// stand in the last part of the path only, so that a pattern reads one folder and never walks a tree.
/// More than `most` matches are an error. The error is a whole message. [any]
tl::expected<std::vector<std::string>, std::string> expand_include(const std::string& file,
                                                                   const std::string& path, std::size_t most);

/// The folder and the pattern of such an item; nothing where it names one file, or where expand_include() refuses it. [any]
std::optional<drop_in_pattern> pattern_of(const std::string& file, const std::string& path);

/// Whether a file of this name is one that a pattern means. [any]
bool fits(const std::string& name, const std::string& pattern);

} // namespace joinleaf::config
