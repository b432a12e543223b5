// SPDX-License-Identifier: Apache-2.0
#include "table.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace joinleaf::cli {

namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t least_last_column = 24; // narrower, folded text is harder to read than a long line

std::vector<std::size_t> widths_of(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths(rows.front().size());
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], columns(row[i]));
        }
    }
    return widths;
}

void append_line(std::string& text, std::string line) {
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
}

} // namespace

table::table(std::vector<std::string> headline) : rows_{std::move(headline)} {}

void table::add(std::vector<std::string> cells) {
    cells.resize(rows_.front().size());
    rows_.push_back(std::move(cells));
}

std::string table::text(std::size_t width) const {
    const std::vector<std::size_t> widths = widths_of(rows_);
    std::size_t before_last = 0;
    for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
        before_last += widths[i] + gap;
    }
    const std::size_t room = width >= before_last + least_last_column ? width - before_last : 0;

    std::string text;
    for (const auto& row : rows_) {
        std::string line;
        for (std::size_t i = 0; i + 1 < row.size(); ++i) {
            line += row[i] + std::string(widths[i] - columns(row[i]) + gap, ' ');
        }
        for (const std::string& piece : fold(row.back(), room)) {
            append_line(text, line + piece);
            line.assign(before_last, ' ');
        }
    }
    return text;
}

std::size_t columns(std::string_view text) {
    const auto starts = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts));
}

std::vector<std::string> fold(std::string_view text, std::size_t width) {
    std::vector<std::string> pieces{""};
    if (width == 0) {
        pieces.back() = text;
        return pieces;
    }
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        std::string& piece = pieces.back();
        if (!piece.empty() && columns(piece) + 1 + columns(word) > width) {
            pieces.emplace_back(word);
        } else {
            piece += (piece.empty() ? "" : " ");
            piece += word;
        }
        text.remove_prefix(std::min(text.size(), word.size() + 1));
    }
    return pieces;
}

std::size_t output_width() {
    winsize size{};
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

} // namespace joinleaf::cli
