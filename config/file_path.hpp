// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace joinleaf::config {

/// `path` as seen from the folder of `file`; an absolute path stays as it is. The file system is not asked. [any]
std::string beside(const std::string& file, std::string_view path);

/// The same, and absolute: it keeps its meaning when the process changes its working folder. [any]
std::string absolute_beside(const std::string& file, std::string_view path);

/// Why `path` cannot be one that a file names: it is empty, it ends in '/', it holds a control character, it begins
/// with `~/` and hopes for a shell. The end of a message that begins with what the path is. [any]
std::optional<std::string> path_complaint(std::string_view path);

} // namespace joinleaf::config
