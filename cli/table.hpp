// SPDX-License-Identifier: Apache-2.0
// Text in columns, for terminals and pipes alike.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace joinleaf::cli {

/// Rows of cells under a headline. Columns are as wide as their widest cell, separated by two blanks; the last column
/// is folded at blanks where the line would pass the width.
class table {
  public:
    explicit table(std::vector<std::string> headline);

    /// Adds a row. Missing cells are empty; cells beyond the headline are dropped.
    void add(std::vector<std::string> cells);

    /// The text with a line feed after each line and no blanks at line ends. width 0: never folds.
    std::string text(std::size_t width) const;

  private:
    std::vector<std::vector<std::string>> rows_;
};

/// Columns that a UTF-8 text takes on a terminal, every character counted as one.
std::size_t columns(std::string_view text);

/// Pieces of text no wider than width, broken at blanks; a longer word stays whole. width 0: one piece.
std::vector<std::string> fold(std::string_view text, std::size_t width);

/// Width of the terminal behind standard output; 0 where it is none.
std::size_t output_width();

} // namespace joinleaf::cli
