// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace joinleaf::config {

/// A place in a configuration file, or in an environment variable (then `file` is the variable's name).
/// Lines and columns count from 1; a column counts characters, not bytes. A default-made position means "nowhere".
struct position {
    std::string file;
    int line = 0;
    int column = 0;

    /// `FILE:LINE:COL`. [any]
    std::string text() const;

    bool operator==(const position&) const = default;
};

/// One thing that is wrong, with the place to mend it.
struct problem {
    position where;
    std::string
        message; ///< what was found, what is allowed; mostly one line, no full stop and no line feed at the end

    /// `FILE:LINE:COL: message`. [any]
    std::string text() const;

    bool operator==(const problem&) const = default;
};

} // namespace joinleaf::config
