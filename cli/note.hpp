// SPDX-License-Identifier: Apache-2.0
// What the command says of its own accord, on standard error.
#pragma once

#include <string_view>

namespace joinleaf::cli {

/// "joinleaf: TEXT" and a line feed; control characters in it but line feeds are shown as '?'.
void note(std::string_view text);

} // namespace joinleaf::cli
