// SPDX-License-Identifier: Apache-2.0
#include "link.hpp"

#include "runtime.hpp"

#include <algorithm>
#include <limits>
#include <thread>

namespace joinleaf::cli {

namespace {

// WSABUF is not const, WSASend does not write to it.
WSABUF buffer_of(std::span<const std::byte> bytes) {
    return {static_cast<ULONG>(bytes.size()), reinterpret_cast<char*>(const_cast<std::byte*>(bytes.data()))};
}

int milliseconds_until(clock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
    return static_cast<int>(std::clamp<decltype(left)>(left, 0, std::numeric_limits<int>::max()));
}

} // namespace

result<void> set_nonblocking(SOCKET s) {
    jl_u_long on = 1;
    if (jl_ioctlsocket(s, static_cast<LONG>(FIONBIO), &on) == SOCKET_ERROR) {
        return fail_with_last_error(status::session, "cannot make the socket nonblocking");
    }
    return {};
}

result<bool> wait_for(SOCKET s, short events, clock::time_point deadline) {
    WSAPOLLFD entry{};
    entry.fd = s;
    entry.events = events;
    const int ready = WSAPoll(&entry, 1, milliseconds_until(deadline));
    if (ready == SOCKET_ERROR) {
        return fail_with_last_error(status::session, "cannot wait for the socket");
    }
    return ready > 0;
}

result<void> link::send(const header& head, std::span<const std::byte> body, clock::time_point deadline) {
    const header_bytes start = encode(head, body.size());
    WSABUF parts[] = {buffer_of(start), buffer_of(body)};
    const DWORD count = body.empty() ? 1 : 2;
    while (true) {
        DWORD sent = 0;
        if (WSASend(get(), parts, count, &sent, 0, nullptr, nullptr) != SOCKET_ERROR) {
            return {};
        }
        const int error = WSAGetLastError();
        if (error != WSAEWOULDBLOCK && error != WSAENOBUFS) {
            return fail_with_last_error(status::session, "cannot send");
        }
        if (clock::now() >= deadline) {
            return fail(status::session, "the session takes no more data: a leaf does not read");
        }
        if (error == WSAENOBUFS) { // a device queue is full; nothing tells when it has room again
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        } else if (const result<bool> ready = wait_for(get(), POLLOUT, deadline); !ready) {
            return tl::unexpected(ready.error());
        }
    }
}

result<std::optional<incoming>> link::receive(clock::time_point deadline) {
    while (!ended_) {
        const int size = jl_recv(get(), buffer_.data(), static_cast<int>(buffer_.size()), 0);
        const int error = size == SOCKET_ERROR ? WSAGetLastError() : 0;
        if (error == WSAEDISCON) {
            ended_ = true;
        } else if (size >= 0) { // 0: an empty message, which is none of ours
            const auto message = std::span<const std::byte>(buffer_).first(static_cast<std::size_t>(size));
            if (const std::optional<header> head = decode(message)) {
                return incoming{*head, message.subspan(header_size)};
            }
        } else if (error != WSAEWOULDBLOCK && error != WSAEMSGSIZE) { // a message too long is none of ours
            return fail_with_last_error(status::session, "the session broke");
        } else if (error == WSAEWOULDBLOCK) {
            const result<bool> ready = wait_for(get(), POLLIN, deadline);
            if (!ready) {
                return tl::unexpected(ready.error());
            }
            if (!*ready) {
                break;
            }
        }
    }
    return std::optional<incoming>();
}

} // namespace joinleaf::cli
