// SPDX-License-Identifier: Apache-2.0
//
// HANDLEs beside sockets and events: completion ports, threads and their queued calls (IO-49, IO-53).
#include <array>
#include <thread>
#include <vector>

#include "runtime/api/call.hpp"
#include "runtime/api/handle.hpp"
#include "runtime/api/user_memory.hpp"
#include "runtime/dispatch/apc_queue.hpp"
#include "runtime/dispatch/completion_port.hpp"

#include <joinleaf/overlapped.h>

using namespace joinleaf;

namespace {

constexpr auto pseudo_thread = ~std::uintptr_t{1}; // Windows' value of GetCurrentThread(), -2

dispatch::deadline deadline_in(DWORD milliseconds) {
    if (milliseconds == WSA_INFINITE) {
        return {};
    }
    return std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
}

// A call of QueueUserAPC, from queueing to its run.
struct user_call : dispatch::apc {
    PAPCFUNC function;
    ULONG_PTR argument;

    user_call(PAPCFUNC called, ULONG_PTR with) : function(called), argument(with) {
        run = [](dispatch::apc& queued) {
            const std::unique_ptr<user_call> self(static_cast<user_call*>(&queued));
            self->function(self->argument);
        };
        discard = [](dispatch::apc& queued) { delete static_cast<user_call*>(&queued); };
    }
};

std::shared_ptr<dispatch::apc_queue> queue_of(HANDLE thread) {
    if (api::number_of(thread) == pseudo_thread) {
        return dispatch::apc_queue::of_thread();
    }
    const auto object = dispatch::find_handle_of<dispatch::thread_object>(api::number_of(thread));
    return object ? object->apcs() : nullptr;
}

using packets = dispatch::completion_port::outcome;

// 0 when packets were taken, else the code that Windows gives.
int code_of_wait(packets outcome) noexcept {
    switch (outcome) {
    case packets::taken: return 0;
    case packets::timed_out: return WSA_WAIT_TIMEOUT;
    case packets::alerted: return WSA_WAIT_IO_COMPLETION;
    case packets::closed: break;
    }
    return ERROR_ABANDONED_WAIT_0;
}

int take_packets(HANDLE port, std::span<dispatch::completion> room, std::size_t& count, DWORD milliseconds,
                 bool alertable) {
    const auto object = dispatch::find_handle_of<dispatch::completion_port>(api::number_of(port));
    if (!object) {
        return WSA_INVALID_HANDLE;
    }
    return code_of_wait(object->take(room, count, deadline_in(milliseconds), alertable));
}

int associate(HANDLE file, const std::shared_ptr<dispatch::completion_port>& port, ULONG_PTR key) {
    const auto held = socket::open_sockets().acquire(reinterpret_cast<SOCKET>(file));
    if (!held) {
        return WSA_INVALID_HANDLE;
    }
    if ((held->flags() & WSA_FLAG_OVERLAPPED) == 0) {
        return WSA_INVALID_PARAMETER;
    }
    return held->associate({port, key});
}

} // namespace

DWORD jl_sleep_ex(DWORD milliseconds, BOOL alertable) {
    DWORD answered = 0;
    api::answer(api::code_of([&] {
        const auto until = deadline_in(milliseconds);
        for (bool in_time = true;;) {
            if (alertable != FALSE && dispatch::apc_queue::run_own()) {
                answered = WSA_WAIT_IO_COMPLETION;
                return 0;
            }
            if (!in_time) {
                return 0;
            }
            in_time = dispatch::waiter::of_thread().wait({}, until);
        }
    }));
    return answered;
}

DWORD jl_queue_user_apc(PAPCFUNC function, HANDLE thread, ULONG_PTR argument) {
    return static_cast<DWORD>(api::truth(api::code_of([&] {
        if (function == nullptr) {
            return WSA_INVALID_PARAMETER;
        }
        const auto queue = queue_of(thread);
        if (!queue) {
            return WSA_INVALID_HANDLE;
        }
        auto queued = std::make_unique<user_call>(function, argument);
        return queue->push(*queued.release()) ? 0 : WSA_INVALID_HANDLE;
    })));
}

HANDLE jl_current_thread(void) {
    return api::handle_of(pseudo_thread);
}

HANDLE jl_open_current_thread(void) {
    std::uintptr_t number = 0;
    api::answer(api::code_of([&] {
        const auto made = dispatch::thread_object::of_calling_thread();
        number = made ? made->handle() : 0;
        return made ? 0 : WSA_NOT_ENOUGH_MEMORY;
    }));
    return api::handle_of(number);
}

BOOL jl_close_handle(HANDLE handle) {
    if (dispatch::close_handle(api::number_of(handle))) {
        return TRUE;
    }
    const bool is_socket = static_cast<bool>(socket::open_sockets().acquire(reinterpret_cast<SOCKET>(handle)));
    if (is_socket) {
        return jl_closesocket(reinterpret_cast<SOCKET>(handle)) == 0 ? TRUE : FALSE;
    }
    return api::truth(WSA_INVALID_HANDLE);
}

HANDLE jl_create_io_completion_port(HANDLE file, HANDLE port, ULONG_PTR key, DWORD threads) {
    HANDLE answered = nullptr;
    api::answer(api::code_of([&] {
        auto object = dispatch::find_handle_of<dispatch::completion_port>(api::number_of(port));
        if (port != nullptr && !object) {
            return WSA_INVALID_HANDLE;
        }
        const bool only_makes = file == INVALID_HANDLE_VALUE;
        if (only_makes && object) {
            return WSA_INVALID_PARAMETER;
        }
        const bool made = !object;
        if (made) {
            object = dispatch::completion_port::create(threads);
            if (!object) {
                return WSA_NOT_ENOUGH_MEMORY;
            }
        }
        const int code = only_makes ? 0 : associate(file, object, key);
        if (code == 0) {
            answered = api::handle_of(object->handle());
        } else if (made) {
            dispatch::close_handle(object->handle());
        }
        return code;
    }));
    return answered;
}

BOOL jl_get_queued_completion_status(HANDLE port, LPDWORD transferred, ULONG_PTR* key,
                                     LPWSAOVERLAPPED* overlapped, DWORD milliseconds) {
    return api::truth(api::code_of([&] {
        if (transferred == nullptr || key == nullptr || overlapped == nullptr) {
            return WSAEFAULT;
        }
        *overlapped = nullptr;
        dispatch::completion packet;
        std::size_t count = 0;
        if (const int code = take_packets(port, {&packet, 1}, count, milliseconds, false); code != 0) {
            return code;
        }
        *transferred = packet.bytes;
        *key = packet.key;
        *overlapped = packet.overlapped;
        return static_cast<int>(packet.code);
    }));
}

BOOL jl_get_queued_completion_status_ex(HANDLE port, LPOVERLAPPED_ENTRY entries, ULONG count, PULONG taken,
                                        DWORD milliseconds, BOOL alertable) {
    return api::truth(api::code_of([&] {
        if (entries == nullptr || taken == nullptr) {
            return WSAEFAULT;
        }
        if (count == 0) {
            return WSA_INVALID_PARAMETER;
        }
        std::array<dispatch::completion, 128> room; // more come with the next call
        std::size_t got = 0;
        *taken = 0;
        const auto wanted = std::min<std::size_t>(count, room.size());
        const int code =
            take_packets(port, std::span(room).first(wanted), got, milliseconds, alertable != FALSE);
        for (std::size_t i = 0; i < got; ++i) {
            entries[i] = {room[i].key, room[i].overlapped, static_cast<ULONG_PTR>(room[i].code),
                          room[i].bytes};
        }
        *taken = static_cast<ULONG>(got);
        return code;
    }));
}

BOOL jl_post_queued_completion_status(HANDLE port, DWORD transferred, ULONG_PTR key,
                                      LPWSAOVERLAPPED overlapped) {
    return api::truth(api::code_of([&] {
        const auto object = dispatch::find_handle_of<dispatch::completion_port>(api::number_of(port));
        if (!object) {
            return WSA_INVALID_HANDLE;
        }
        object->post({key, overlapped, transferred, 0});
        return 0;
    }));
}
