// SPDX-License-Identifier: Apache-2.0
//
// One value of a provider's option: from the words of a configuration file, or of the option table, to what
// the provider reads. All functions are [any].
#pragma once

#include "joinleaf/provider.h"

#include <tl/expected.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace joinleaf::catalog {

struct option_value {
    std::int64_t number = 0;
    bool has_text = false; // TEXT and CHOICE; clear where there is neither a value nor a default
    std::string text;
    std::vector<std::string> list;
};

// "bool", "integer", "size" ... of JL_OPTION_*.
std::string_view option_type_word(std::uint32_t type);

// The words of a JL_OPTION_CHOICE; empty for every other type.
std::vector<std::string_view> choice_words(const jl_option& row);

// What a number means as a person writes it: "4MiB" for a size, "250ms" for a duration, a choice's word.
std::string number_text(const jl_option& row, std::int64_t number);

// What the option may hold: "true or false", "1 to 255", "at least 4KiB", "one of fast, slow"; empty:
// anything of its type.
std::string allowed_text(const jl_option& row);

// A single value. The error says what was found and what is allowed, on one line.
tl::expected<option_value, std::string> parse_value(const jl_option& row, std::string_view word);

// A list of values; a refusal unless the option is a list.
tl::expected<option_value, std::string> parse_list(const jl_option& row,
                                                   const std::vector<std::string>& words);

// The default of the table, parsed by the same rules; without one: number 0, no text, an empty list.
tl::expected<option_value, std::string> default_of(const jl_option& row);

} // namespace joinleaf::catalog
