// SPDX-License-Identifier: Apache-2.0
//
// The extension functions of mswsock.h and how WSAIoctl finds them (IO-33).
#include "runtime/api/extension.hpp"

#include <array>
#include <cstring>
#include <utility>

#include "runtime/api/address.hpp"
#include "runtime/api/call.hpp"
#include "runtime/api/overlapped.hpp"
#include "runtime/api/user_memory.hpp"

#include <joinleaf/mswsock.h>

using namespace joinleaf;

namespace joinleaf::api {
namespace {

using function = void (*)();

template <class Function> function address_of(Function* which) noexcept {
    return reinterpret_cast<function>(which);
}

constexpr GUID accept_ex = WSAID_ACCEPTEX;
constexpr GUID get_accept_ex_sockaddrs = WSAID_GETACCEPTEXSOCKADDRS;
constexpr GUID connect_ex = WSAID_CONNECTEX;
constexpr GUID disconnect_ex = WSAID_DISCONNECTEX;

function function_named(const GUID& wanted) noexcept {
    const std::array<std::pair<const GUID*, function>, 4> all{{
        {&accept_ex, address_of(jl_accept_ex)},
        {&get_accept_ex_sockaddrs, address_of(jl_get_accept_ex_sockaddrs)},
        {&connect_ex, address_of(jl_connect_ex)},
        {&disconnect_ex, address_of(jl_disconnect_ex)},
    }};
    for (const auto& [id, found] : all) {
        if (std::memcmp(id, &wanted, sizeof wanted) == 0) {
            return found;
        }
    }
    return nullptr;
}

} // namespace

int find_extension(std::span<const std::byte> in, std::span<std::byte> out, std::uint32_t& bytes) noexcept {
    GUID wanted{};
    if (in.size() < sizeof wanted || out.size() < sizeof(function)) {
        return WSAEFAULT;
    }
    std::memcpy(&wanted, in.data(), sizeof wanted);
    const auto found = function_named(wanted);
    if (found == nullptr) {
        return WSAEINVAL;
    }
    std::memcpy(out.data(), &found, sizeof found);
    bytes = sizeof found;
    return 0;
}

namespace {

// body(socket_object&, told) of a call that must be overlapped, on a socket that can have such calls.
template <class Body> BOOL overlapped_call(SOCKET s, LPWSAOVERLAPPED overlapped, Body body) noexcept {
    const int code = socket_call(s, [&](socket::socket_object& object) -> int {
        if (overlapped == nullptr) {
            return WSA_INVALID_PARAMETER;
        }
        const overlapped_arguments told{overlapped, nullptr};
        if (!is_overlapped(object, told)) {
            set_explanation("the socket was made without WSA_FLAG_OVERLAPPED");
            return WSAEINVAL;
        }
        return body(object, told);
    });
    return code == 0 ? TRUE : FALSE;
}

// The same call without a structure: it waits.
BOOL blocking_call(SOCKET s, const starter& start, LPDWORD moved) noexcept {
    DWORD bytes = 0;
    const int code = started_call([&] { return run_to_end(s, start, bytes); });
    if (moved != nullptr) {
        *moved = bytes;
    }
    return code == 0 ? TRUE : FALSE;
}

std::size_t size_of_address(int family) noexcept {
    return family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

} // namespace
} // namespace joinleaf::api

BOOL jl_accept_ex(SOCKET listener, SOCKET accepted, PVOID buffer, DWORD data_room, DWORD local_room,
                  DWORD remote_room, LPDWORD received, LPWSAOVERLAPPED overlapped) {
    return api::overlapped_call(
        listener, overlapped, [&](socket::socket_object& object, const auto& told) -> int {
            const auto into = socket::open_sockets().acquire(accepted);
            if (!into) {
                return WSAENOTSOCK;
            }
            const auto needed = api::size_of_address(object.entry().protocol->family) + JL_ACCEPT_EX_PADDING;
            const auto room = std::size_t{data_room} + local_room + remote_room;
            if (local_room < needed || remote_room < needed || !api::writable(buffer, room)) {
                return WSAEFAULT;
            }
            if (received != nullptr && !api::put(received, DWORD{0})) {
                return WSAEFAULT;
            }
            const std::span bytes(static_cast<char*>(buffer), room);
            WSABUF data{data_room, bytes.data()};
            const socket::address_blocks names{bytes.subspan(data_room, local_room),
                                               bytes.subspan(std::size_t{data_room} + local_room)};
            return api::start_transfer(object, &data, 1, told,
                                       [&](socket::socket_object& begun_on, dispatch::operation& one) {
                                           return begun_on.start_accept(one, *into, names);
                                       });
        });
}

void jl_get_accept_ex_sockaddrs(PVOID buffer, DWORD data_room, DWORD local_room, DWORD remote_room,
                                sockaddr** local, LPINT local_length, sockaddr** remote, LPINT remote_length) {
    const std::span bytes(static_cast<char*>(buffer), std::size_t{data_room} + local_room + remote_room);
    const auto tell = [](socket::address_block in, sockaddr** name, LPINT length) {
        int found_length = 0;
        auto* const found = socket::find_address(in, found_length);
        if (name != nullptr) {
            *name = found;
        }
        if (length != nullptr) {
            *length = found_length;
        }
    };
    tell(bytes.subspan(data_room, local_room), local, local_length);
    tell(bytes.subspan(std::size_t{data_room} + local_room), remote, remote_length);
}

BOOL jl_connect_ex(SOCKET s, const sockaddr* name, int length, PVOID data, DWORD size, LPDWORD sent,
                   LPWSAOVERLAPPED overlapped) {
    return api::overlapped_call(s, overlapped, [&](socket::socket_object& object, const auto& told) -> int {
        api::address to;
        if (const int code = to.load(name, length, object.entry().protocol->family); code != 0) {
            return code;
        }
        const DWORD bytes = data == nullptr ? 0 : size; // without a buffer the size means nothing
        if (!api::readable(data, bytes) || (sent != nullptr && !api::put(sent, DWORD{0}))) {
            return WSAEFAULT;
        }
        WSABUF first{bytes, static_cast<char*>(data)};
        return api::start_transfer(object, &first, 1, told,
                                   [&](socket::socket_object& begun_on, dispatch::operation& one) {
                                       socket::join_arguments arguments;
                                       arguments.name = to.get();
                                       arguments.name_len = to.length();
                                       arguments.overlapped = &one;
                                       return begun_on.start_connect(arguments);
                                   });
    });
}

BOOL jl_disconnect_ex(SOCKET s, LPWSAOVERLAPPED overlapped, DWORD flags, DWORD reserved) {
    const api::starter start = [&](socket::socket_object& object, dispatch::operation& one) -> int {
        if ((flags & TF_REUSE_SOCKET) != 0) {
            set_explanation("TF_REUSE_SOCKET: a connection cannot be taken off its socket here");
            return WSAEOPNOTSUPP;
        }
        return flags != 0 || reserved != 0 ? WSAEINVAL : object.start_disconnect(one);
    };
    if (overlapped == nullptr) {
        return api::blocking_call(s, start, nullptr);
    }
    return api::overlapped_call(s, overlapped, [&](socket::socket_object& object, const auto& told) {
        return api::start_transfer(object, nullptr, 0, told, start);
    });
}
