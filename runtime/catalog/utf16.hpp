// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace joinleaf::catalog {

// Between UTF-8 and UTF-16. What is no valid text becomes U+FFFD, one for each wrong unit. [any]
std::u16string to_utf16(std::string_view text);
std::string to_utf8(std::u16string_view text);

} // namespace joinleaf::catalog
