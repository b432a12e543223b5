// SPDX-License-Identifier: Apache-2.0
#include "config/include.hpp"

#include "config/file_path.hpp"
#include "config/limits.hpp"
#include "config/quote.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>

#include <dirent.h>
#include <fnmatch.h>

namespace joinleaf::config {
namespace {

struct folder_closer {
    void operator()(DIR* folder) const { ::closedir(folder); }
};
using open_folder = std::unique_ptr<DIR, folder_closer>;

using names = tl::expected<std::vector<std::string>, std::string>;

bool has_wildcard(std::string_view path) {
    return path.find_first_of("*?[") != std::string_view::npos;
}

names read_matches(DIR* folder, const std::string& pattern, std::size_t most) {
    std::vector<std::string> found;
    std::size_t seen = 0;
    for (;;) {
        errno = 0;
        // Only this thread has the stream, which is all that readdir asks for.
        const auto* const entry = ::readdir(folder); // NOLINT(concurrency-mt-unsafe)
        if (entry == nullptr && errno != 0)
            return tl::unexpected(std::generic_category().message(errno));
        if (entry == nullptr)
            return found;
        if (++seen > limits::folder_entries)
            return tl::unexpected(fmt::format("it has more than {} entries", limits::folder_entries));
        std::string name(&entry->d_name[0]);
        if (fits(name, pattern))
            found.push_back(std::move(name));
        if (found.size() > most)
            return tl::unexpected(fmt::format("more than {} files match", most));
    }
}

names matches_in(const std::string& folder, const std::string& pattern, std::size_t most) {
    const open_folder opened(::opendir(folder.c_str()));
    if (opened)
        return read_matches(opened.get(), pattern, most);
    if (errno == ENOENT)
        return std::vector<std::string>{};
    return tl::unexpected(std::generic_category().message(errno));
}

} // namespace

std::optional<drop_in_pattern> pattern_of(const std::string& file, const std::string& path) {
    const std::filesystem::path wanted = path;
    if (!has_wildcard(path) || has_wildcard(wanted.parent_path().string()))
        return std::nullopt;
    const auto folder = std::filesystem::path(beside(file, path)).parent_path();
    return drop_in_pattern{folder.empty() ? "." : folder.string(), wanted.filename().string()};
}

bool fits(const std::string& name, const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD | FNM_NOESCAPE) == 0;
}

names expand_include(const std::string& file, const std::string& path, std::size_t most) {
    const std::filesystem::path wanted = path;
    if (!has_wildcard(path))
        return std::vector{beside(file, path)};
    if (has_wildcard(wanted.parent_path().string()))
        return tl::unexpected(
            fmt::format("include: found {}; wildcards are allowed only after the last /", quote(path)));

    const auto folder = std::filesystem::path(beside(file, path)).parent_path();
    auto found = matches_in(folder.empty() ? "." : folder.string(), wanted.filename().string(), most);
    if (!found)
        return tl::unexpected(fmt::format("include: the folder {} of the pattern {} cannot be searched: {}",
                                          quote(folder.string()), quote(path), found.error()));
    std::ranges::sort(*found);
    for (auto& name : *found)
        name = (folder / name).string();
    return found;
}

} // namespace joinleaf::config
