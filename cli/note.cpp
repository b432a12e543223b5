// SPDX-License-Identifier: Apache-2.0
#include "note.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

namespace joinleaf::cli {

void note(std::string_view text) {
    std::string line = "joinleaf: " + std::string(text);
    std::replace_if(
        line.begin(), line.end(), [](unsigned char c) { return (c < ' ' && c != '\n') || c == 0x7F; }, '?');
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), stderr);
}

} // namespace joinleaf::cli
