// SPDX-License-Identifier: Apache-2.0
//
// Further numbers for a socket, by WSADuplicateSocket.
#pragma once

#include "tests/support/call_result.hpp"
#include "tests/support/owned.hpp"

#include <unistd.h>

namespace joinleaf::test {

inline DWORD own_process() {
    return static_cast<DWORD>(::getpid());
}

// One more number for the same socket.
inline owned_socket duplicate(SOCKET s) {
    WSAPROTOCOL_INFOW info{};
    EXPECT_TRUE(worked(WSADuplicateSocketW(s, own_process(), &info)));
    const SOCKET made =
        WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, WSA_FLAG_OVERLAPPED);
    EXPECT_TRUE(worked(made));
    return owned_socket(made);
}

} // namespace joinleaf::test
