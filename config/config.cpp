// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"

#include "config/loader.hpp"
#include "config/selection.hpp"
#include "config/source.hpp"

#include <utility>

namespace joinleaf::config {
namespace {

// A file that was not found by searching is not looked for elsewhere: the message says who named it.
result<configuration> load_from(const source& origin) {
    if (origin.kind == source::kind::built_in)
        return parse_text(default_text(), origin.path);
    auto loaded = load_file(origin.path);
    if (loaded || origin.kind != source::kind::environment)
        return loaded;
    auto problems = std::move(loaded).error();
    problems.front().message += "\n(the environment variable JOINLEAF_CONFIG names this file)";
    return tl::unexpected(std::move(problems));
}

} // namespace

result<configuration> load_file(const std::string& path) {
    loader reader;
    reader.read_file(path);
    return reader.finish();
}

result<configuration> parse_text(std::string_view text, const std::string& name) {
    loader reader;
    reader.read_text(text, name);
    return reader.finish();
}

result<configuration> load() {
    auto loaded = load_from(find_source());
    const auto selection = variable("JOINLEAF_PROVIDERS");
    if (!loaded || !selection)
        return loaded;
    auto problems = select_providers(*loaded, *selection);
    if (!problems.empty())
        return tl::unexpected(std::move(problems));
    return loaded;
}

} // namespace joinleaf::config
