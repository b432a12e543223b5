// SPDX-License-Identifier: Apache-2.0
//
// WSADuplicateSocket: one socket, several SOCKETs (LC-18). The new number comes from WSASocket with the
// WSAPROTOCOL_INFO that is filled here.
#include <unistd.h>

#include <fmt/format.h>

#include "runtime/api/call.hpp"
#include "runtime/api/user_memory.hpp"
#include "runtime/catalog/protocol_info.hpp"

using namespace joinleaf;

namespace {

template <class Info, class Convert> int duplicate(SOCKET s, DWORD process, Info* out, Convert convert) {
    return api::socket_call(s, [&](socket::socket_object& object) {
        if (out == nullptr || !api::writable(out, sizeof *out)) {
            return WSAEFAULT;
        }
        if (process != static_cast<DWORD>(::getpid())) {
            set_explanation(
                fmt::format("a socket is duplicated within its process, whose id is {}; {} is another one",
                            ::getpid(), process));
            return WSAEINVAL;
        }
        auto info = object.entry().info;
        info.dwProviderReserved = object.offer_duplicate(s);
        *out = convert(info);
        return 0;
    });
}

} // namespace

int WSADuplicateSocketW(SOCKET s, DWORD process, LPWSAPROTOCOL_INFOW info) {
    return duplicate(s, process, info, [](const WSAPROTOCOL_INFOW& wide) { return wide; });
}

int WSADuplicateSocketA(SOCKET s, DWORD process, LPWSAPROTOCOL_INFOA info) {
    return duplicate(s, process, info, [](const WSAPROTOCOL_INFOW& wide) { return catalog::to_narrow(wide); });
}
