// SPDX-License-Identifier: Apache-2.0
//
// Events of both kinds, semaphores, mutexes, threads, and waiting for them.
#include <joinleaf/kernel_objects.h>

#include <chrono>
#include <memory>
#include <vector>

#include <limits.h>

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "runtime/api/call.hpp"
#include "runtime/api/handle.hpp"
#include "runtime/api/user_memory.hpp"
#include "runtime/dispatch/kernel_object.hpp"

using namespace joinleaf;
using dispatch::kernel_object;

namespace {

using kind = enum kernel_object::kind;
using object = std::shared_ptr<kernel_object>;

constexpr DWORD wait_abandoned = 0x80;
constexpr int error_not_owner = 288;
constexpr DWORD no_thread = ~DWORD{0};

// A new object that `prepare` completes before anybody knows its handle.
template <class Prepare> HANDLE make(kind what, Prepare prepare) noexcept {
    HANDLE made = nullptr;
    api::answer(api::code_of([&] {
        const auto fresh = dispatch::make_kernel_object(what);
        if (!fresh) {
            return WSA_NOT_ENOUGH_MEMORY;
        }
        prepare(fresh);
        made = api::handle_of(fresh->handle);
        return 0;
    }));
    return made;
}

// body(kernel_object&) answers a code.
template <class Body> BOOL with(HANDLE handle, kind what, Body body) noexcept {
    return api::truth(api::code_of([&] {
        int code = 0;
        const bool found = dispatch::with_kernel_object(api::number_of(handle), what,
                                                        [&](kernel_object& each) { code = body(each); });
        return found ? code : WSA_INVALID_HANDLE;
    }));
}

// What a thread has from its start on, in the thread itself.
struct thread_start {
    jl_thread_start begin = nullptr;
    void* argument = nullptr;
    object self;
    std::shared_ptr<dispatch::event_object> go;    // suspended until it is set
    std::shared_ptr<dispatch::event_object> begun; // its number is known
    DWORD id = 0;
};

// Signals the end: the first of the thread's own objects to be made is the last to go.
struct thread_end {
    object self;
    DWORD code = 0;
    thread_end() = default;
    thread_end(const thread_end&) = delete;
    thread_end& operator=(const thread_end&) = delete;
    ~thread_end() {
        if (self) {
            dispatch::end_thread(*self, code);
        }
    }
};

thread_end& end_of_thread() {
    thread_local thread_end own;
    return own;
}

void wait_until_set(const dispatch::event_object& event) {
    const pollfd one{event.fd(), POLLIN, 0};
    pollfd now = one;
    while (::poll(&now, 1, 0) == 0) {
        dispatch::waiter::of_thread().wait({&one, 1}, {});
    }
}

void* run_thread(void* started) {
    auto& end = end_of_thread();
    jl_thread_start begin = nullptr;
    void* argument = nullptr;
    {
        auto& start = *static_cast<thread_start*>(started);
        const auto go = start.go;
        begin = start.begin;
        argument = start.argument;
        end.self = start.self;
        start.id = static_cast<DWORD>(::gettid());
        const auto begun = start.begun;
        begun->set(); // `start` is gone from here on
        wait_until_set(*go);
    }
    end.code = begin(argument);
    return nullptr;
}

// 0, or the code; the thread runs then and start.id is its number.
int spawn(thread_start& start, std::size_t stack) {
    pthread_attr_t how;
    ::pthread_attr_init(&how);
    ::pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
    if (stack >= static_cast<std::size_t>(PTHREAD_STACK_MIN)) {
        ::pthread_attr_setstacksize(&how, stack);
    }
    pthread_t thread{};
    const int error = ::pthread_create(&thread, &how, &run_thread, &start);
    ::pthread_attr_destroy(&how);
    if (error != 0) {
        return WSA_NOT_ENOUGH_MEMORY;
    }
    wait_until_set(*start.begun);
    return 0;
}

DWORD index_of(const dispatch::wait_result& result) noexcept {
    switch (result.end) {
    case dispatch::wait_end::signalled: return static_cast<DWORD>(result.index);
    case dispatch::wait_end::abandoned: return wait_abandoned + static_cast<DWORD>(result.index);
    case dispatch::wait_end::timed_out: return WSA_WAIT_TIMEOUT;
    case dispatch::wait_end::bad_handle: break;
    }
    return WSA_WAIT_FAILED;
}

} // namespace

HANDLE jl_create_event(BOOL manual, BOOL set) {
    if (manual != FALSE) {
        const WSAEVENT made = WSACreateEvent();
        if (made != WSA_INVALID_EVENT && set != FALSE) {
            WSASetEvent(made);
        }
        return made;
    }
    return make(kind::automatic_event, [set](const object& made) {
        if (set != FALSE) {
            made->set();
        }
    });
}

HANDLE jl_create_semaphore(LONG count, LONG maximum) {
    if (count < 0 || maximum < 1 || count > maximum) {
        api::answer(WSA_INVALID_PARAMETER);
        return nullptr;
    }
    return make(kind::semaphore, [=](const object& made) {
        made->count = count;
        made->maximum = maximum;
        if (count > 0) {
            made->set();
        }
    });
}

BOOL jl_release_semaphore(HANDLE semaphore, LONG added, LONG* former) {
    return with(semaphore, kind::semaphore, [&](kernel_object& each) {
        if (added < 1 || added > each.maximum - each.count) {
            return WSA_INVALID_PARAMETER;
        }
        if (former != nullptr && !api::put(former, LONG{each.count})) {
            return WSAEFAULT;
        }
        each.count += added;
        each.set();
        return 0;
    });
}

HANDLE jl_create_mutex(BOOL owned) {
    return make(kind::mutex, [owned](const object& made) {
        if (owned != FALSE) {
            dispatch::own(made);
        } else {
            made->set();
        }
    });
}

BOOL jl_release_mutex(HANDLE mutex) {
    return with(mutex, kind::mutex,
                [](kernel_object& each) { return dispatch::disown(each) ? 0 : error_not_owner; });
}

HANDLE jl_create_thread(jl_thread_start start, void* argument, size_t stack, BOOL suspended, DWORD* id) {
    HANDLE made = nullptr;
    api::answer(api::code_of([&] {
        if (start == nullptr) {
            return WSA_INVALID_PARAMETER;
        }
        thread_start first;
        first.begin = start;
        first.argument = argument;
        first.self = dispatch::make_kernel_object(kind::thread);
        first.begun = std::make_shared<dispatch::event_object>(dispatch::make_eventfd());
        first.go = std::make_shared<dispatch::event_object>(dispatch::make_eventfd());
        if (!first.self || first.begun->fd() < 0 || first.go->fd() < 0) {
            return WSA_NOT_ENOUGH_MEMORY;
        }
        first.self->suspended = suspended != FALSE;
        if (suspended == FALSE) {
            first.go->set();
        }
        first.self->go = first.go;
        const int code = spawn(first, stack);
        if (code != 0) {
            WSACloseEvent(api::handle_of(first.self->handle));
            return code;
        }
        made = api::handle_of(first.self->handle);
        return id == nullptr || api::put(id, first.id) ? 0 : WSAEFAULT;
    }));
    return made;
}

DWORD jl_resume_thread(HANDLE thread) {
    DWORD former = no_thread;
    with(thread, kind::thread, [&](kernel_object& each) {
        former = each.suspended ? 1 : 0;
        each.suspended = false;
        each.go->set();
        return 0;
    });
    return former;
}

BOOL jl_get_exit_code_thread(HANDLE thread, DWORD* code) {
    return with(thread, kind::thread,
                [&](kernel_object& each) { return api::put(code, DWORD{each.exit_code}) ? 0 : WSAEFAULT; });
}

void jl_exit_thread(DWORD code) {
    end_of_thread().code = code;
    ::pthread_exit(nullptr);
}

DWORD jl_current_thread_id(void) {
    return static_cast<DWORD>(::gettid());
}

DWORD jl_current_process_id(void) {
    return static_cast<DWORD>(::getpid());
}

DWORD jl_wait_for_objects(DWORD count, const HANDLE* objects, BOOL all, DWORD milliseconds) {
    DWORD answered = WSA_WAIT_FAILED;
    api::answer(api::code_of([&] {
        if (count == 0 || count > WSA_MAXIMUM_WAIT_EVENTS) {
            return WSA_INVALID_PARAMETER;
        }
        if (!api::readable(objects, count * sizeof *objects)) {
            return WSAEFAULT;
        }
        std::vector<std::uintptr_t> handles;
        for (DWORD i = 0; i < count; ++i) {
            handles.push_back(api::number_of(objects[i]));
        }
        dispatch::deadline until;
        if (milliseconds != WSA_INFINITE) {
            until = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
        }
        answered = index_of(dispatch::wait_for(handles, all != FALSE, until));
        return answered == WSA_WAIT_FAILED ? WSA_INVALID_HANDLE : 0;
    }));
    return answered;
}
