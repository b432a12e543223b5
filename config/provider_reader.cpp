// SPDX-License-Identifier: Apache-2.0
#include "config/provider_reader.hpp"

#include "config/file_path.hpp"
#include "config/keywords.hpp"
#include "config/limits.hpp"
#include "config/match_reader.hpp"
#include "config/quote.hpp"
#include "config/value_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace joinleaf::config {
namespace {

constexpr std::string_view expected_name = "a name of 1 to 64 letters, digits, _ . and -";
constexpr std::string_view expected_library = "a library's name such as udp-mcast, or a path with a /";

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
}

bool is_bare_name(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_name_character);
}

constexpr std::string_view expected_id =
    "36 characters such as 6f1d0a52-3c8e-4b67-9a41-d2750eb358c4, with or without braces";

std::string read_id(const yaml_node& value, report& out) {
    const auto text = read_text(value, "provider.id", expected_id, out);
    if (!text)
        return {};
    auto id = normal_id(*text);
    if (!id)
        report_kind(value, "provider.id", expected_id, out);
    return id.value_or("");
}

std::string read_name(const yaml_node& value, report& out) {
    const auto name = read_text(value, "provider.name", expected_name, out);
    if (!name)
        return {};
    if (is_provider_name(*name))
        return *name;
    report_kind(value, "provider.name", expected_name, out);
    return {};
}

std::string read_library(const yaml_node& value, report& out) {
    const auto library = read_text(value, "provider.library", expected_library, out);
    if (!library)
        return {};
    if (const auto complaint = path_complaint(*library)) {
        out.add(value, fmt::format("provider.library: expected {}, {}", expected_library, *complaint));
        return {};
    }
    if (begins_with_variable(*library))
        return *library;
    if (library->find('/') != std::string::npos)
        return absolute_beside(out.file(), *library);
    if (is_bare_name(*library))
        return *library;
    report_kind(value, "provider.library", expected_library, out);
    return {};
}

// A list inside an option's list, a map or a value that is not there: no provider could say what it means.
bool check_scalar(const yaml_node& value, const std::string& what, std::string_view expected, report& out) {
    if (value.what == yaml_node::kind::text)
        return true;
    report_kind(value, what, expected, out);
    return false;
}

option read_option(const yaml_entry& entry, report& out) {
    option result{entry.key.text, {}, false, out.at(entry.key), out.at(entry.value)};
    const auto what = fmt::format("provider.options.{}", entry.key.text.substr(0, limits::name_length));
    if (entry.value.what != yaml_node::kind::list) {
        if (check_scalar(entry.value, what, "a text, a number, true or false, or a list of these", out))
            result.values.push_back(entry.value.text);
        return result;
    }
    result.is_list = true;
    for (const auto& item : entry.value.items) {
        if (check_scalar(item, what, "a list of texts, numbers, true or false", out))
            result.values.push_back(item.text);
    }
    return result;
}

std::vector<option> read_options(const yaml_node& value, report& out) {
    std::vector<option> options;
    if (value.what != yaml_node::kind::map) {
        report_kind(value, "provider.options", "a map of the provider's options", out);
        return options;
    }
    for (const auto& entry : value.entries) {
        if (is_bare_name(entry.key.text))
            options.push_back(read_option(entry, out));
        else
            out.add(entry.key,
                    fmt::format("provider.options: expected an option's name of letters, digits, _ . and "
                                "-, found {}",
                                describe(entry.key)));
    }
    return options;
}

std::optional<std::uint64_t> read_capacity(const yaml_node& value, report& out) {
    const auto text = read_text(value, "provider.qos.capacity", "a rate such as 100Mbit", out);
    if (!text)
        return std::nullopt;
    const auto rate = parse_rate(*text);
    if (!rate)
        out.add(value, "provider.qos.capacity: " + rate.error());
    else if (*rate == 0)
        out.add(
            value,
            fmt::format("provider.qos.capacity: expected a rate above 0, found {}; leave the key out for no "
                        "limit",
                        describe(value)));
    return rate ? std::optional(*rate) : std::nullopt;
}

qos_rule read_qos(const yaml_node& value, report& out) {
    const map_reader keys(value, "provider.qos", keywords::qos, out);
    qos_rule rule;
    rule.where = out.at(value);
    if (const auto* const capacity = keys.find("capacity"))
        rule.capacity_bits_per_second = read_capacity(*capacity, out);
    if (const auto* const reaction = keys.find("on_unsatisfied")) {
        const auto word = read_word(*reaction, "provider.qos.on_unsatisfied", keywords::on_unsatisfied, out);
        if (word == "best_effort")
            rule.on_unsatisfied = qos_rule::unsatisfied::best_effort;
    }
    return rule;
}

void read_optional_keys(const map_reader& keys, provider& result, report& out) {
    if (const auto* const enabled = keys.find("enabled")) {
        result.enabled_where = out.at(*enabled);
        result.enabled = read_truth(*enabled, "provider.enabled", out).value_or(true);
    }
    if (const auto* const narrowing = keys.find("match"))
        result.match = read_match(*narrowing, out);
    if (const auto* const id = keys.find("id"))
        result.id = read_id(*id, out);
    if (const auto* const entries = keys.find("entries"))
        result.entries = read_entries(*entries, out);
    if (const auto* const options = keys.find("options"))
        result.options = read_options(*options, out);
    if (const auto* const qos = keys.find("qos"))
        result.qos = read_qos(*qos, out);
}

} // namespace

std::optional<std::string> normal_id(std::string_view text) {
    if (text.size() == 38 && text.front() == '{' && text.back() == '}')
        text = text.substr(1, 36);
    if (text.size() != 36)
        return std::nullopt;
    std::string id;
    for (const char c : text) {
        const bool dash = id.size() == 8 || id.size() == 13 || id.size() == 18 || id.size() == 23;
        const char low = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
        const bool digit = (low >= '0' && low <= '9') || (low >= 'a' && low <= 'f');
        if (dash ? c != '-' : !digit)
            return std::nullopt;
        id.push_back(low);
    }
    return id;
}

bool begins_with_variable(std::string_view path) {
    return path.starts_with("${") || path.starts_with('%');
}

bool is_provider_name(std::string_view name) {
    return name.size() <= limits::name_length && is_bare_name(name);
}

provider read_provider(const yaml_node& value, report& out) {
    const map_reader keys(value, "provider", keywords::provider, out);
    provider result;
    result.where = out.at(value);
    if (const auto* const name = keys.require("name", expected_name)) {
        result.name = read_name(*name, out);
        result.name_where = out.at(*name);
    }
    if (const auto* const library = keys.require("library", expected_library)) {
        result.library = read_library(*library, out);
        result.library_where = out.at(*library);
    }
    read_optional_keys(keys, result, out);
    return result;
}

} // namespace joinleaf::config
