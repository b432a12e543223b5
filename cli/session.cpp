// SPDX-License-Identifier: Apache-2.0
#include "session.hpp"

#include "runtime.hpp"

#include <fmt/format.h>

#include <charconv>
#include <string_view>
#include <thread>

namespace joinleaf::cli {

namespace {

// Caller data of a leaf: these letters and its number in hexadecimal digits.
constexpr std::string_view caller_prefix = "joinleaf-recv ";

result<unique_socket> open_socket(const entry& with, DWORD control, DWORD data) {
    WSAPROTOCOL_INFOA info = with.info;
    unique_socket s(WSASocketA(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0,
                               WSA_FLAG_OVERLAPPED | control | data));
    if (!s) {
        return fail_with_last_error(status::session, fmt::format("cannot make a socket of '{}'", with.name()));
    }
    return s;
}

result<void> bind_to(SOCKET s, const address& where) {
    if (jl_bind(s, where.get(), where.length) == SOCKET_ERROR) {
        return fail_with_last_error(status::session, fmt::format("cannot bind to {}", where.text()));
    }
    return {};
}

result<address> local_address(SOCKET s) {
    address local;
    local.length = static_cast<int>(sizeof local.storage);
    if (jl_getsockname(s, local.get(), &local.length) == SOCKET_ERROR) {
        return fail_with_last_error(status::session, "cannot read the local address");
    }
    return local;
}

result<root> open_rooted(const entry& with, const address& where) {
    auto s = open_socket(with, WSA_FLAG_MULTIPOINT_C_ROOT,
                         with.rooted_data() ? WSA_FLAG_MULTIPOINT_D_ROOT : WSA_FLAG_MULTIPOINT_D_LEAF);
    if (!s) {
        return tl::unexpected(s.error());
    }
    if (const auto bound = bind_to(s->get(), where); !bound) {
        return tl::unexpected(bound.error());
    }
    if (jl_listen(s->get(), SOMAXCONN) == SOCKET_ERROR) {
        return fail_with_last_error(status::session, fmt::format("cannot listen on {}", where.text()));
    }
    const auto local = local_address(s->get());
    if (!local) {
        return tl::unexpected(local.error());
    }
    if (const auto set = set_nonblocking(s->get()); !set) {
        return tl::unexpected(set.error());
    }
    return root{link(std::move(*s)), *local};
}

// Several members on one host share the port of the group.
result<void> share_port(SOCKET s) {
    const int on = 1;
    if (jl_setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == SOCKET_ERROR) {
        return fail_with_last_error(status::session, "cannot share the port of the group");
    }
    return {};
}

result<address> with_port(SOCKET s, address group) {
    address local = any_address(group.family());
    local.set_port(group.port());
    const auto prepared = share_port(s).and_then([&] { return bind_to(s, local); });
    if (!prepared) {
        return tl::unexpected(prepared.error());
    }
    return local_address(s).map([&](const address& bound) {
        group.set_port(bound.port());
        return group;
    });
}

result<root> open_nonrooted(const entry& with, const address& group) {
    auto s = open_socket(with, WSA_FLAG_MULTIPOINT_C_LEAF,
                         with.rooted_data() ? WSA_FLAG_MULTIPOINT_D_ROOT : WSA_FLAG_MULTIPOINT_D_LEAF);
    if (!s) {
        return tl::unexpected(s.error());
    }
    const auto where = with_port(s->get(), group);
    if (!where) {
        return tl::unexpected(where.error());
    }
    // Both directions: receivers say that they are there, and at the end how it went.
    if (WSAJoinLeaf(s->get(), where->get(), where->length, nullptr, nullptr, nullptr, nullptr, JL_BOTH) ==
        INVALID_SOCKET) {
        return fail_with_last_error(status::session, fmt::format("cannot join {}", where->text()));
    }
    if (const auto set = set_nonblocking(s->get()); !set) {
        return tl::unexpected(set.error());
    }
    return root{link(std::move(*s)), *where};
}

std::optional<std::uint64_t> number_in(std::string_view data) {
    if (!data.starts_with(caller_prefix)) {
        return std::nullopt;
    }
    data.remove_prefix(caller_prefix.size());
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(data.data(), data.data() + data.size(), number, 16);
    return error == std::errc() && end == data.data() + data.size() ? std::optional(number) : std::nullopt;
}

// Condition function of WSAAccept: everyone may join, what the leaf said of itself is kept.
int CALLBACK note_caller(LPWSABUF, LPWSABUF data, LPQOS, LPQOS, LPWSABUF, LPWSABUF answer, GROUP*,
                         DWORD_PTR context) {
    if (data != nullptr && data->buf != nullptr) {
        // NOLINTNEXTLINE(performance-no-int-to-ptr): Winsock hands pointers through a DWORD_PTR
        reinterpret_cast<member*>(context)->number = number_in({data->buf, data->len});
    }
    if (answer != nullptr) {
        answer->len = 0;
    }
    return CF_ACCEPT;
}

bool may_try_again(int error) {
    return error == WSAECONNREFUSED || error == WSAETIMEDOUT || error == WSAENETUNREACH;
}

} // namespace

result<root> open_root(const entry& with, const std::optional<address>& where) {
    if (with.rooted_control()) {
        if (where && where->is_multicast()) {
            return fail(status::usage, fmt::format("'{}' has a root that listens: {} is a multicast address",
                                                   with.name(), where->text()));
        }
        return open_rooted(with, where.value_or(any_address(with.info.iAddressFamily)));
    }
    if (!where) {
        return fail(status::usage,
                    fmt::format("'{}' has no root: --address GROUP:PORT says which group", with.name()));
    }
    return open_nonrooted(with, *where);
}

result<std::optional<member>> admit(const root& at, clock::time_point deadline) {
    while (true) {
        member leaf;
        address from;
        from.length = static_cast<int>(sizeof from.storage);
        leaf.socket = unique_socket(WSAAccept(at.session.get(), from.get(), &from.length, note_caller,
                                              reinterpret_cast<DWORD_PTR>(&leaf)));
        if (leaf.socket) {
            leaf.from = from.text();
            return leaf;
        }
        const int error = WSAGetLastError();
        const bool withdrawn = error == WSAECONNRESET || error == WSAEACCES;
        if (error != WSAEWOULDBLOCK && !withdrawn) {
            return fail_with_last_error(status::session, "cannot admit a leaf");
        }
        const auto ready = withdrawn ? result<bool>(true) : wait_for(at.session.get(), POLLIN, deadline);
        if (!ready) {
            return tl::unexpected(ready.error());
        }
        if (!*ready) {
            return std::optional<member>();
        }
    }
}

result<link> join(const entry& with, const address& where, std::uint64_t number, clock::time_point deadline) {
    auto s = open_socket(with, WSA_FLAG_MULTIPOINT_C_LEAF, WSA_FLAG_MULTIPOINT_D_LEAF);
    if (!s) {
        return tl::unexpected(s.error());
    }
    std::string said = fmt::format("{}{:x}", caller_prefix, number);
    WSABUF caller{static_cast<ULONG>(said.size()), said.data()};
    while (WSAJoinLeaf(s->get(), where.get(), where.length, with.connect_data() ? &caller : nullptr, nullptr,
                       nullptr, nullptr, JL_BOTH) == INVALID_SOCKET) {
        if (!may_try_again(WSAGetLastError()) || clock::now() >= deadline) {
            return fail_with_last_error(status::session, fmt::format("cannot join {}", where.text()));
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    if (const auto set = set_nonblocking(s->get()); !set) {
        return tl::unexpected(set.error());
    }
    return link(std::move(*s));
}

} // namespace joinleaf::cli
