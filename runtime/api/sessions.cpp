// SPDX-License-Identifier: Apache-2.0
//
// Listening, accepting, connecting, joining, shutting down (clauses AC and JL).
#include "runtime/api/address.hpp"
#include "runtime/api/call.hpp"
#include "runtime/api/user_memory.hpp"

using namespace joinleaf;

namespace {

// The connect data and QoS arguments that WSAConnect and WSAJoinLeaf share, read out of the application's
// memory once.
struct session_arguments {
    api::address name;
    QOS qos{};
    socket::join_arguments checked;

    int load_caller(const WSABUF* caller) {
        WSABUF data{};
        if (caller == nullptr) {
            return 0;
        }
        if (!api::get(caller, data) || !api::readable(data.buf, data.len)) {
            return WSAEFAULT;
        }
        checked.caller_data = {reinterpret_cast<const std::byte*>(data.buf),
                               data.len}; // len 0 counts as none (JL-10)
        return 0;
    }

    // {0, NULL} is accepted; NULL with a length is not (JL-12).
    int load_callee(WSABUF* callee) {
        WSABUF room{};
        if (callee == nullptr) {
            return 0;
        }
        if (!api::get(callee, room) || !api::writable(callee, sizeof *callee) ||
            !api::writable(room.buf, room.len)) {
            return WSAEFAULT;
        }
        checked.callee = callee;
        return 0;
    }

    int load_qos(const QOS* asked) {
        if (asked == nullptr) {
            return 0;
        }
        if (!api::get(asked, qos) || !api::readable(qos.ProviderSpecific.buf, qos.ProviderSpecific.len)) {
            return WSAEFAULT; // QS-23
        }
        checked.qos = &qos;
        return 0;
    }

    int load(const sockaddr* to, int length, int family, WSABUF* caller, WSABUF* callee, const QOS* asked) {
        int code = name.load(to, length, family);
        code = code != 0 ? code : load_caller(caller);
        code = code != 0 ? code : load_callee(callee);
        code = code != 0 ? code : load_qos(asked);
        checked.name = name.get();
        checked.name_len = name.length();
        return code;
    }
};

SOCKET accept_on(SOCKET s, sockaddr* address, int* length, const socket::condition& decide) {
    return api::socket_result(s, [&](socket::socket_object& object) -> socket::result<SOCKET> {
        int room = 0;
        const bool wants_name =
            address != nullptr && length != nullptr; // either NULL: nothing is stored (AC-15)
        if (wants_name && (!api::get(length, room) || room < 0 ||
                           !api::writable(address, static_cast<std::size_t>(room)))) {
            return tl::unexpected(WSAEFAULT);
        }
        return object.accept(decide, wants_name ? address : nullptr, wants_name ? length : nullptr);
    });
}

} // namespace

int jl_listen(SOCKET s, int backlog) {
    return api::socket_call(s, [&](socket::socket_object& object) { return object.listen(backlog); });
}

SOCKET jl_accept(SOCKET s, sockaddr* address, int* length) {
    return accept_on(s, address, length, {});
}

SOCKET WSAAccept(SOCKET s, sockaddr* address, LPINT length, LPCONDITIONPROC condition, DWORD_PTR context) {
    return accept_on(s, address, length, {condition, context});
}

int jl_connect(SOCKET s, const sockaddr* name, int length) {
    return WSAConnect(s, name, length, nullptr, nullptr, nullptr, nullptr);
}

int WSAConnect(SOCKET s, const sockaddr* name, int length, LPWSABUF caller, LPWSABUF callee, LPQOS qos,
               LPQOS /*group*/) {
    return api::socket_call(s, [&](socket::socket_object& object) {
        session_arguments arguments;
        const int family = object.entry().protocol->family;
        if (const int code = arguments.load(name, length, family, caller, callee, qos); code != 0) {
            return code;
        }
        if (!arguments.checked.caller_data.empty() && !object.service(XP1_CONNECT_DATA)) {
            if (!object.connectionless()) {
                return WSAEPROTONOSUPPORT;
            }
            arguments.checked.caller_data = {}; // silently ignored on connectionless sockets (D-3)
        }
        return object.connect(arguments.checked);
    });
}

SOCKET WSAJoinLeaf(SOCKET s, const sockaddr* name, int length, LPWSABUF caller, LPWSABUF callee, LPQOS sqos,
                   LPQOS gqos, DWORD flags) {
    return api::socket_result(s, [&](socket::socket_object& object) -> socket::result<SOCKET> {
        if (socket::condition_scope::active()) {
            return tl::unexpected(WSAEINPROGRESS); // ST-18
        }
        session_arguments arguments;
        arguments.checked.direction = flags;
        const int code = arguments.load(name, length, object.entry().protocol->family, caller, callee, sqos);
        if (code != 0) {
            return tl::unexpected(code);
        }
        if (gqos != nullptr && !api::readable(gqos, sizeof *gqos)) {
            return tl::unexpected(WSAEFAULT); // else it has no effect: no socket here made a group (QS-07)
        }
        return object.join(arguments.checked);
    });
}

int jl_shutdown(SOCKET s, int how) {
    return api::socket_call(s, [&](socket::socket_object& object) { return object.shutdown(how); });
}

int WSASendDisconnect(SOCKET s, LPWSABUF data) {
    return api::socket_call(s, [&](socket::socket_object& object) {
        if (data != nullptr && data->len > 0) {
            return WSAENOPROTOOPT; // no provider carries disconnect data
        }
        return object.shutdown(SD_SEND);
    });
}

int WSARecvDisconnect(SOCKET s, LPWSABUF data) {
    return api::socket_call(s, [&](socket::socket_object& object) {
        if (data != nullptr && data->len > 0) {
            return WSAENOPROTOOPT;
        }
        return object.shutdown(SD_RECEIVE);
    });
}
