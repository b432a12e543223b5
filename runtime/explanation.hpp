// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace joinleaf {

// The sentence behind the last failure on the calling thread (jl_last_explanation). [any]
void set_explanation(std::string sentence) noexcept;

// A call of this thread failed: a sentence that an earlier call left is no longer true and goes. [any]
void keep_only_fresh_explanation() noexcept;
void clear_explanation() noexcept;
const std::string& explanation() noexcept;

// Moves the sentence out, as the one who turns it into a reason of its own does. [any]
std::string take_explanation() noexcept;

} // namespace joinleaf
