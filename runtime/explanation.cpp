// SPDX-License-Identifier: Apache-2.0
#include "runtime/explanation.hpp"

#include <utility>

namespace joinleaf {
namespace {
thread_local std::string sentence_of_thread;
thread_local bool sentence_is_fresh = false; // set since the last failure
} // namespace

void set_explanation(std::string sentence) noexcept {
    sentence_of_thread = std::move(sentence);
    sentence_is_fresh = true;
}

void keep_only_fresh_explanation() noexcept {
    if (!std::exchange(sentence_is_fresh, false)) {
        sentence_of_thread.clear();
    }
}

void clear_explanation() noexcept {
    sentence_of_thread.clear();
}
const std::string& explanation() noexcept {
    return sentence_of_thread;
}
std::string take_explanation() noexcept {
    return std::exchange(sentence_of_thread, {});
}

} // namespace joinleaf
