// SPDX-License-Identifier: Apache-2.0
#include "config/match_reader.hpp"

#include "config/keywords.hpp"
#include "config/quote.hpp"
#include "config/value_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace joinleaf::config {
namespace {

using words = std::span<const std::string_view>;

bool looks_like_a_number(const std::string& text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<std::string> read_one(const yaml_node& value, const std::string& what, words allowed,
                                    report& out) {
    return read_word(value, what, allowed, out);
}

// A protocol is one of three words or its number in the IP header.
std::optional<std::string> read_protocol(const yaml_node& value, const std::string& what, words allowed,
                                         report& out) {
    const auto expected = fmt::format("one of {} or a number from 0 to 255", listing(allowed));
    auto text = read_text(value, what, expected, out);
    if (!text || std::ranges::find(allowed, *text) != allowed.end())
        return text;
    if (looks_like_a_number(*text)) {
        const auto number = read_number(value, what, 0, 255, out);
        return number ? std::optional(fmt::format("{}", *number)) : std::nullopt;
    }
    out.add(value, fmt::format("{}: expected {}, found {}{}", what, expected, describe(value),
                               suggestion(*text, allowed)));
    return std::nullopt;
}

// Reads `key: word` and `key: [word, word]` alike.
template <class Read>
std::vector<std::string> read_words(const map_reader& keys, std::string_view key, words allowed, Read read,
                                    report& out) {
    const auto* const value = keys.find(key);
    if (value == nullptr)
        return {};
    const auto what = fmt::format("provider.match.{}", key);
    const bool is_list = value->what == yaml_node::kind::list;
    if (is_list && value->items.empty())
        out.add(*value,
                fmt::format("{}: found an empty list, which would match nothing; leave the key out to match "
                            "everything",
                            what));
    std::vector<std::string> found;
    for (const auto& item : is_list ? std::span(value->items) : std::span(value, 1)) {
        const auto word = read(item, what, allowed, out);
        if (word && std::ranges::find(found, *word) != found.end())
            out.add(item, fmt::format("{}: found {} a second time", what, quote(*word)));
        else if (word)
            found.push_back(*word);
    }
    return found;
}

} // namespace

match read_match(const yaml_node& value, report& out) {
    const map_reader keys(value, "provider.match", keywords::match, out);
    match result;
    result.where = out.at(value);
    result.family = read_words(keys, "family", keywords::family, read_one, out);
    result.type = read_words(keys, "type", keywords::type, read_one, out);
    result.protocol = read_words(keys, "protocol", keywords::protocol, read_protocol, out);
    result.flags = read_words(keys, "flags", keywords::flags, read_one, out);
    return result;
}

} // namespace joinleaf::config
