// SPDX-License-Identifier: Apache-2.0
//
// What a case came to.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace joinleaf::check {

enum class verdict { pass, warn, skip, fail, crash, timeout };

struct outcome {
    std::string name; // SUITE.CASE/ENTRY
    verdict what = verdict::pass;
    std::string text; // what failed, what is lacking, or the remark
    std::chrono::milliseconds took{0};
};

// Nothing that a provider would have to mend.
constexpr bool is_good(verdict what) noexcept {
    return what == verdict::pass || what == verdict::warn || what == verdict::skip;
}

// "pass", "crash" ...
const char* word_of(verdict what) noexcept;

// The clauses and obligations that the name of a case carries: "JL-20", "JLP-7".
std::vector<std::string> clauses_of(const std::string& name);

} // namespace joinleaf::check
