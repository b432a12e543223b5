// SPDX-License-Identifier: Apache-2.0
#include "config/selection.hpp"

#include "config/quote.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace joinleaf::config {
namespace {

constexpr std::string_view blanks = " \t";

struct word {
    std::string_view text;
    std::size_t offset;
};

position at(std::size_t offset) {
    return {"JOINLEAF_PROVIDERS", 1, static_cast<int>(offset) + 1};
}

// The comma-separated parts of `value` from `begin` on, without the blanks around them.
std::vector<word> split(std::string_view value, std::size_t begin) {
    std::vector<word> words;
    for (;;) {
        const auto comma = std::min(value.find(',', begin), value.size());
        const auto first = std::min(value.find_first_not_of(blanks, begin), comma);
        const auto last = value.substr(first, comma - first).find_last_not_of(blanks);
        words.push_back({value.substr(first, last == std::string_view::npos ? 0 : last + 1), first});
        if (comma == value.size())
            return words;
        begin = comma + 1;
    }
}

std::vector<problem> check(const std::vector<word>& words, const std::vector<std::string_view>& known) {
    std::vector<problem> problems;
    for (const auto& each : words) {
        if (each.text.empty())
            problems.push_back({at(each.offset),
                                "found nothing where a provider's name belongs; expected NAME,NAME... "
                                "or ^NAME,NAME..."});
        else if (std::ranges::find(known, each.text) == known.end())
            problems.push_back(
                {at(each.offset),
                 fmt::format("found the unknown provider {}; the configuration has: {}{}", quote(each.text),
                             known.empty() ? "none" : listing(known), suggestion(each.text, known))});
    }
    return problems;
}

} // namespace

std::vector<problem> select_providers(configuration& all, std::string_view value) {
    const auto start = std::min(value.find_first_not_of(blanks), value.size());
    const bool all_but = value.substr(start).starts_with('^');
    const auto words = split(value, all_but ? start + 1 : start);
    std::vector<std::string_view> known;
    for (const auto& each : all.providers)
        known.emplace_back(each.name);
    auto problems = check(words, known);
    if (!problems.empty())
        return problems;
    for (auto& each : all.providers) {
        const auto named = std::ranges::find(words, std::string_view(each.name), &word::text);
        if ((named != words.end()) != all_but || !each.enabled)
            continue;
        each.enabled = false;
        each.enabled_where = at(named == words.end() ? start : named->offset);
    }
    return problems;
}

} // namespace joinleaf::config
