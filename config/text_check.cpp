// SPDX-License-Identifier: Apache-2.0
#include "config/text_check.hpp"

#include <fmt/format.h>

namespace joinleaf::config {
namespace {

unsigned byte_at(std::string_view text, std::size_t at) {
    return static_cast<unsigned char>(text[at]);
}

bool is_continuation(unsigned byte) {
    return (byte & 0xC0U) == 0x80U;
}

// The length of the well-formed UTF-8 sequence at `at` (Unicode 15, table 3-7), or 0.
std::size_t sequence_length(std::string_view text, std::size_t at) {
    const unsigned lead = byte_at(text, at);
    if (lead < 0x80)
        return 1;
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() - at < length)
        return 0;
    const unsigned second = byte_at(text, at + 1);
    const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (second < low || second > high)
        return 0;
    for (std::size_t i = 2; i < length; ++i) {
        if (!is_continuation(byte_at(text, at + i)))
            return 0;
    }
    return length;
}

std::string complaint(std::string_view text, std::size_t at) {
    const unsigned byte = byte_at(text, at);
    if (at == 0 && (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")))
        return "found UTF-16 text; a configuration file is UTF-8 text";
    if (byte == 0)
        return "found a NUL byte; a configuration file is UTF-8 text, not binary data";
    if (byte == '\r')
        return "found a carriage return without a line feed; a line ends with a line feed";
    if (byte < 0x80)
        return fmt::format("found the control character U+{:04X}; a configuration file is plain text", byte);
    return fmt::format("found the byte 0x{:02X}, which is not UTF-8; a configuration file is UTF-8 text",
                       byte);
}

bool is_forbidden(std::string_view text, std::size_t at) {
    const unsigned byte = byte_at(text, at);
    if (byte == '\r')
        return at + 1 >= text.size() || text[at + 1] != '\n';
    return (byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7F;
}

} // namespace

std::optional<problem> check_text(std::string_view text, const std::string& file) {
    int line = 1;
    int column = 1;
    for (std::size_t at = 0; at < text.size();) {
        const auto length = sequence_length(text, at);
        if (length == 0 || is_forbidden(text, at))
            return problem{{file, line, column}, complaint(text, at)};
        const bool ends_line = text[at] == '\n';
        line += ends_line ? 1 : 0;
        column = ends_line ? 1 : column + 1;
        at += length;
    }
    return std::nullopt;
}

} // namespace joinleaf::config
