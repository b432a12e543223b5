// SPDX-License-Identifier: Apache-2.0
//
// Overlapped calls: their arguments made into operations, their outcome, their cancelling (clauses IO-40 ...
// IO-54).
#include "runtime/api/overlapped.hpp"

#include <atomic>

#include "runtime/api/address.hpp"
#include "runtime/api/call.hpp"
#include "runtime/api/message_flags.hpp"
#include "runtime/api/user_memory.hpp"
#include "runtime/dispatch/operation.hpp"
#include "runtime/socket/alert.hpp"

#include <joinleaf/overlapped.h>

using namespace joinleaf;

static_assert(STATUS_PENDING == dispatch::pending_mark);

namespace joinleaf::api {
namespace {

ULONG_PTR state_of(LPWSAOVERLAPPED overlapped) noexcept {
    return std::atomic_ref(overlapped->Internal).load(std::memory_order_acquire);
}

// A record until its operation is begun.
class record {
  public:
    record() : one_(*dispatch::operation::take()) {}
    record(const record&) = delete;
    record& operator=(const record&) = delete;
    ~record() {
        if (owned_) {
            one_.give_back();
        }
    }
    dispatch::operation* operator->() const noexcept { return &one_; }

    // start: the socket's function that begins it.
    template <class Start> int begin(Start start) {
        owned_ = false;
        const int code = start(one_);
        if (code != 0 && code != WSA_IO_PENDING) {
            one_.refuse(code);
        }
        return code;
    }

  private:
    dispatch::operation& one_;
    bool owned_ = true;
};

int load_indication(const overlapped_arguments& told, record& one) {
    if (told.overlapped == nullptr) {
        return WSAEFAULT;
    }
    one->overlapped = told.overlapped;
    one->starter = dispatch::apc_queue::of_thread().get();
    if (told.routine != nullptr) {
        one->routine = told.routine;
        one->thread = dispatch::apc_queue::of_thread();
    } else if (told.overlapped->hEvent != nullptr) {
        one->event = dispatch::event_object::find(reinterpret_cast<std::uintptr_t>(told.overlapped->hEvent));
        if (!one->event) {
            return WSA_INVALID_HANDLE;
        }
    }
    return 0;
}

int load_indication(const socket::socket_object& object, const overlapped_arguments& told, record& one) {
    if (const int code = load_indication(told, one); code != 0) {
        return code;
    }
    one->group = object.identity();
    if (object.has_port()) {
        one->starter = nullptr; // what a port is told of outlives the thread that began it
        return told.routine == nullptr ? 0 : WSAEINVAL; // the port is told of every operation, or of none
    }
    return 0;
}

void load_buffers(const WSABUF* buffers, DWORD count, std::uint32_t flags, record& one) {
    for (DWORD i = 0; i < count; ++i) {
        one->buffers.push_back({buffers[i].buf, buffers[i].len});
    }
    one->message.iov = one->buffers.data();
    one->message.iov_count = count;
    one->message.flags = flags;
}

int load_destination(const socket::socket_object& object, const sockaddr* to, int to_length, record& one) {
    if (to == nullptr || !object.connectionless()) {
        return 0; // a connected or rooted socket has its peers (IO-09)
    }
    address checked;
    if (const int code = checked.load(to, to_length, object.entry().protocol->family); code != 0) {
        return code;
    }
    std::memcpy(&one->address, checked.get(), checked.length());
    one->message.addr = reinterpret_cast<sockaddr*>(&one->address);
    one->message.addr_len = checked.length();
    return 0;
}

int load_source_room(sockaddr* from, LPINT from_length, record& one) {
    if (from == nullptr || from_length == nullptr) {
        return 0;
    }
    int room = 0;
    if (!get(from_length, room) || room < 0 || !writable(from, static_cast<std::size_t>(room))) {
        return WSAEFAULT;
    }
    one->from = from;
    one->from_length = from_length;
    one->message.addr = reinterpret_cast<sockaddr*>(&one->address);
    one->message.addr_len = sizeof one->address;
    return 0;
}

} // namespace

int start_send(socket::socket_object& object, const WSABUF* from, DWORD count, LPDWORD sent, DWORD flags,
               const sockaddr* to, int to_length, const overlapped_arguments& told) {
    record one;
    std::uint32_t translated = 0;
    int code = translate(object, flags, known_send_flags, translated);
    code = code != 0 ? code : load_indication(object, told, one);
    code = code != 0 ? code : load_destination(object, to, to_length, one);
    if (code != 0) {
        return code;
    }
    load_buffers(from, count, translated, one);
    DWORD bytes = 0;
    code = one.begin([&](dispatch::operation& begun) { return object.start_send(begun, bytes); });
    if (code == 0 && sent != nullptr) {
        *sent = bytes;
    }
    return code;
}

int start_receive(socket::socket_object& object, const WSABUF* into, DWORD count, LPDWORD bytes,
                  LPDWORD flags, sockaddr* from, LPINT from_length, const overlapped_arguments& told,
                  LPDWORD message_flags) {
    record one;
    std::uint32_t translated = 0;
    int code = translate_receive(object, *flags, translated);
    code = code != 0 ? code : load_indication(object, told, one);
    code = code != 0 ? code : load_source_room(from, from_length, one);
    if (code != 0) {
        return code;
    }
    const bool stream = !object.message_oriented() && !object.connectionless();
    one->collects = stream && (*flags & MSG_WAITALL) != 0 && (*flags & MSG_PEEK) == 0;
    one->told_flags = message_flags;
    load_buffers(into, count, translated, one);
    DWORD got = 0;
    DWORD flags_now = 0;
    code = one.begin([&](dispatch::operation& begun) { return object.start_receive(begun, got, flags_now); });
    if (code == 0) {
        *flags = flags_now;
        if (bytes != nullptr) {
            *bytes = got;
        }
    }
    return code;
}

int start_ioctl(socket::socket_object& object, DWORD code, std::span<const std::byte> in,
                std::span<std::byte> out, LPDWORD returned, const overlapped_arguments& told) {
    record one;
    if (const int refused = load_indication(object, told, one); refused != 0) {
        return refused;
    }
    std::uint32_t bytes = 0;
    const int answered =
        one.begin([&](dispatch::operation& begun) { return object.start_ioctl(begun, code, in, out, bytes); });
    if (returned != nullptr && (answered == 0 || bytes != 0)) {
        *returned = bytes; // too little room: what is needed
    }
    return answered;
}

int start_transfer(socket::socket_object& object, const WSABUF* buffers, DWORD count,
                   const overlapped_arguments& told, const starter& start) {
    record one;
    if (const int refused = load_indication(object, told, one); refused != 0) {
        return refused;
    }
    load_buffers(buffers, count, 0, one);
    return one.begin([&](dispatch::operation& begun) { return start(object, begun); });
}

int run_to_end(SOCKET s, const starter& start, DWORD& bytes) {
    WSAOVERLAPPED state{};
    // No handle: it is this call's alone.
    const auto event = std::make_shared<dispatch::event_object>(dispatch::make_eventfd());
    if (event->fd() < 0) {
        return WSAENOBUFS;
    }
    const int code = code_of([&] {
        const auto object = socket::open_sockets().acquire(s);
        if (!object) {
            return WSAENOTSOCK;
        }
        record one;
        one->overlapped = &state;
        one->event = event;
        one->always_told = true;
        one->told_at.emplace();
        one->group = object->identity();
        return one.begin([&](dispatch::operation& begun) { return start(*object, begun); });
    });
    if (code != 0 && code != WSA_IO_PENDING) {
        return code;
    }
    const pollfd signalled{event->fd(), POLLIN, 0};
    while (state_of(&state) == STATUS_PENDING) {
        if (!socket::run_queued_calls(std::span<socket::socket_object* const>())) { // ST-19
            dispatch::waiter::of_thread().wait({&signalled, 1}, {});
        }
    }
    bytes = static_cast<DWORD>(state.InternalHigh);
    const auto outcome = static_cast<int>(state_of(&state));
    return outcome == WSA_OPERATION_ABORTED ? WSAEINTR : outcome;
}

int start_on(const overlapped_arguments& told, const std::function<int(dispatch::operation&)>& start) {
    record one;
    const int code = load_indication(told, one);
    return code != 0 ? code : one.begin(start);
}

} // namespace joinleaf::api

namespace {

using api::state_of;

// Waits for the end without holding the socket, which another thread may close meanwhile. WSA_INVALID_HANDLE
// where the operation has no event (IO-45).
int wait_for_end(LPWSAOVERLAPPED overlapped) {
    const auto event = dispatch::event_object::find(reinterpret_cast<std::uintptr_t>(overlapped->hEvent));
    if (!event) {
        return WSA_INVALID_HANDLE;
    }
    const pollfd signalled{event->fd(), POLLIN, 0};
    while (state_of(overlapped) == STATUS_PENDING) {
        dispatch::waiter::of_thread().wait({&signalled, 1}, {});
    }
    return 0;
}

SOCKET socket_of(HANDLE handle) noexcept {
    return reinterpret_cast<SOCKET>(handle);
}

// TRUE, or FALSE with the last error: body answers a code; a HANDLE that is no socket is WSA_INVALID_HANDLE.
template <class Body> BOOL on_socket_handle(HANDLE handle, Body body) noexcept {
    if (!runtime::started()) {
        api::answer(WSANOTINITIALISED);
        return FALSE;
    }
    const auto held = socket::open_sockets().acquire(socket_of(handle));
    if (!held) {
        api::answer(WSA_INVALID_HANDLE);
        return FALSE;
    }
    return api::answer(api::code_of([&] { return body(*held); })) == 0 ? TRUE : FALSE;
}

} // namespace

BOOL WSAGetOverlappedResult(SOCKET s, LPWSAOVERLAPPED overlapped, LPDWORD transferred, BOOL wait,
                            LPDWORD flags) {
    int code = api::socket_call(s, [&](socket::socket_object& /*object*/) {
        if (overlapped == nullptr || transferred == nullptr || flags == nullptr) {
            return WSAEFAULT;
        }
        return wait == FALSE && state_of(overlapped) == STATUS_PENDING ? WSA_IO_INCOMPLETE : 0;
    });
    if (code != 0) {
        return FALSE;
    }
    if (wait != FALSE && state_of(overlapped) == STATUS_PENDING) {
        code = api::answer(api::code_of([&] { return wait_for_end(overlapped); }));
        if (code != 0) {
            return FALSE;
        }
    }
    const auto outcome = static_cast<int>(state_of(overlapped));
    *transferred = static_cast<DWORD>(overlapped->InternalHigh);
    *flags = overlapped->Offset;
    return api::answer(outcome) == 0 ? TRUE : FALSE;
}

BOOL jl_cancel_io_ex(HANDLE socket, LPWSAOVERLAPPED overlapped) {
    return on_socket_handle(socket, [&](socket::socket_object& object) {
        return object.cancel_operations(overlapped, nullptr) == 0 ? ERROR_NOT_FOUND : 0;
    });
}

BOOL jl_cancel_io(HANDLE socket) {
    return on_socket_handle(socket, [](socket::socket_object& object) {
        object.cancel_operations(nullptr, dispatch::apc_queue::of_thread().get());
        return 0;
    });
}

BOOL jl_set_file_completion_notification_modes(HANDLE socket, UCHAR flags) {
    return on_socket_handle(socket, [&](socket::socket_object& object) {
        if ((flags & ~(FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE)) != 0) {
            return WSA_INVALID_PARAMETER;
        }
        if ((flags & FILE_SKIP_COMPLETION_PORT_ON_SUCCESS) != 0) {
            object.skip_port_on_success();
        }
        return 0;
    });
}
