// SPDX-License-Identifier: Apache-2.0
//
// Making, naming and closing sockets (clauses CT-40 ..., LC).
#include <unistd.h>

#include "runtime/api/address.hpp"
#include "runtime/api/call.hpp"
#include "runtime/api/user_memory.hpp"
#include "runtime/catalog/protocol_info.hpp"
#include "runtime/catalog/selection.hpp"
#include "runtime/socket/alert.hpp"
#include "runtime/socket/duplicate.hpp"

using namespace joinleaf;

namespace {

// The values the provider sees: -1 and wildcards become the entry's own (CT-44, CT-45).
catalog::query resolved(const catalog::query& asked, const catalog::entry& entry) noexcept {
    const auto& row = *entry.protocol;
    return {row.family, row.socket_type, asked.protocol > 0 ? asked.protocol : row.protocol, asked.flags};
}

int open_on(runtime& running, const catalog::query& asked, const catalog::entry& entry, SOCKET& made) {
    const auto object = socket::socket_object::create(running.loops(), entry, resolved(asked, entry));
    if (!object) {
        return object.error();
    }
    made = (*object)->number();
    return 0;
}

// The first fitting entry; one that answers WSAEINPROGRESS sends the search on (CT-50).
int open_first(runtime& running, const catalog::query& asked, SOCKET& made) {
    int error = 0;
    const auto* entry = running.catalog().choose(asked, error);
    while (entry != nullptr) {
        error = open_on(running, asked, *entry, made);
        if (error != WSAEINPROGRESS) {
            return error;
        }
        int none = 0;
        entry = running.catalog().choose(asked, none, entry);
        if (entry == nullptr) {
            return WSAEOPNOTSUPP; // the last one has said why
        }
    }
    set_explanation(running.catalog().explain(asked).sentence);
    return error;
}

// A further number for a socket that WSADuplicateSocket gave a ticket for (LC-18).
int open_duplicate(DWORD ticket, SOCKET& made) {
    const auto of = socket::use_ticket(ticket);
    const auto held = of ? socket::open_sockets().acquire(of->number) : socket::socket_reference();
    if (!held || held->identity() != of->identity) {
        set_explanation("what WSADuplicateSocket filled in was used before, or its socket is closed");
        return WSAEINVAL; // CT-47
    }
    const auto number = held->duplicate();
    made = number ? *number : INVALID_SOCKET;
    return number ? 0 : number.error();
}

int open_named(runtime& running, const catalog::query& asked, const WSAPROTOCOL_INFOW& info, SOCKET& made) {
    if (info.dwProviderReserved != 0) {
        return open_duplicate(info.dwProviderReserved, made);
    }
    const auto* const entry = running.catalog().find(info.dwCatalogEntryId);
    if (entry == nullptr) {
        return WSAEINVAL; // incomplete, or from another configuration (CT-47)
    }
    if (const int refused = catalog::check_flags(*entry, asked.flags); refused != 0) {
        set_explanation("the entry that was named cannot serve these flags");
        return refused; // CT-61, CT-63, CT-67
    }
    const int error = open_on(running, asked, *entry, made);
    return error == WSAEINPROGRESS ? WSAEOPNOTSUPP : error; // it sends on, and there is nobody else
}

SOCKET open_socket(const catalog::query& asked, const WSAPROTOCOL_INFOW* info, GROUP group) {
    SOCKET made = INVALID_SOCKET;
    const int code = api::started_call([&] {
        if (group != 0) {
            return WSAEINVAL;
        }
        if (!catalog::are_lawful(asked.flags)) {
            set_explanation("a multipoint socket takes one WSA_FLAG_MULTIPOINT_C_ flag and one _D_ flag, and "
                            "no unknown bit"); // CT-65
            return WSAEINVAL;
        }
        const auto running = runtime::current();
        const runtime::making hold;
        if (!running || !hold) {
            return WSANOTINITIALISED;
        }
        return info == nullptr ? open_first(*running, asked, made) : open_named(*running, asked, *info, made);
    });
    return code == 0 ? made : INVALID_SOCKET;
}

SOCKET refuse_pointer() {
    api::answer(runtime::started() ? WSAEFAULT : WSANOTINITIALISED);
    return INVALID_SOCKET;
}

} // namespace

SOCKET jl_socket(int af, int type, int protocol) {
    return open_socket({af, type, protocol, WSA_FLAG_OVERLAPPED}, nullptr, 0); // CT-60
}

SOCKET WSASocketW(int af, int type, int protocol, LPWSAPROTOCOL_INFOW info, GROUP group, DWORD flags) {
    WSAPROTOCOL_INFOW copy{};
    if (info != nullptr && !api::get(info, copy)) {
        return refuse_pointer();
    }
    return open_socket({af, type, protocol, flags}, info == nullptr ? nullptr : &copy, group);
}

SOCKET WSASocketA(int af, int type, int protocol, LPWSAPROTOCOL_INFOA info, GROUP group, DWORD flags) {
    WSAPROTOCOL_INFOA copy{};
    if (info == nullptr) {
        return open_socket({af, type, protocol, flags}, nullptr, group);
    }
    if (!api::get(info, copy)) {
        return refuse_pointer();
    }
    const auto wide = catalog::to_wide(copy);
    return open_socket({af, type, protocol, flags}, &wide, group);
}

int jl_closesocket(SOCKET s) {
    if (!runtime::started()) {
        return api::answer(WSANOTINITIALISED);
    }
    auto held = socket::open_sockets().acquire(s);
    if (!held) {
        return api::answer(WSAENOTSOCK);
    }
    return api::answer(api::code_of([&] {
        if (socket::condition_scope::active()) {
            return WSAEINPROGRESS; // the accept call below us still holds sockets (AC-22)
        }
        if (const auto code = held->linger_allows_close(); code != 0) {
            return code;
        }
        auto* const object = held.get();
        if (!socket::open_sockets().shut(s)) {
            return WSAENOTSOCK; // another thread was faster
        }
        if (!object->give_up_number(s)) {
            return 0; // it lives on by its other numbers (LC-18)
        }
        object->interrupt();
        held.reset();
        if (socket::interrupts_a_call_on(*object)) {
            socket::close_after_call(*object);
            return 0;
        }
        object->drain_numbers();
        object->close();
        return 0;
    }));
}

int jl_bind(SOCKET s, const sockaddr* name, int length) {
    return api::socket_call(s, [&](socket::socket_object& object) {
        api::address address;
        if (const int code = address.load(name, length, object.entry().protocol->family); code != 0) {
            return code;
        }
        return object.bind(address.get(), address.length());
    });
}

namespace {

int name_of(SOCKET s, bool peer, sockaddr* name, int* length) {
    return api::socket_call(s, [&](socket::socket_object& object) {
        int room = 0;
        if (!api::get(length, room) || room < 0 || !api::writable(name, static_cast<std::size_t>(room))) {
            return WSAEFAULT;
        }
        sockaddr_storage storage{};
        std::uint32_t len = sizeof storage;
        if (const auto code = object.name(peer, reinterpret_cast<sockaddr*>(&storage), &len); code != 0) {
            return code;
        }
        if (static_cast<std::uint32_t>(room) < len) {
            return WSAEFAULT;
        }
        std::memcpy(name, &storage, len);
        *length = static_cast<int>(len);
        return 0;
    });
}

} // namespace

int jl_getsockname(SOCKET s, sockaddr* name, int* length) {
    return name_of(s, false, name, length);
}

int jl_getpeername(SOCKET s, sockaddr* name, int* length) {
    return name_of(s, true, name, length);
}

int jl_gethostname(char* name, int length) {
    return api::started_call([&] {
        if (name == nullptr || length <= 0 || !api::writable(name, static_cast<std::size_t>(length))) {
            return WSAEFAULT;
        }
        return ::gethostname(name, static_cast<std::size_t>(length)) == 0 ? 0 : WSAEFAULT;
    });
}
