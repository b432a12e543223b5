// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_check.hpp"

#include "config/limits.hpp"

#include <fmt/format.h>

namespace joinleaf::config {
namespace {

// Before it answers its first event, yaml-cpp's scanner reads ahead to the end of the list or map in brackets that the
// text begins with. Brackets and commas make the most tokens per byte, so their number is bounded; tokens that need
// neither are longer, and as many as fit into a file stay cheap. Prose in quotes or comments has a comma in some sixty
// characters, a file of the largest size may have one in eight.
constexpr std::size_t most_flow_marks = 2 * limits::total_nodes;

std::optional<problem> check_flow_marks(std::string_view text, const mark_reader& marks) {
    std::size_t seen = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if ((c == '[' || c == '{' || c == ',') && ++seen > most_flow_marks)
            return problem{
                marks.at_offset(at),
                fmt::format("too much: found more than {} of the characters [ {{ and ,", most_flow_marks)};
    }
    return std::nullopt;
}

// yaml-cpp drops a line that begins with % wherever it stands, be it a directive or a slip of the finger.
std::optional<problem> check_lines(std::string_view text, const mark_reader& marks) {
    const auto feed = text.find("\n%");
    if (!text.starts_with('%') && feed == std::string_view::npos)
        return std::nullopt;
    return problem{marks.at_offset(text.starts_with('%') ? 0 : feed + 1),
                   "found a line that begins with %; directives are not allowed here"};
}

} // namespace

std::optional<problem> check_yaml(std::string_view text, const mark_reader& marks) {
    if (auto excess = check_flow_marks(text, marks))
        return excess;
    return check_lines(text, marks);
}

} // namespace joinleaf::config
