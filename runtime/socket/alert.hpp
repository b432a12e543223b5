// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "runtime/socket/socket_object.hpp"

namespace joinleaf::socket {

// Runs what is queued for the calling thread, which waits inside a call on these sockets (ST-19); false when
// that is nothing. No lock may be held.
bool run_queued_calls(std::span<socket_object* const> waited_for);

inline bool run_queued_calls(socket_object* waited_for) {
    return run_queued_calls(std::span<socket_object* const>(&waited_for, 1));
}

// Whether the calling thread is inside a routine that interrupts a blocking call of its own; on this socket.
bool interrupts_a_call() noexcept;
bool interrupts_a_call_on(const socket_object& which) noexcept;

// closesocket inside such a routine: the socket, shut and interrupted, is closed when the call below is left.
void close_after_call(socket_object& which);

} // namespace joinleaf::socket
