// SPDX-License-Identifier: Apache-2.0
//
// The message queues of ext.h (clauses EV-60 ... EV-65).
#include <joinleaf/ext.h>

#include "runtime/api/call.hpp"
#include "runtime/api/user_memory.hpp"
#include "runtime/dispatch/message_queue.hpp"

using namespace joinleaf;

namespace {

using dispatch::message_queue;

// body(message_queue&) answers a Winsock code.
template <class Body> int with_queue(HWND handle, Body body) noexcept {
    return api::answer(api::code_of([&] {
        const auto queue = message_queue::find(reinterpret_cast<std::uintptr_t>(handle));
        return queue ? body(*queue) : WSA_INVALID_HANDLE;
    }));
}

// take(message_queue&, queued_message&) answers what was found; 1, 0 or SOCKET_ERROR. The room is checked before
// a message leaves the queue.
template <class Take> int give_message(HWND handle, jl_queue_message* to, Take take) noexcept {
    auto found = message_queue::outcome::empty;
    const int code = with_queue(handle, [&](message_queue& queue) {
        if (!api::writable(to, sizeof *to)) {
            return WSAEFAULT;
        }
        dispatch::queued_message one;
        found = take(queue, one);
        if (found == message_queue::outcome::taken) {
            *to = {handle, one.message, one.wparam, one.lparam};
        }
        return found == message_queue::outcome::closed ? WSA_INVALID_HANDLE : 0;
    });
    return code != 0 ? SOCKET_ERROR : static_cast<int>(found == message_queue::outcome::taken);
}

} // namespace

HWND jl_queue_create(void) {
    std::uintptr_t handle = 0;
    api::answer(api::code_of([&] {
        const auto made = message_queue::create();
        handle = made ? static_cast<std::uintptr_t>(made->fd()) : 0;
        return made ? 0 : WSA_NOT_ENOUGH_MEMORY;
    }));
    return reinterpret_cast<HWND>(handle);
}

int jl_queue_destroy(HWND queue) {
    return api::answer(api::code_of([&] {
        return message_queue::close(reinterpret_cast<std::uintptr_t>(queue)) ? 0 : WSA_INVALID_HANDLE;
    }));
}

int jl_queue_wait(HWND queue, jl_queue_message* message, DWORD timeout) {
    return give_message(queue, message, [timeout](message_queue& from, dispatch::queued_message& one) {
        dispatch::deadline until;
        if (timeout != WSA_INFINITE) {
            until = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout);
        }
        return from.wait(one, until);
    });
}

int jl_queue_peek(HWND queue, jl_queue_message* message, BOOL take) {
    return give_message(queue, message, [take](message_queue& from, dispatch::queued_message& one) {
        return from.take(one, take != FALSE);
    });
}

int jl_queue_post(HWND queue, UINT message, WPARAM wParam, LPARAM lParam) {
    return with_queue(queue, [&](message_queue& to) {
        to.post({message, wParam, lParam});
        return 0;
    });
}

int jl_queue_descriptor(HWND queue) {
    int fd = -1;
    with_queue(queue, [&fd](message_queue& of) {
        fd = of.fd();
        return 0;
    });
    return fd;
}
