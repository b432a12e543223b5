// SPDX-License-Identifier: Apache-2.0
//
// Calls of a session in the form that tests need, and whole sessions built by either control scheme.
#pragma once

#include "tests/support/transport.hpp"
#include "tests/support/waiting.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace joinleaf::test {

// Arguments of WSAJoinLeaf; what is left out is NULL.
struct join_request {
    address name;
    std::optional<std::string> caller{};
    std::optional<ULONG> callee_room{};
    LPQOS qos = nullptr;
    DWORD direction = JL_BOTH;
};

// What the callback data of a condition function stands for.
template <class T> T& from_context(DWORD_PTR context) {
    return *reinterpret_cast<T*>(context); // NOLINT(performance-no-int-to-ptr): so Winsock passes it
}

// What a blocking join came to.
struct join_outcome {
    SOCKET socket = INVALID_SOCKET;
    int error = 0;
    ULONG callee_length = 0;
    std::string callee{};
};

// A blocking WSAJoinLeaf, whole.
inline join_outcome join(SOCKET s, const join_request& asked) {
    std::string caller = asked.caller.value_or("");
    WSABUF caller_data{static_cast<ULONG>(caller.size()), caller.data()};
    std::vector<char> room(asked.callee_room.value_or(0) + 1);
    WSABUF callee_data{asked.callee_room.value_or(0), room.data()};
    join_outcome outcome;
    outcome.socket =
        WSAJoinLeaf(s, asked.name.get(), asked.name.length, asked.caller ? &caller_data : nullptr,
                    asked.callee_room ? &callee_data : nullptr, asked.qos, nullptr, asked.direction);
    outcome.error = outcome.socket == INVALID_SOCKET ? WSAGetLastError() : 0;
    outcome.callee_length = callee_data.len;
    if (asked.callee_room && callee_data.len <= *asked.callee_room) {
        outcome.callee.assign(room.data(), callee_data.len);
    }
    return outcome;
}

inline SOCKET plain_join(SOCKET s, const address& name, DWORD direction = JL_BOTH) {
    return WSAJoinLeaf(s, name.get(), name.length, nullptr, nullptr, nullptr, nullptr, direction);
}

inline std::future<join_outcome> join_in_background(SOCKET s, join_request asked) {
    return in_background([s, asked = std::move(asked)] { return join(s, asked); });
}

inline int bind_to(SOCKET s, const address& name) {
    return jl_bind(s, name.get(), name.length);
}

inline ::testing::AssertionResult set_nonblocking(SOCKET s, bool on = true) {
    jl_u_long value = on ? 1 : 0;
    return worked(jl_ioctlsocket(s, static_cast<LONG>(FIONBIO), &value));
}

inline ::testing::AssertionResult set_flag(SOCKET s, int level, int option, int value) {
    return worked(jl_setsockopt(s, level, option, &value, sizeof value));
}

// Binds to a port of the loopback address that the kernel chooses, and listens.
inline ::testing::AssertionResult listen_on_loopback(SOCKET s, int family, int backlog = 16) {
    if (auto bound = worked(bind_to(s, loopback(family))); !bound) {
        return bound << " (bind)";
    }
    return worked(jl_listen(s, backlog)) << " (listen)";
}

inline int send_text(SOCKET s, const std::string& text) {
    return jl_send(s, text.data(), static_cast<int>(text.size()), 0);
}

// One receive; what came, or nothing and the last error tells.
inline std::optional<std::string> receive_text(SOCKET s, std::size_t room = 65536) {
    std::string text(room, '\0');
    const int got = jl_recv(s, text.data(), static_cast<int>(room), 0);
    if (got < 0) {
        return std::nullopt;
    }
    text.resize(static_cast<std::size_t>(got));
    return text;
}

// Waits until there is something to receive, then receives it once.
inline std::optional<std::string> next_text(SOCKET s, std::size_t room = 65536) {
    return readable(static_cast<int>(s)) ? receive_text(s, room) : std::nullopt;
}

// Nothing to receive for a while, whatever the blocking mode.
inline bool stays_silent(SOCKET s) {
    return !readable(static_cast<int>(s), vigilance);
}

// The next receive fails, and with which code; 0: it did not fail.
inline int failure_of_receive(SOCKET s) {
    if (!readable(static_cast<int>(s))) {
        return WSAETIMEDOUT;
    }
    return receive_text(s).has_value() ? 0 : WSAGetLastError();
}

// Who builds the session: the root invites listening leaves, or leaves ask the listening root.
enum class way { invite, ask };

// One member of a session: the leaf's socket, and the root's socket for it.
struct member {
    owned_socket leaf;   // where the leaf sends and receives
    owned_socket branch; // the root's c_leaf socket
    owned_socket door;   // invited: the leaf's listener
};

} // namespace joinleaf::test
