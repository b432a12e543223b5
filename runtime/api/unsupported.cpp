// SPDX-License-Identifier: Apache-2.0
//
// Calls that this version declares and does not carry out: each checks what it can and answers the documented
// code.
#include "runtime/api/call.hpp"

using namespace joinleaf;

int WSADuplicateSocketA(SOCKET s, DWORD /*process*/, LPWSAPROTOCOL_INFOA /*info*/) {
    return api::socket_call(s, [](socket::socket_object& /*object*/) { return WSAEOPNOTSUPP; });
}

int WSADuplicateSocketW(SOCKET s, DWORD /*process*/, LPWSAPROTOCOL_INFOW /*info*/) {
    return api::socket_call(s, [](socket::socket_object& /*object*/) { return WSAEOPNOTSUPP; });
}
