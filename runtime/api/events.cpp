// SPDX-License-Identifier: Apache-2.0
//
// Network events, event objects, waiting (clauses EV).
#include <array>
#include <bit>
#include <vector>

#include "runtime/api/call.hpp"
#include "runtime/api/user_memory.hpp"
#include "runtime/dispatch/apc_queue.hpp"

using namespace joinleaf;

namespace {

std::shared_ptr<dispatch::event_object> object_of(WSAEVENT event) {
    return dispatch::event_object::find(reinterpret_cast<std::uintptr_t>(event));
}

// TRUE, or FALSE with the last error (EV-70).
BOOL with_event(WSAEVENT event, void (*body)(dispatch::event_object&)) noexcept {
    const auto object = object_of(event);
    if (!object) {
        api::set_last_error(WSA_INVALID_HANDLE);
        return FALSE;
    }
    body(*object);
    return TRUE;
}

DWORD wait_failed(int code) noexcept {
    api::set_last_error(code);
    return WSA_WAIT_FAILED;
}

using objects = std::vector<std::shared_ptr<dispatch::event_object>>;

// The lowest index that is signalled, or the count of the objects (EV-71).
std::size_t first_signalled(std::vector<pollfd>& polled) noexcept {
    ::poll(polled.data(), polled.size(), 0);
    std::size_t index = 0;
    while (index < polled.size() && polled[index].revents == 0) {
        ++index;
    }
    return index;
}

std::vector<pollfd> to_poll(const objects& all) {
    std::vector<pollfd> polled;
    for (const auto& one : all) {
        polled.push_back({one->fd(), POLLIN, 0});
    }
    return polled;
}

DWORD wait_for_any(const objects& all, const dispatch::deadline& until, bool alertable) {
    auto polled = to_poll(all);
    for (bool in_time = true;;) {
        if (alertable && dispatch::apc_queue::run_own()) {
            return WSA_WAIT_IO_COMPLETION; // EV-75
        }
        if (const auto index = first_signalled(polled); index < polled.size()) {
            return WSA_WAIT_EVENT_0 + static_cast<DWORD>(index);
        }
        if (!in_time) {
            return WSA_WAIT_TIMEOUT;
        }
        in_time = dispatch::waiter::of_thread().wait(polled, until);
    }
}

// All at one moment; none is changed before (EV-72).
DWORD wait_for_all(const objects& all, const dispatch::deadline& until, bool alertable) {
    auto polled = to_poll(all);
    for (bool in_time = true;;) {
        if (alertable && dispatch::apc_queue::run_own()) {
            return WSA_WAIT_IO_COMPLETION;
        }
        ::poll(polled.data(), polled.size(), 0);
        std::vector<pollfd> missing;
        for (const auto& one : polled) {
            if (one.revents == 0) {
                missing.push_back(one);
            }
        }
        if (missing.empty()) {
            return WSA_WAIT_EVENT_0;
        }
        if (!in_time) {
            return WSA_WAIT_TIMEOUT;
        }
        in_time = dispatch::waiter::of_thread().wait({missing.data(), 1},
                                                     until); // all are needed: any missing one will do
    }
}

} // namespace

WSAEVENT WSACreateEvent(void) {
    std::uintptr_t handle = 0;
    const int code = api::code_of([&] {
        const auto made = dispatch::event_object::create();
        handle = made ? static_cast<std::uintptr_t>(made->fd()) : 0;
        return made ? 0 : WSA_NOT_ENOUGH_MEMORY;
    });
    api::answer(code);
    return reinterpret_cast<WSAEVENT>(handle);
}

BOOL WSASetEvent(WSAEVENT event) {
    return with_event(event, [](dispatch::event_object& object) { object.set(); });
}

BOOL WSAResetEvent(WSAEVENT event) {
    return with_event(event, [](dispatch::event_object& object) { object.reset(); });
}

BOOL WSACloseEvent(WSAEVENT event) {
    if (!dispatch::event_object::close(reinterpret_cast<std::uintptr_t>(event))) {
        api::set_last_error(WSA_INVALID_HANDLE);
        return FALSE;
    }
    return TRUE;
}

DWORD WSAWaitForMultipleEvents(DWORD count, const WSAEVENT* events, BOOL all, DWORD timeout, BOOL alertable) {
    if (!runtime::started()) {
        return wait_failed(WSANOTINITIALISED);
    }
    if (count == 0 || count > WSA_MAXIMUM_WAIT_EVENTS || !api::readable(events, count * sizeof *events)) {
        return wait_failed(WSA_INVALID_PARAMETER);
    }
    DWORD answered = WSA_WAIT_FAILED;
    const int code = api::code_of([&] {
        objects waited;
        for (DWORD i = 0; i < count; ++i) {
            waited.push_back(object_of(events[i]));
            if (!waited.back()) {
                return WSA_INVALID_HANDLE;
            }
        }
        dispatch::deadline until;
        if (timeout != WSA_INFINITE) {
            until = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout);
        }
        const auto wait = all != FALSE ? wait_for_all : wait_for_any;
        answered = wait(waited, until, alertable != FALSE);
        return 0;
    });
    return code == 0 ? answered : wait_failed(code);
}

int WSAEventSelect(SOCKET s, WSAEVENT event, LONG events) {
    return api::socket_call(s, [&](socket::socket_object& object) {
        if (events == 0) {
            return object.select_events({}, 0);
        }
        auto target = object_of(event);
        if (!target || (events & ~FD_ALL_EVENTS) != 0) {
            return WSAEINVAL; // EV-06
        }
        return object.select_events(std::move(target), static_cast<std::uint32_t>(events));
    });
}

int WSAAsyncSelect(SOCKET s, HWND receiver, UINT message, LONG events) {
    return api::socket_call(s, [&](socket::socket_object& object) {
        if (events == 0) {
            return object.select_events({}, 0);
        }
        auto queue = dispatch::message_queue::find(reinterpret_cast<std::uintptr_t>(receiver));
        if (!queue || (events & ~FD_ALL_EVENTS) != 0) {
            return WSAEINVAL; // EV-64
        }
        return object.select_events(dispatch::queue_target{std::move(queue), message, s},
                                    static_cast<std::uint32_t>(events));
    });
}

int WSAEnumNetworkEvents(SOCKET s, WSAEVENT event, LPWSANETWORKEVENTS result) {
    return api::socket_call(s, [&](socket::socket_object& object) {
        std::shared_ptr<dispatch::event_object> reset;
        if (event != WSA_INVALID_EVENT) {
            reset = object_of(event);
            if (!reset) {
                return WSAEINVAL;
            }
        }
        return object.take_events(reset.get(), [&](const dispatch::network_events& now) {
            WSANETWORKEVENTS out{};
            if (!api::get(result, out)) {
                return false;
            }
            out.lNetworkEvents = static_cast<LONG>(now.bits);
            for (auto bits = now.bits; bits != 0;
                 bits &= bits - 1) { // codes of other bits keep their bytes (EV-21)
                const auto bit = static_cast<std::size_t>(std::countr_zero(bits));
                out.iErrorCode[bit] = now.codes[bit];
            }
            return api::put(result, out);
        });
    });
}
