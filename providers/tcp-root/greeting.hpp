// SPDX-License-Identifier: Apache-2.0
//
// Whole greetings, ready to be sent.
#pragma once

#include "wire.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace joinleaf::tcp_root {

// The hello of a join: who asks, and what the application gave along. beat: see wire::greeting.
std::vector<std::byte> make_hello(const wire::roles& who, const jl_join& join, std::uint16_t beat);

// The answer that admits. What the answer leaves open is as asked.
std::vector<std::byte> make_admission(const wire::roles& who, const jl_answer* answer, std::uint16_t beat);

// The answer that refuses; the joiner completes with code.
wire::greeting_bytes make_refusal(const wire::roles& who, std::int32_t code, wire::reason why) noexcept;

// Tells a joiner that its request is queued, so that it does not take the listener for a foreign one.
wire::greeting_bytes make_wait_notice(const wire::roles& who) noexcept;

} // namespace joinleaf::tcp_root
