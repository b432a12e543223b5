// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include <fmt/format.h>

namespace joinleaf {

// How urgent a line is. The numbers are those of JL_LOG_* in provider.h.
enum class severity : unsigned { error = 1, warning = 2, info = 3, debug = 4 };

// Whether lines of this severity are shown: JOINLEAF_LOG is error, warning (the default), info, debug or
// none. [any]
bool shows(severity level) noexcept;

// Writes one line to standard error: "joinleaf: warning: TEXT". [any]
void log_text(severity level, std::string_view text) noexcept;

template <class... Arguments>
void log(severity level, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    if (shows(level)) {
        log_text(level, fmt::format(format, std::forward<Arguments>(arguments)...));
    }
}

} // namespace joinleaf
