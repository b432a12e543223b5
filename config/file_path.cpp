// SPDX-License-Identifier: Apache-2.0
#include "config/file_path.hpp"

#include "config/quote.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace joinleaf::config {

std::string beside(const std::string& file, std::string_view path) {
    // "./" says "here", which the folder in front says already. Nothing else is folded: `a/../b` may follow a link.
    while (path.starts_with("./"))
        path.remove_prefix(std::min(path.find_first_not_of('/', 1), path.size()));
    return (std::filesystem::path(file).parent_path() / path).string();
}

std::string absolute_beside(const std::string& file, std::string_view path) {
    const auto joined = beside(file, path);
    std::error_code error;
    const auto absolute = std::filesystem::absolute(joined, error);
    return error ? joined : absolute.string();
}

std::optional<std::string> path_complaint(std::string_view path) {
    if (path.empty())
        return "found an empty text";
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7F'; };
    if (std::ranges::any_of(path, is_control))
        return fmt::format("found the path {} with a control character", quote(path));
    if (path.ends_with('/'))
        return fmt::format("found {}, the name of a folder", quote(path));
    if (path.starts_with("~/"))
        return fmt::format("found {}; ~ is not replaced here, write the whole path", quote(path));
    return std::nullopt;
}

} // namespace joinleaf::config
