// SPDX-License-Identifier: Apache-2.0
#include "config/quote.hpp"

#include "config/nearest.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace joinleaf::config {
namespace {

// Long enough for every path a person types, short enough that the rest of the message stays in sight.
constexpr std::size_t longest_quote = 120;

bool continues_a_character(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

std::string_view cut(std::string_view text) {
    if (text.size() <= longest_quote)
        return text;
    std::size_t end = longest_quote;
    while (end > 0 && continues_a_character(text[end]))
        --end;
    return text.substr(0, end);
}

} // namespace

std::string quote(std::string_view text) {
    const auto shown = cut(text);
    std::string out = "\"";
    for (const char c : shown) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7F)
            out += fmt::format("\\x{:02x}", byte);
        else
            out += c;
    }
    return out + (shown.size() < text.size() ? "...\"" : "\"");
}

std::string listing(std::span<const std::string_view> words) {
    return fmt::format("{}", fmt::join(words, ", "));
}

std::string suggestion(std::string_view word, std::span<const std::string_view> known) {
    const auto near = nearest(word, known);
    return near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near);
}

} // namespace joinleaf::config
