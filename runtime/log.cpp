// SPDX-License-Identifier: Apache-2.0
#include "runtime/log.hpp"

#include <array>
#include <cstdlib>
#include <string>

#include <unistd.h>

namespace joinleaf {
namespace {

constexpr std::array<std::string_view, 5> words{"none", "error", "warning", "info", "debug"};

unsigned threshold_from_environment() noexcept {
    const char* word = ::secure_getenv("JOINLEAF_LOG");
    if (word == nullptr || *word == '\0') {
        return static_cast<unsigned>(severity::warning);
    }
    for (unsigned level = 0; level < words.size(); ++level) {
        if (words[level] == word) {
            return level;
        }
    }
    log_text(
        severity::warning,
        fmt::format("JOINLEAF_LOG: \"{}\" is no level; allowed: none, error, warning, info, debug", word));
    return static_cast<unsigned>(severity::warning);
}

} // namespace

bool shows(severity level) noexcept {
    static const unsigned threshold = threshold_from_environment();
    return static_cast<unsigned>(level) <= threshold;
}

void log_text(severity level, std::string_view text) noexcept {
    try {
        const auto line = fmt::format("joinleaf: {}: {}\n", words[static_cast<unsigned>(level)], text);
        // One write call, so that lines of several threads or processes do not mix.
        [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
    } catch (...) {
        // Out of memory for a log line: the line is lost, the caller is not.
    }
}

} // namespace joinleaf
