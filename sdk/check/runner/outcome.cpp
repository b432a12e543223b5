// SPDX-License-Identifier: Apache-2.0
#include "outcome.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace joinleaf::check {
namespace {

constexpr std::array<std::string_view, 12> groups{"ST", "CT", "JL", "AC", "EV", "QS",
                                                  "IO", "LC", "ER", "RM", "D",  "JLP"};

bool is_number(std::string_view word) {
    return !word.empty() && std::ranges::all_of(word, [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::vector<std::string_view> words_of(std::string_view name) {
    std::vector<std::string_view> words;
    for (std::size_t from = 0; from <= name.size();) {
        const auto to = std::min(name.find('_', from), name.size());
        words.push_back(name.substr(from, to - from));
        from = to + 1;
    }
    return words;
}

} // namespace

const char* word_of(verdict what) noexcept {
    switch (what) {
    case verdict::pass: return "pass";
    case verdict::warn: return "warn";
    case verdict::skip: return "skip";
    case verdict::fail: return "fail";
    case verdict::crash: return "crash";
    case verdict::timeout: return "timeout";
    }
    return "";
}

std::vector<std::string> clauses_of(const std::string& name) {
    // A remark on the parameter may follow; the parameter's name has no dot.
    const auto plain = std::string_view(name).substr(0, name.find("  # "));
    const auto dot = plain.rfind('.');
    const auto from = dot == std::string_view::npos ? 0 : dot + 1;
    const auto words = words_of(plain.substr(from, plain.find('/', from) - from));
    std::vector<std::string> clauses;
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        if (std::ranges::find(groups, words[i]) != groups.end() && is_number(words[i + 1])) {
            clauses.push_back(std::string(words[i]) + "-" + std::string(words[i + 1]));
        }
    }
    return clauses;
}

} // namespace joinleaf::check
