// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/position.hpp"

#include <yaml-cpp/mark.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace joinleaf::config {

/// Turns yaml-cpp's marks, which count bytes from 0, into positions, which count characters from 1.
class mark_reader {
  public:
    /// `text` is UTF-8 without a byte order mark, as yaml-cpp was given it, and outlives the reader.
    mark_reader(std::string_view text, std::string file);

    const std::string& file() const { return file_; }

    /// An error may have no mark at all; then it belongs to the whole file. [any]
    position at(const YAML::Mark& mark) const;

    /// The position of a byte of the text. Searches for the line's beginning. [any]
    position at_offset(std::size_t offset) const;

    /// Whether the text has `c` at the mark. [any]
    bool stands_at(const YAML::Mark& mark, char c) const;

    /// Whether the quoted text that begins at the mark has its closing quote: yaml-cpp takes one that is cut off by the
    /// end of the file for complete. True where no quoted text begins. Walks over the text. [any]
    bool is_closed(const YAML::Mark& mark) const;

    /// The tab that indents the mark's line, which YAML forbids and yaml-cpp reports in many guises. Nothing when only
    /// spaces do. [any]
    std::optional<position> indenting_tab(const YAML::Mark& mark) const;

  private:
    std::size_t line_begin(std::size_t offset) const;
    int column(std::size_t offset, std::size_t bytes_before) const;

    std::string_view text_;
    std::string file_;
    std::vector<std::uint32_t>
        continuations_; // how many continuation bytes stand before each offset; empty for ASCII
};

} // namespace joinleaf::config
