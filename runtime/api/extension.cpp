// SPDX-License-Identifier: Apache-2.0
//
// The extension functions of mswsock.h and how WSAIoctl finds them (IO-33).
#include "runtime/api/extension.hpp"

#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "runtime/api/address.hpp"
#include "runtime/api/call.hpp"
#include "runtime/api/overlapped.hpp"
#include "runtime/api/user_memory.hpp"
#include "runtime/dispatch/piece_source.hpp"

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
constexpr GUID transmit_file = WSAID_TRANSMITFILE;
constexpr GUID transmit_packets = WSAID_TRANSMITPACKETS;
constexpr GUID receive_message = WSAID_WSARECVMSG;
constexpr GUID send_message = WSAID_WSASENDMSG;

function function_named(const GUID& wanted) noexcept {
    const std::array<std::pair<const GUID*, function>, 8> all{{
        {&accept_ex, address_of(jl_accept_ex)},
        {&get_accept_ex_sockaddrs, address_of(jl_get_accept_ex_sockaddrs)},
        {&connect_ex, address_of(jl_connect_ex)},
        {&disconnect_ex, address_of(jl_disconnect_ex)},
        {&transmit_file, address_of(jl_transmit_file)},
        {&transmit_packets, address_of(jl_transmit_packets)},
        {&receive_message, address_of(jl_recv_msg)},
        {&send_message, address_of(WSASendMsg)},
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

namespace {

constexpr DWORD known_transmit_flags =
    TF_DISCONNECT | TF_REUSE_SOCKET | TF_WRITE_BEHIND | TF_USE_SYSTEM_THREAD | TF_USE_KERNEL_APC;

int check_transmit(const socket::socket_object& object, DWORD flags) {
    if (object.message_oriented() || object.connectionless()) {
        set_explanation("TransmitFile and TransmitPackets are for streams");
        return WSAEOPNOTSUPP;
    }
    if ((flags & TF_REUSE_SOCKET) != 0) {
        set_explanation("TF_REUSE_SOCKET: a connection cannot be taken off its socket here");
        return WSAEOPNOTSUPP;
    }
    return (flags & ~known_transmit_flags) == 0 ? 0 : WSAEINVAL;
}

int descriptor_of(HANDLE file) noexcept {
    return static_cast<int>(reinterpret_cast<std::intptr_t>(file));
}

using loader = std::function<int(dispatch::piece_source&)>;

// Sends what `load` puts into the source, and what the flags ask for behind it.
BOOL transmit(SOCKET s, LPWSAOVERLAPPED overlapped, DWORD flags, const loader& load) {
    const api::starter start = [&](socket::socket_object& object, dispatch::operation& one) -> int {
        int code = check_transmit(object, flags);
        if (code == 0) {
            one.source = std::make_unique<dispatch::piece_source>();
            code = load(*one.source);
        }
        if (code != 0) {
            return code;
        }
        DWORD bytes = 0;
        if (one.refill()) {
            code = object.start_send(one, bytes);
        } else {
            code = one.code != 0 ? one.code : object.finish_at_once(one, 0);
        }
        if ((code == 0 || code == WSA_IO_PENDING) && (flags & TF_DISCONNECT) != 0) {
            object.shutdown(SD_SEND); // behind what waits
        }
        return code;
    };
    if (overlapped == nullptr) {
        return api::blocking_call(s, start, nullptr);
    }
    return api::overlapped_call(s, overlapped, [&](socket::socket_object& object, const auto& told) {
        return api::start_transfer(object, nullptr, 0, told, start);
    });
}

std::optional<std::uint64_t> limit_of(DWORD size) noexcept {
    return size == 0 ? std::nullopt : std::optional<std::uint64_t>(size);
}

int add_element(dispatch::piece_source& source, const TRANSMIT_PACKETS_ELEMENT& one) {
    switch (one.dwElFlags & ~TP_ELEMENT_EOP) {
    case TP_ELEMENT_MEMORY:
        if (!api::readable(one.pBuffer, one.cLength)) {
            return WSAEFAULT;
        }
        source.add_memory(one.pBuffer, one.cLength);
        return 0;
    case TP_ELEMENT_FILE: {
        const auto at = one.nFileOffset.QuadPart;
        return source.add_file(descriptor_of(one.hFile),
                               at == -1 ? std::nullopt : std::optional(static_cast<std::uint64_t>(at)),
                               limit_of(one.cLength));
    }
    default: return WSAEINVAL;
    }
}

} // namespace

BOOL jl_transmit_file(SOCKET s, HANDLE file, DWORD size, DWORD /*size_per_send*/, LPWSAOVERLAPPED overlapped,
                      LPTRANSMIT_FILE_BUFFERS buffers, DWORD flags) {
    return transmit(s, overlapped, flags, [&](dispatch::piece_source& source) -> int {
        TRANSMIT_FILE_BUFFERS around{};
        if (buffers != nullptr &&
            (!api::get(buffers, around) || !api::readable(around.Head, around.HeadLength) ||
             !api::readable(around.Tail, around.TailLength))) {
            return WSAEFAULT;
        }
        source.add_memory(around.Head, around.HeadLength);
        if (file != nullptr) {
            std::optional<std::uint64_t> from;
            if (overlapped != nullptr) {
                from = (std::uint64_t{overlapped->OffsetHigh} << 32U) | overlapped->Offset;
            }
            if (const int code = source.add_file(descriptor_of(file), from, limit_of(size)); code != 0) {
                return code;
            }
        }
        source.add_memory(around.Tail, around.TailLength);
        return 0;
    });
}

BOOL jl_transmit_packets(SOCKET s, LPTRANSMIT_PACKETS_ELEMENT elements, DWORD count, DWORD /*size_per_send*/,
                         LPWSAOVERLAPPED overlapped, DWORD flags) {
    return transmit(s, overlapped, flags, [&](dispatch::piece_source& source) -> int {
        for (DWORD i = 0; i < count; ++i) {
            TRANSMIT_PACKETS_ELEMENT one{};
            const int code = api::get(elements + i, one) ? add_element(source, one) : WSAEFAULT;
            if (code != 0) {
                return code;
            }
        }
        return 0;
    });
}
