// SPDX-License-Identifier: Apache-2.0
#include "runtime/catalog/narrowing.hpp"

#include "runtime/catalog/words.hpp"

#include <algorithm>
#include <charconv>

namespace joinleaf::catalog {
namespace {

template <class Meaning> std::vector<int> numbers(const std::vector<std::string>& words, Meaning meaning) {
    std::vector<int> found;
    for (const auto& word : words) {
        if (const auto number = meaning(word)) {
            found.push_back(*number);
        }
    }
    return found;
}

int number_of(const std::string& text) {
    int number = -1;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

bool allows(const std::vector<int>& allowed, int number) {
    return allowed.empty() || std::ranges::find(allowed, number) != allowed.end();
}

} // namespace

narrowing narrowed_by(const config::match& match, const std::vector<config::entry_name>& entries) {
    narrowing limits;
    for (const auto& each : entries) {
        limits.entries.push_back({family_number(each.family).value_or(number_of(each.family)),
                                  type_number(each.type).value_or(number_of(each.type)),
                                  protocol_number(each.protocol).value_or(number_of(each.protocol))});
    }
    limits.families = numbers(match.family, family_number);
    if (std::ranges::find(limits.families, AF_UNSPEC) != limits.families.end()) {
        limits.families.clear();
    }
    limits.types = numbers(match.type, type_number);
    limits.protocols = numbers(match.protocol, protocol_number);
    if (!match.flags.empty()) {
        limits.flags = 0;
        for (const auto& word : match.flags) {
            limits.flags |= flag_number(word).value_or(0);
        }
    }
    return limits;
}

bool leaves(const narrowing& limits, const jl_protocol& row) {
    return lists(limits, row) && allows_family(limits, row.family) && allows_type(limits, row.socket_type) &&
           allows_protocol(limits, row, 0);
}

bool lists(const narrowing& limits, const jl_protocol& row) {
    return limits.entries.empty() || std::ranges::any_of(limits.entries, [&row](const listed_entry& each) {
               return each.family == row.family && each.type == row.socket_type &&
                      each.protocol == row.protocol;
           });
}

bool allows_family(const narrowing& limits, int family) {
    return allows(limits.families, family);
}
bool allows_type(const narrowing& limits, int type) {
    return allows(limits.types, type);
}

bool allows_protocol(const narrowing& limits, const jl_protocol& row, int protocol) {
    if (limits.protocols.empty()) {
        return true;
    }
    if (protocol != 0) {
        return allows(limits.protocols, protocol);
    }
    return std::ranges::any_of(limits.protocols, [&row](int allowed) {
        return allowed >= row.protocol && allowed - row.protocol <= row.protocol_max_offset;
    });
}

} // namespace joinleaf::catalog
