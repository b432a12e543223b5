// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "runtime/socket/socket_object.hpp"

namespace joinleaf::api {

// How the application wants to hear of the end of an operation.
struct overlapped_arguments {
    LPWSAOVERLAPPED overlapped = nullptr;
    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine = nullptr;
};

// Whether a call is an overlapped one: it asks for it, and the socket can (IO-40, IO-41).
inline bool is_overlapped(const socket::socket_object& object, const overlapped_arguments& told) noexcept {
    return (object.flags() & WSA_FLAG_OVERLAPPED) != 0 &&
           (told.overlapped != nullptr || told.routine != nullptr);
}

// Begin an operation with arguments whose pointers were checked, but for the addresses'. 0 or WSA_IO_PENDING:
// one indication follows; else the call has failed and none does (IO-43).
int start_send(socket::socket_object& object, const WSABUF* from, DWORD count, LPDWORD sent, DWORD flags,
               const sockaddr* to, int to_length, const overlapped_arguments& told);
int start_receive(socket::socket_object& object, const WSABUF* into, DWORD count, LPDWORD bytes,
                  LPDWORD flags, sockaddr* from, LPINT from_length, const overlapped_arguments& told,
                  LPDWORD message_flags = nullptr);
int start_ioctl(socket::socket_object& object, DWORD code, std::span<const std::byte> in,
                std::span<std::byte> out, LPDWORD returned, const overlapped_arguments& told);

// The same for an operation that a function of the socket's begins, with buffers that were checked.
using starter = std::function<int(socket::socket_object&, dispatch::operation&)>;
int start_transfer(socket::socket_object& object, const WSABUF* buffers, DWORD count,
                   const overlapped_arguments& told, const starter& start);

// Begins such an operation and waits for its end; its code. WSAEINTR: closesocket, or the last WSACleanup. The socket is
// held while `start` runs, not while the call waits.
int run_to_end(SOCKET s, const starter& start, DWORD& bytes);

// The same for what is begun on another object than a socket.
int start_on(const overlapped_arguments& told, const std::function<int(dispatch::operation&)>& start);

} // namespace joinleaf::api
