// SPDX-License-Identifier: Apache-2.0
//
// Socket options and ioctls.
#include <cstring>

#include "runtime/api/call.hpp"
#include "runtime/api/extension.hpp"
#include "runtime/api/overlapped.hpp"
#include "runtime/api/user_memory.hpp"

using namespace joinleaf;

int jl_setsockopt(SOCKET s, int level, int option, const void* value, int length) {
    return api::socket_call(s, [&](socket::socket_object& object) {
        const bool needs_no_value = level == SOL_SOCKET && option == SO_UPDATE_CONNECT_CONTEXT;
        if ((length <= 0 && !needs_no_value) || length < 0 ||
            !api::readable(value, static_cast<std::size_t>(length))) {
            return WSAEFAULT;
        }
        return object.set_option(level, option, value, length);
    });
}

int jl_getsockopt(SOCKET s, int level, int option, void* value, int* length) {
    return api::socket_call(s, [&](socket::socket_object& object) {
        int room = 0;
        if (!api::get(length, room) || room <= 0 || !api::writable(value, static_cast<std::size_t>(room))) {
            return WSAEFAULT;
        }
        return object.get_option(level, option, value, length);
    });
}

int jl_ioctlsocket(SOCKET s, LONG command, jl_u_long* argument) {
    return api::socket_call(s, [&](socket::socket_object& object) {
        jl_u_long value = 0;
        if (!api::get(argument, value)) {
            return WSAEFAULT;
        }
        const auto code = static_cast<DWORD>(command);
        const auto in = std::as_bytes(std::span(&value, 1));
        std::uint32_t bytes = 0;
        const auto refused = object.ioctl(code, in, std::as_writable_bytes(std::span(argument, 1)), bytes);
        return refused;
    });
}

int WSAIoctl(SOCKET s, DWORD code, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size, LPDWORD returned,
             LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine) {
    return api::socket_call(s, [&](socket::socket_object& object) {
        const api::overlapped_arguments told{overlapped, routine};
        const bool later = api::is_overlapped(object, told);
        if ((returned == nullptr ? !later : !api::writable(returned, sizeof *returned)) ||
            !api::readable(in, in == nullptr ? 0 : in_size) ||
            !api::writable(out, out == nullptr ? 0 : out_size)) {
            return WSAEFAULT; // IO-20
        }
        if (code == SIO_SET_QOS && in != nullptr && in_size >= sizeof(QOS)) {
            QOS asked{};
            std::memcpy(&asked, in, sizeof asked);
            if (!api::readable(asked.ProviderSpecific.buf, asked.ProviderSpecific.len)) {
                return WSAEFAULT; // QS-23
            }
        }
        const std::span input(static_cast<const std::byte*>(in), in == nullptr ? 0 : in_size);
        const std::span output(static_cast<std::byte*>(out), out == nullptr ? 0 : out_size);
        if (code == SIO_GET_EXTENSION_FUNCTION_POINTER) {
            std::uint32_t bytes = 0;
            const int found = api::find_extension(input, output, bytes);
            if (found == 0 && returned != nullptr) {
                *returned = bytes;
            }
            return found != 0 || !later
                       ? found
                       : api::start_transfer(object, nullptr, 0, told, [bytes](auto& begun_on, auto& one) {
                             return begun_on.finish_at_once(one, bytes);
                         });
        }
        if (later) {
            return api::start_ioctl(object, code, input, output, returned, told);
        }
        std::uint32_t bytes = 0;
        const auto refused = object.ioctl(code, input, output, bytes);
        if (refused == 0 || bytes != 0) {
            *returned = bytes; // too little room: what is needed
        }
        return refused;
    });
}
