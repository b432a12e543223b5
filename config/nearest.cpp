// SPDX-License-Identifier: Apache-2.0
#include "config/nearest.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace joinleaf::config {
namespace {

// Longer words are no misspelt keys; the bound keeps hostile input from buying time with them.
constexpr std::size_t longest_word = 64;
// A shorter beginning fits too many words to mean one of them.
constexpr std::size_t shortest_beginning = 3;

std::string folded(std::string_view word) {
    std::string out(word);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
        else if (c == '-')
            c = '_';
    }
    return out;
}

// Insert, delete and replace one character, or swap two neighbours: one each.
std::size_t distance(std::string_view a, std::string_view b) {
    std::array<std::vector<std::size_t>, 3> rows;
    for (auto& row : rows)
        row.resize(b.size() + 1);
    auto& [before, previous, current] = rows;
    for (std::size_t j = 0; j <= b.size(); ++j)
        previous[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        current[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replace = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U);
            current[j] = std::min({replace, previous[j] + 1, current[j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                current[j] = std::min(current[j], before[j - 2] + 1);
        }
        before.swap(previous);
        previous.swap(current);
    }
    return previous[b.size()];
}

} // namespace

std::string nearest(std::string_view word, std::span<const std::string_view> known) {
    if (word.empty() || word.size() > longest_word)
        return {};
    const auto wanted = folded(word);
    std::string_view best;
    std::string_view begins;
    std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const auto candidate : known) {
        if (candidate.size() > longest_word)
            continue;
        const auto other = folded(candidate);
        // A distance as long as the word itself would be a different word, not a slip.
        const auto far = distance(wanted, other);
        if (far < best_distance && far < std::max(word.size(), candidate.size())) {
            best_distance = far;
            best = candidate;
        }
        if (begins.empty() && word.size() >= shortest_beginning && other.starts_with(wanted))
            begins = candidate;
    }
    return std::string(best.empty() ? begins : best);
}

} // namespace joinleaf::config
