// SPDX-License-Identifier: Apache-2.0
//
// What every exported call does first and last: is the runtime started, is this a socket, and no exception
// leaves.
#pragma once

#include <new>
#include <system_error>

#include "runtime/api/last_error.hpp"
#include "runtime/explanation.hpp"
#include "runtime/runtime.hpp"
#include "runtime/socket/socket_object.hpp"

namespace joinleaf::api {

// Runs a body that answers a Winsock code; an exception becomes one.
template <class Body> int code_of(Body body) noexcept {
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return WSAENOBUFS;
    } catch (const std::system_error& error) {
        return jl_wsa_error(error.code().value());
    } catch (...) {
        return WSASYSCALLFAILURE;
    }
}

// A call that needs a start and no socket (ST-02). Answers 0, or SOCKET_ERROR with the last error.
template <class Body> int started_call(Body body) noexcept {
    if (!runtime::started()) {
        return answer(WSANOTINITIALISED);
    }
    return answer(code_of(body));
}

// A call on a socket: body(socket_object&) answers a code. The check for a start comes before the one for the
// descriptor.
template <class Body> int socket_call(SOCKET s, Body body) noexcept {
    if (!runtime::started()) {
        return answer(WSANOTINITIALISED);
    }
    const auto held = socket::open_sockets().acquire(s);
    if (!held) {
        return answer(WSAENOTSOCK);
    }
    return answer(code_of([&] { return body(*held); }));
}

// The same for calls whose value is a SOCKET.
template <class Body> SOCKET socket_result(SOCKET s, Body body) noexcept {
    SOCKET made = INVALID_SOCKET;
    const int code = socket_call(s, [&](socket::socket_object& object) {
        const socket::result<SOCKET> outcome = body(object);
        made = outcome ? *outcome : INVALID_SOCKET;
        return outcome ? 0 : outcome.error();
    });
    return code == 0 ? made : INVALID_SOCKET;
}

} // namespace joinleaf::api
