// SPDX-License-Identifier: Apache-2.0
#include "runtime/catalog/utf16.hpp"

#include <cstdint>

namespace joinleaf::catalog {
namespace {

constexpr char32_t replacement = 0xFFFD;

bool is_surrogate(char32_t point) {
    return point >= 0xD800 && point <= 0xDFFF;
}

// The number of bytes that a UTF-8 sequence with this first byte has; 0: no sequence begins so.
std::size_t sequence_length(unsigned char first) {
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        return 2;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        return 3;
    }
    return first >= 0xF0 && first <= 0xF4 ? 4 : 0;
}

// Takes one character off the front of a text that is not empty.
char32_t take_utf8(std::string_view& text) {
    constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const auto first = static_cast<unsigned char>(text.front());
    const auto length = sequence_length(first);
    char32_t point = length <= 1 ? first : first & (0x7FU >> length);
    bool valid = length >= 1 && length <= text.size();
    for (std::size_t i = 1; valid && i < length; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        valid = (next & 0xC0U) == 0x80U;
        point = point << 6U | (next & 0x3FU);
    }
    valid = valid && point >= least[length] && point <= 0x10FFFF && !is_surrogate(point);
    text.remove_prefix(valid ? length : 1);
    return valid ? point : replacement;
}

char32_t take_utf16(std::u16string_view& text) {
    const char32_t first = text.front();
    text.remove_prefix(1);
    if (!is_surrogate(first)) {
        return first;
    }
    if (first <= 0xDBFF && !text.empty() && text.front() >= 0xDC00 && text.front() <= 0xDFFF) {
        const char32_t second = text.front();
        text.remove_prefix(1);
        return 0x10000 + ((first - 0xD800) << 10U) + (second - 0xDC00);
    }
    return replacement;
}

void append_utf8(std::string& text, char32_t point) {
    const auto put = [&text](char32_t byte) { text += static_cast<char>(static_cast<unsigned char>(byte)); };
    if (point < 0x80) {
        put(point);
        return;
    }
    if (point < 0x800) {
        put(0xC0U | point >> 6U);
    } else if (point < 0x10000) {
        put(0xE0U | point >> 12U);
        put(0x80U | (point >> 6U & 0x3FU));
    } else {
        put(0xF0U | point >> 18U);
        put(0x80U | (point >> 12U & 0x3FU));
        put(0x80U | (point >> 6U & 0x3FU));
    }
    put(0x80U | (point & 0x3FU));
}

} // namespace

std::u16string to_utf16(std::string_view text) {
    std::u16string out;
    while (!text.empty()) {
        const char32_t point = take_utf8(text);
        if (point >= 0x10000) {
            out += static_cast<char16_t>(0xD800 + ((point - 0x10000) >> 10U));
            out += static_cast<char16_t>(0xDC00 + ((point - 0x10000) & 0x3FFU));
        } else {
            out += static_cast<char16_t>(point);
        }
    }
    return out;
}

std::string to_utf8(std::u16string_view text) {
    std::string out;
    while (!text.empty()) {
        append_utf8(out, take_utf16(text));
    }
    return out;
}

} // namespace joinleaf::catalog
