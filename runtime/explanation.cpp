// SPDX-License-Identifier: Apache-2.0
#include "runtime/explanation.hpp"

#include <utility>

namespace joinleaf {
namespace {
thread_local std::string sentence_of_thread;
}

void set_explanation(std::string sentence) noexcept { sentence_of_thread = std::move(sentence); }
void clear_explanation() noexcept { sentence_of_thread.clear(); }
const std::string& explanation() noexcept { return sentence_of_thread; }
std::string take_explanation() noexcept { return std::exchange(sentence_of_thread, {}); }

} // namespace joinleaf
