// SPDX-License-Identifier: Apache-2.0
#include "runtime/catalog/option_value.hpp"

#include "config/quote.hpp"
#include "config/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <span>

namespace joinleaf::catalog {
namespace {

using number_result = tl::expected<std::int64_t, std::string>;

constexpr auto largest = std::numeric_limits<std::int64_t>::max();
constexpr auto smallest = std::numeric_limits<std::int64_t>::min();

struct unit {
    std::int64_t factor;
    std::string_view name;
};

// From the largest to the smallest, so that the first which divides a number writes it shortest.
constexpr unit size_units[] = {
    {1LL << 40, "TiB"}, {1LL << 30, "GiB"}, {1LL << 20, "MiB"}, {1LL << 10, "KiB"}, {1, "B"}};
constexpr unit duration_units[] = {{3'600'000'000'000, "h"}, {60'000'000'000, "min"}, {1'000'000'000, "s"},
                                   {1'000'000, "ms"},        {1'000, "us"},           {1, "ns"}};
constexpr unit rate_units[] = {
    {1'000'000'000'000, "Tbit"}, {1'000'000'000, "Gbit"}, {1'000'000, "Mbit"}, {1'000, "kbit"}, {1, "bit"}};

std::string with_unit(std::int64_t number, std::span<const unit> units) {
    const auto fits = std::ranges::find_if(units, [number](const unit& each) {
        return number % each.factor == 0 && (number != 0 || each.factor == 1);
    });
    return fmt::format("{}{}", number / fits->factor, fits->name);
}

number_result parse_bool(std::string_view word) {
    if (word != "true" && word != "false") {
        return tl::unexpected{fmt::format("{} is neither true nor false", config::quote(word))};
    }
    return word == "true" ? 1 : 0;
}

number_result parse_integer(std::string_view word) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error == std::errc::result_out_of_range) {
        return tl::unexpected{fmt::format("{} is too large for a whole number", config::quote(word))};
    }
    if (error != std::errc{} || end != word.data() + word.size()) {
        return tl::unexpected{fmt::format("{} is not a whole number", config::quote(word))};
    }
    return number;
}

number_result signed_number(const tl::expected<std::uint64_t, std::string>& parsed, std::string_view word) {
    if (!parsed) {
        return tl::unexpected{parsed.error()};
    }
    if (*parsed > static_cast<std::uint64_t>(largest)) {
        return tl::unexpected{fmt::format("{} is too large", config::quote(word))};
    }
    return static_cast<std::int64_t>(*parsed);
}

number_result parse_choice(const jl_option& row, std::string_view word) {
    const auto words = choice_words(row);
    const auto found = std::ranges::find(words, word);
    if (found == words.end()) {
        return tl::unexpected{fmt::format("{} is not allowed; allowed: {}{}", config::quote(word),
                                          config::listing(words), config::suggestion(word, words))};
    }
    return found - words.begin();
}

number_result parse_number(const jl_option& row, std::string_view word) {
    switch (row.type) {
    case JL_OPTION_BOOL: return parse_bool(word);
    case JL_OPTION_INTEGER: return parse_integer(word);
    case JL_OPTION_SIZE: return signed_number(config::parse_size(word), word);
    case JL_OPTION_DURATION:
        return config::parse_duration(word).map(
            [](auto time) { return static_cast<std::int64_t>(time.count()); });
    case JL_OPTION_RATE: return signed_number(config::parse_rate(word), word);
    case JL_OPTION_CHOICE: return parse_choice(row, word);
    default: return 0;
    }
}

bool is_limited(const jl_option& row) {
    return row.minimum != 0 || row.maximum != 0;
}

bool has_range(const jl_option& row) {
    return row.type >= JL_OPTION_INTEGER && row.type <= JL_OPTION_RATE && is_limited(row);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

std::string trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(' ');
    return first == std::string_view::npos
               ? ""
               : std::string{text.substr(first, text.find_last_not_of(' ') - first + 1)};
}

// "[a, b]" or a single word, as a table writes the default of a list.
std::vector<std::string> list_of_default(std::string_view text) {
    if (text.starts_with('[') && text.ends_with(']') && text.size() >= 2) {
        text = text.substr(1, text.size() - 2);
    }
    if (trimmed(text).empty()) {
        return {};
    }
    std::vector<std::string> words;
    for (const auto part : split(text, ',')) {
        words.push_back(trimmed(part));
    }
    return words;
}

} // namespace

std::string_view option_type_word(std::uint32_t type) {
    constexpr std::string_view words[] = {"",     "bool", "integer", "size", "duration",
                                          "rate", "text", "choice",  "list"};
    return type < std::size(words) ? words[type] : words[0];
}

std::vector<std::string_view> choice_words(const jl_option& row) {
    if (row.type != JL_OPTION_CHOICE || row.choices == nullptr || *row.choices == '\0') {
        return {};
    }
    return split(row.choices, '|');
}

std::string number_text(const jl_option& row, std::int64_t number) {
    switch (row.type) {
    case JL_OPTION_BOOL: return number != 0 ? "true" : "false";
    case JL_OPTION_SIZE: return with_unit(number, size_units);
    case JL_OPTION_DURATION: return with_unit(number, duration_units);
    case JL_OPTION_RATE: return with_unit(number, rate_units);
    case JL_OPTION_CHOICE: {
        const auto words = choice_words(row);
        const auto index = static_cast<std::size_t>(number);
        return index < words.size() ? std::string{words[index]} : std::string{};
    }
    default: return std::to_string(number);
    }
}

std::string allowed_text(const jl_option& row) {
    if (row.type == JL_OPTION_BOOL) {
        return "true or false";
    }
    if (row.type == JL_OPTION_CHOICE) {
        return fmt::format("one of {}", config::listing(choice_words(row)));
    }
    if (!has_range(row)) {
        return "";
    }
    if (row.maximum == largest) {
        return fmt::format("at least {}", number_text(row, row.minimum));
    }
    if (row.minimum == smallest) {
        return fmt::format("at most {}", number_text(row, row.maximum));
    }
    return fmt::format("{} to {}", number_text(row, row.minimum), number_text(row, row.maximum));
}

tl::expected<option_value, std::string> parse_value(const jl_option& row, std::string_view word) {
    option_value value;
    if (row.type == JL_OPTION_LIST) {
        value.list.emplace_back(word);
        return value;
    }
    const auto number = parse_number(row, word);
    if (!number) {
        return tl::unexpected{number.error()};
    }
    if (has_range(row) && (*number < row.minimum || *number > row.maximum)) {
        return tl::unexpected{
            fmt::format("{} is out of range; allowed: {}", config::quote(word), allowed_text(row))};
    }
    value.number = *number;
    value.has_text = row.type == JL_OPTION_TEXT || row.type == JL_OPTION_CHOICE;
    if (value.has_text) {
        value.text = word;
    }
    return value;
}

tl::expected<option_value, std::string> parse_list(const jl_option& row,
                                                   const std::vector<std::string>& words) {
    if (row.type != JL_OPTION_LIST) {
        return tl::unexpected{
            fmt::format("a list is not allowed here; expected one {}", option_type_word(row.type))};
    }
    option_value value;
    value.list = words;
    return value;
}

tl::expected<option_value, std::string> default_of(const jl_option& row) {
    if (row.default_value == nullptr) {
        return option_value{};
    }
    return row.type == JL_OPTION_LIST ? parse_list(row, list_of_default(row.default_value))
                                      : parse_value(row, row.default_value);
}

} // namespace joinleaf::catalog
