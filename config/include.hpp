// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tl/expected.hpp>

#include <cstddef>
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

} // namespace joinleaf::config
