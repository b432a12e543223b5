// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace joinleaf::check {
namespace {

using nlohmann::ordered_json;

constexpr std::array every_verdict{verdict::pass, verdict::warn,  verdict::skip,
                                   verdict::fail, verdict::crash, verdict::timeout};

std::string indented(const std::string& text) {
    std::string made = "         ";
    for (const char c : text) {
        made += c;
        if (c == '\n') {
            made += "         ";
        }
    }
    return made;
}

long count_of(const std::vector<outcome>& outcomes, verdict what) {
    return std::ranges::count(outcomes, what, &outcome::what);
}

ordered_json case_json(const outcome& one) {
    const auto dot = std::min(one.name.find('.'), one.name.size());
    const auto slash = std::min(one.name.find('/', dot), one.name.size());
    const auto after = [&](std::size_t at) { return at < one.name.size() ? at + 1 : at; };
    return {{"name", one.name},
            {"suite", one.name.substr(0, dot)},
            {"case", one.name.substr(after(dot), slash - after(dot))},
            {"entry", one.name.substr(after(slash))},
            {"clauses", clauses_of(one.name)},
            {"outcome", word_of(one.what)},
            {"milliseconds", one.took.count()},
            {"text", one.text}};
}

} // namespace

std::string line_of(const outcome& one) {
    auto line = fmt::format("{:<8} {} ({} ms)\n", word_of(one.what), one.name, one.took.count());
    return one.text.empty() ? line : line + indented(one.text) + "\n";
}

std::string summary_of(const std::vector<outcome>& outcomes) {
    std::map<std::string, int> lacking;
    for (const auto& one : outcomes) {
        if (one.what == verdict::skip) {
            ++lacking[one.text.substr(0, one.text.find('\n'))];
        }
    }
    std::string text;
    for (const auto& [what, count] : lacking) {
        text += fmt::format("skipped  {} for want of: {}\n", count, what);
    }
    text += fmt::format("{} cases", outcomes.size());
    for (const auto what : every_verdict) {
        if (const auto count = count_of(outcomes, what); count > 0) {
            text += fmt::format(", {} {}", count, word_of(what));
        }
    }
    return text + "\n";
}

ordered_json json_of(const nlohmann::json& provider, const std::vector<outcome>& outcomes) {
    ordered_json made{
        {"provider", provider}, {"totals", ordered_json::object()}, {"cases", ordered_json::array()}};
    for (const auto what : every_verdict) {
        made["totals"][word_of(what)] = count_of(outcomes, what);
    }
    for (const auto& one : outcomes) {
        made["cases"].push_back(case_json(one));
    }
    return made;
}

} // namespace joinleaf::check
