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

constexpr std::string_view expected_entry = "FAMILY/TYPE/PROTOCOL such as inet/dgram/udp";

bool is_word_or_number(const std::string& part, words allowed) {
    return std::ranges::find(allowed, part) != allowed.end() ||
           (looks_like_a_number(part) && part.size() <= 5 && (part.size() == 1 || part.front() != '0'));
}

std::optional<entry_name> read_entry(const yaml_node& value, report& out) {
    const auto text = read_text(value, "provider.entries", expected_entry, out);
    if (!text)
        return std::nullopt;
    const auto first = text->find('/');
    const auto second = first == std::string::npos ? first : text->find('/', first + 1);
    if (second != std::string::npos) {
        entry_name name{text->substr(0, first), text->substr(first + 1, second - first - 1),
                        text->substr(second + 1)};
        if (is_word_or_number(name.family, keywords::entry_family) &&
            is_word_or_number(name.type, keywords::type) &&
            is_word_or_number(name.protocol, keywords::protocol))
            return name;
    }
    report_kind(value, "provider.entries", expected_entry, out);
    return std::nullopt;
}

} // namespace

std::vector<entry_name> read_entries(const yaml_node& value, report& out) {
    std::vector<entry_name> entries;
    const auto* const items = read_list(value, "provider.entries", "a list such as [inet/dgram/udp]", out);
    if (items == nullptr)
        return entries;
    if (items->empty())
        out.add(value,
                "provider.entries: found an empty list, which would offer nothing; leave the key out to "
                "offer all that the library has");
    for (const auto& each : *items) {
        auto entry = read_entry(each, out);
        if (entry && std::ranges::find(entries, *entry) != entries.end())
            out.add(each, fmt::format("provider.entries: found {} a second time", quote(each.text)));
        else if (entry)
            entries.push_back(*std::move(entry));
    }
    return entries;
}

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
