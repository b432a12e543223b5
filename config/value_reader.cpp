// SPDX-License-Identifier: Apache-2.0
#include "config/value_reader.hpp"

#include "config/quote.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace joinleaf::config {
namespace {

std::optional<std::uint64_t> as_number(const yaml_node& value) {
    if (value.what != yaml_node::kind::text || value.quoted)
        return std::nullopt;
    const auto& text = value.text;
    if (text.size() > 1 && text.front() == '0')
        return std::nullopt;
    std::uint64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || rest != end)
        return std::nullopt;
    return number;
}

} // namespace

std::string describe(const yaml_node& value) {
    switch (value.what) {
    case yaml_node::kind::nothing: return "nothing";
    case yaml_node::kind::list: return "a list";
    case yaml_node::kind::map: return "a map";
    case yaml_node::kind::text: break;
    }
    return fmt::format("{} {}", value.quoted ? "quoted text" : "text", quote(value.text));
}

void report_kind(const yaml_node& value, std::string_view what, std::string_view expected, report& out) {
    out.add(value, fmt::format("{}: expected {}, found {}", what, expected, describe(value)));
}

std::optional<std::string> read_text(const yaml_node& value, std::string_view what, std::string_view expected,
                                     report& out) {
    if (value.what == yaml_node::kind::text)
        return value.text;
    report_kind(value, what, expected, out);
    return std::nullopt;
}

std::optional<bool> read_truth(const yaml_node& value, std::string_view what, report& out) {
    if (value.what == yaml_node::kind::text && !value.quoted) {
        if (value.text == "true")
            return true;
        if (value.text == "false")
            return false;
    }
    report_kind(value, what, "true or false", out);
    return std::nullopt;
}

std::optional<std::uint64_t> read_number(const yaml_node& value, std::string_view what, std::uint64_t least,
                                         std::uint64_t most, report& out) {
    const auto number = as_number(value);
    if (number && *number >= least && *number <= most)
        return number;
    const auto expected = least == most ? fmt::format("the number {}", least)
                                        : fmt::format("a whole number from {} to {}", least, most);
    report_kind(value, what, expected, out);
    return std::nullopt;
}

std::optional<std::string> read_word(const yaml_node& value, std::string_view what,
                                     std::span<const std::string_view> allowed, report& out) {
    const auto expected = fmt::format("one of {}", listing(allowed));
    auto text = read_text(value, what, expected, out);
    if (!text || std::ranges::find(allowed, *text) != allowed.end())
        return text;
    out.add(value, fmt::format("{}: expected {}, found {}{}", what, expected, describe(value),
                               suggestion(*text, allowed)));
    return std::nullopt;
}

const std::vector<yaml_node>* read_list(const yaml_node& value, std::string_view what,
                                        std::string_view expected, report& out) {
    if (value.what == yaml_node::kind::list)
        return &value.items;
    report_kind(value, what, expected, out);
    return nullptr;
}

map_reader::map_reader(const yaml_node& value, std::string_view what,
                       std::span<const std::string_view> allowed, report& out)
    : value_(value), what_(what), out_(out) {
    const auto keys = listing(allowed);
    if (!*this)
        report_kind(value, what, fmt::format("a map with the keys {}", keys), out);
    for (const auto& [key, content] : value.entries) {
        if (std::ranges::find(allowed, key.text) == allowed.end())
            out.add(key, fmt::format("{}: unknown key {}; allowed: {}{}", what, quote(key.text), keys,
                                     suggestion(key.text, allowed)));
    }
}

const yaml_entry* map_reader::entry(std::string_view key) const {
    const auto found = std::ranges::find(value_.entries, key, [](const yaml_entry& e) { return e.key.text; });
    return found == value_.entries.end() ? nullptr : &*found;
}

const yaml_node* map_reader::find(std::string_view key) const {
    const auto* const found = entry(key);
    if (found == nullptr || found->value.what != yaml_node::kind::nothing)
        return found == nullptr ? nullptr : &found->value;
    out_.add(found->key,
             fmt::format("{}: the key \"{}\" has no value; give it one or leave the key out", what_, key));
    return nullptr;
}

const yaml_node* map_reader::require(std::string_view key, std::string_view expected) const {
    if (*this && entry(key) == nullptr)
        out_.add(value_, fmt::format("{}: the key \"{}\" is missing; expected {}", what_, key, expected));
    return find(key);
}

} // namespace joinleaf::config
