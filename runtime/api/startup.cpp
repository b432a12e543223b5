// SPDX-License-Identifier: Apache-2.0
//
// Start-up, clean-up and the last error (clauses ST).
#include <algorithm>
#include <cstdio>

#include "runtime/api/call.hpp"
#include "runtime/api/user_memory.hpp"
#include "runtime/log.hpp"
#include "runtime/socket/alert.hpp"

using namespace joinleaf;

namespace {

constexpr WORD highest = MAKEWORD(2, 2);

// The version that answers a request: as asked up to 2.2, except that 1.x is at most 1.1 (ST-05, ST-06).
WORD negotiated(WORD asked) noexcept {
    const unsigned major = LOBYTE(asked);
    const unsigned minor = HIBYTE(asked);
    if (major == 1) {
        return static_cast<WORD>(MAKEWORD(1, std::min(minor, 1U)));
    }
    return major == 2 && minor < 2 ? asked : highest;
}

WSADATA describe(WORD asked) noexcept {
    WSADATA data{};
    data.wVersion = negotiated(asked);
    data.wHighVersion = highest;
    std::snprintf(data.szDescription, sizeof data.szDescription, "joinleaf %s", JOINLEAF_VERSION_STRING);
    std::snprintf(data.szSystemStatus, sizeof data.szSystemStatus, "Running");
    if (LOBYTE(asked) == 1) { // later versions ignore the two fields
        data.iMaxSockets = 32767;
        data.iMaxUdpDg = 65467;
    }
    return data;
}

} // namespace

int WSAStartup(WORD version, LPWSADATA data) {
    if (LOBYTE(version) == 0) {
        return WSAVERNOTSUPPORTED;
    }
    if (!api::put(data, describe(version))) {
        return WSAEFAULT;
    }
    return api::code_of([] {
        if (runtime::start({}) == 0) {
            return 0;
        }
        log(severity::error, "{}", explanation()); // a ported program will not ask for the sentence
        return WSASYSNOTREADY;
    });
}

int WSACleanup(void) {
    return api::answer(api::code_of([] {
        // The blocking call below a routine still holds its socket.
        return runtime::started() && socket::interrupts_a_call() ? WSAEINPROGRESS : runtime::stop();
    }));
}

int WSAGetLastError(void) {
    return api::last_error();
}

void WSASetLastError(int error) {
    api::set_last_error(error);
}

int WSACancelBlockingCall(void) {
    // Windows Sockets 1.1 only: in a version-2 library no call ever blocks by way of a hook (ST-16).
    return api::answer(runtime::started() ? WSAEINVAL : WSANOTINITIALISED);
}
