// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_marks.hpp"

#include <algorithm>
#include <utility>

namespace joinleaf::config {
namespace {

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

// Made once, because a text may be one long line with a mark at every other byte.
std::vector<std::uint32_t> count_continuations(std::string_view text) {
    if (std::ranges::none_of(text, is_continuation))
        return {};
    std::vector<std::uint32_t> before{0};
    before.reserve(text.size() + 1);
    for (const char c : text)
        before.push_back(before.back() + (is_continuation(c) ? 1U : 0U));
    return before;
}

} // namespace

mark_reader::mark_reader(std::string_view text, std::string file)
    : text_(text), file_(std::move(file)), continuations_(count_continuations(text)) {}

position mark_reader::at(const YAML::Mark& mark) const {
    if (mark.is_null())
        return {file_, 1, 1};
    // yaml-cpp may have read a byte or two of its own behind the end.
    const auto offset = static_cast<std::size_t>(mark.pos);
    const auto behind = offset - std::min(offset, text_.size());
    const auto before = static_cast<std::size_t>(mark.column);
    return {file_, mark.line + 1, column(offset - behind, before - std::min(before, behind))};
}

position mark_reader::at_offset(std::size_t offset) const {
    const auto begin = line_begin(offset);
    const auto lines = std::ranges::count(text_.substr(0, begin), '\n');
    return {file_, static_cast<int>(lines) + 1, column(offset, offset - begin)};
}

bool mark_reader::stands_at(const YAML::Mark& mark, char c) const {
    const auto offset = static_cast<std::size_t>(mark.pos);
    return !mark.is_null() && offset < text_.size() && text_[offset] == c;
}

bool mark_reader::is_closed(const YAML::Mark& mark) const {
    const char quote = stands_at(mark, '"') ? '"' : '\'';
    if (!stands_at(mark, quote))
        return true;
    for (auto at = static_cast<std::size_t>(mark.pos) + 1; at < text_.size(); ++at) {
        // Inside, \ protects what follows it in a "text", and '' stands for ' in a 'text'.
        const bool pair = quote == '"' ? text_[at] == '\\' : text_.substr(at).starts_with("''");
        if (pair)
            ++at;
        else if (text_[at] == quote)
            return true;
    }
    return false;
}

std::optional<position> mark_reader::indenting_tab(const YAML::Mark& mark) const {
    if (mark.is_null())
        return std::nullopt;
    const auto first = text_.find_first_not_of(' ', line_begin(static_cast<std::size_t>(mark.pos)));
    if (first == std::string_view::npos || text_[first] != '\t')
        return std::nullopt;
    return at_offset(first);
}

std::size_t mark_reader::line_begin(std::size_t offset) const {
    // npos + 1 is 0, the beginning of the first line.
    return text_.substr(0, std::min(offset, text_.size())).rfind('\n') + 1;
}

int mark_reader::column(std::size_t offset, std::size_t bytes_before) const {
    auto characters = bytes_before;
    if (offset < continuations_.size() && bytes_before <= offset) {
        // Up to the byte itself: a mark inside a character means that character.
        const auto end = std::min(offset + 1, text_.size());
        characters -= continuations_[end] - continuations_[offset - bytes_before];
    }
    return static_cast<int>(characters) + 1;
}

} // namespace joinleaf::config
