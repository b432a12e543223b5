// SPDX-License-Identifier: Apache-2.0
#include "tests/threads/random_calls.hpp"

#include <algorithm>

namespace joinleaf::test {
namespace {

// What any call on a shared number may answer: another thread closes it, or ends the runtime.
constexpr std::array common{WSAENOTSOCK, WSAEINTR, WSANOTINITIALISED, WSAENOBUFS, WSAENETDOWN, WSAEMFILE};

constexpr LONG every_event = FD_ALL_EVENTS;

} // namespace

shared_sockets::shared_sockets() : entries_(catalog_entries()) {
    for (auto& one : sockets_) {
        one = INVALID_SOCKET;
    }
}

void shared_sockets::put(std::size_t place, SOCKET made) {
    if (const SOCKET old = sockets_.at(place).exchange(made); old != INVALID_SOCKET) {
        jl_closesocket(old);
    }
}

void shared_sockets::close_all() {
    for (std::size_t place = 0; place < places; ++place) {
        put(place, INVALID_SOCKET);
    }
}

void shared_sockets::note_undocumented(const std::string& what) {
    const std::lock_guard hold(mutex_);
    if (std::find(undocumented_.begin(), undocumented_.end(), what) == undocumented_.end()) {
        undocumented_.push_back(what);
    }
}

std::vector<std::string> shared_sockets::undocumented() const {
    const std::lock_guard hold(mutex_);
    return undocumented_;
}

void random_caller::run() {
    while (!shared_.stop) {
        one_call();
    }
}

void random_caller::check(const char* call, bool failed, std::initializer_list<int> documented) {
    ++shared_.calls;
    if (!failed) {
        ++shared_.successes;
        return;
    }
    const int code = WSAGetLastError();
    const bool known = std::find(common.begin(), common.end(), code) != common.end() ||
                       std::find(documented.begin(), documented.end(), code) != documented.end();
    if (!known) {
        shared_.note_undocumented(std::string(call) + ": " + code_name(code));
    }
}

void random_caller::one_call() {
    using call = void (random_caller::*)();
    // What builds sessions stands here more often, so that there is something to break.
    static constexpr std::array all{&random_caller::make,
                                    &random_caller::make,
                                    &random_caller::close,
                                    &random_caller::bind,
                                    &random_caller::bind,
                                    &random_caller::listen,
                                    &random_caller::accept,
                                    &random_caller::accept,
                                    &random_caller::join,
                                    &random_caller::join,
                                    &random_caller::join,
                                    &random_caller::connect,
                                    &random_caller::send,
                                    &random_caller::send,
                                    &random_caller::receive,
                                    &random_caller::receive,
                                    &random_caller::shutdown,
                                    &random_caller::select_events,
                                    &random_caller::select_events,
                                    &random_caller::names,
                                    &random_caller::enumerate_events,
                                    &random_caller::options,
                                    &random_caller::wait_for_events,
                                    &random_caller::take_message,
                                    &random_caller::poll,
                                    &random_caller::ioctls,
                                    &random_caller::statistics,
                                    &random_caller::count_starts};
    const call chosen = all.at(pick(all.size()));
    (this->*chosen)();
}

address random_caller::name_of_some() {
    auto name = local_name(some());
    if (name.length == 0 || pick(8) == 0) {
        name = loopback(pick(2) == 0 ? AF_INET : AF_INET6, static_cast<std::uint16_t>(1 + pick(3)));
    }
    return name;
}

void random_caller::make() {
    if (shared_.entries().empty()) {
        return;
    }
    auto entry = shared_.entries().at(pick(shared_.entries().size()));
    static constexpr std::array roles{DWORD{0}, leaf_flags, leaf_flags,
                                      root_flags | WSA_FLAG_MULTIPOINT_D_ROOT,
                                      root_flags | WSA_FLAG_MULTIPOINT_D_LEAF};
    const SOCKET made = WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &entry, 0,
                                   roles.at(pick(roles.size())) | WSA_FLAG_OVERLAPPED);
    check("WSASocket", made == INVALID_SOCKET, {WSAEINVAL, WSAEPROTONOSUPPORT, WSAEPROVIDERFAILEDINIT});
    if (made == INVALID_SOCKET) {
        return;
    }
    if (pick(4) != 0) {
        set_nonblocking(made);
    }
    // A blocked call of a thread ends when its socket is closed, or by its time.
    const DWORD limit = 50;
    jl_setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    jl_setsockopt(made, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    shared_.put(place(), made);
}

void random_caller::close() {
    const SOCKET s = some();
    check("closesocket", jl_closesocket(s) != 0, {WSAEWOULDBLOCK});
}

void random_caller::bind() {
    const int family = pick(2) == 0 ? AF_INET : AF_INET6;
    const auto name = pick(2) == 0 ? loopback(family) : any_address(family);
    check("bind", bind_to(some(), name) != 0,
          {WSAEINVAL, WSAEAFNOSUPPORT, WSAEADDRINUSE, WSAEADDRNOTAVAIL, WSAEFAULT});
}

void random_caller::listen() {
    check("listen", jl_listen(some(), static_cast<int>(1 + pick(8))) != 0,
          {WSAEINVAL, WSAEOPNOTSUPP, WSAEISCONN, WSAEADDRINUSE});
}

void random_caller::accept() {
    const auto decide = [](LPWSABUF, LPWSABUF, LPQOS, LPQOS, LPWSABUF, LPWSABUF answer, GROUP*,
                           DWORD_PTR what) -> int {
        if (answer->len > 0) {
            answer->buf[0] = 'y';
            answer->len = 1;
        }
        return what == 0 ? CF_DEFER : what < 3 ? CF_REJECT : CF_ACCEPT;
    };
    address from;
    from.length = sizeof from.storage;
    const SOCKET made = pick(2) == 0 ? jl_accept(some(), from.get(), &from.length)
                                     : WSAAccept(some(), from.get(), &from.length, decide, pick(12));
    check("WSAAccept", made == INVALID_SOCKET,
          {WSAEWOULDBLOCK, WSAEINVAL, WSAEOPNOTSUPP, WSAECONNREFUSED, WSATRY_AGAIN, WSAEACCES, WSAECONNRESET,
           WSAECONNABORTED, WSAETIMEDOUT});
    if (made != INVALID_SOCKET) {
        shared_.put(place(), made);
    }
}

void random_caller::join() {
    rooms_.push_back(std::make_unique<callee_room>());
    char text[] = "please";
    WSABUF caller{sizeof text, text};
    const SOCKET s = some();
    const auto name = pick(3) == 0 ? shared_.group(pick(2) == 0 ? AF_INET : AF_INET6) : name_of_some();
    static constexpr std::array directions{JL_BOTH, JL_BOTH, JL_SENDER_ONLY, JL_RECEIVER_ONLY};
    const SOCKET made = WSAJoinLeaf(s, name.get(), name.length, pick(4) == 0 ? &caller : nullptr,
                                    pick(2) == 0 ? &rooms_.back()->buffer : nullptr, nullptr, nullptr,
                                    static_cast<DWORD>(directions.at(pick(directions.size()))));
    check("WSAJoinLeaf", made == INVALID_SOCKET,
          {WSAEADDRINUSE, WSAEADDRNOTAVAIL, WSAEAFNOSUPPORT, WSAEALREADY, WSAECONNREFUSED, WSAEFAULT,
           WSAEINVAL, WSAEISCONN, WSAENETUNREACH, WSAEOPNOTSUPP, WSAEPROTONOSUPPORT, WSAETIMEDOUT,
           WSAECONNRESET, WSAECONNABORTED});
    if (made != INVALID_SOCKET && made != s) {
        shared_.put(place(), made);
    }
}

void random_caller::connect() {
    const auto name = name_of_some();
    check("connect", jl_connect(some(), name.get(), name.length) != 0,
          {WSAEADDRINUSE, WSAEADDRNOTAVAIL, WSAEAFNOSUPPORT, WSAEALREADY, WSAECONNREFUSED, WSAEFAULT,
           WSAEINVAL, WSAEISCONN, WSAENETUNREACH, WSAEHOSTUNREACH, WSAEOPNOTSUPP, WSAETIMEDOUT,
           WSAEWOULDBLOCK, WSAECONNRESET, WSAECONNABORTED});
}

void random_caller::send() {
    static const std::string text(3000, 'd');
    const int size = static_cast<int>(1 + pick(text.size() - 1));
    const auto name = name_of_some();
    const int sent = pick(3) == 0 ? jl_sendto(some(), text.data(), size, 0, name.get(), name.length)
                                  : jl_send(some(), text.data(), size, 0);
    check("send", sent < 0,
          {WSAENOTCONN, WSAESHUTDOWN, WSAEWOULDBLOCK, WSAEOPNOTSUPP, WSAEMSGSIZE, WSAECONNRESET,
           WSAECONNABORTED, WSAETIMEDOUT, WSAEDESTADDRREQ, WSAEAFNOSUPPORT, WSAEADDRNOTAVAIL, WSAENETUNREACH,
           WSAEHOSTUNREACH, WSAEINVAL, WSAECONNREFUSED, WSAEACCES});
}

void random_caller::receive() {
    std::array<char, 4096> room{};
    address from;
    from.length = sizeof from.storage;
    const int flags = pick(4) == 0 ? MSG_PEEK : 0;
    const int got = jl_recvfrom(some(), room.data(), static_cast<int>(1 + pick(room.size() - 1)), flags,
                                from.get(), &from.length);
    check("recv", got < 0,
          {WSAENOTCONN, WSAESHUTDOWN, WSAEWOULDBLOCK, WSAEOPNOTSUPP, WSAEMSGSIZE, WSAECONNRESET,
           WSAECONNABORTED, WSAETIMEDOUT, WSAEDISCON, WSAEINVAL, WSAENETRESET, WSAECONNREFUSED});
}

void random_caller::shutdown() {
    if (pick(4) != 0) {
        return; // or little would get through
    }
    check("shutdown", jl_shutdown(some(), static_cast<int>(pick(4))) != 0, {WSAEINVAL, WSAENOTCONN});
}

void random_caller::select_events() {
    const auto mask = static_cast<LONG>(pick(static_cast<std::size_t>(every_event) + 1));
    const int answered = pick(2) == 0 ? WSAEventSelect(some(), shared_.event(pick(4)), mask)
                                      : WSAAsyncSelect(some(), shared_.queue(pick(2)), 7, mask);
    check("WSAEventSelect", answered != 0, {});
}

void random_caller::enumerate_events() {
    WSANETWORKEVENTS events{};
    const WSAEVENT event = pick(2) == 0 ? shared_.event(pick(4)) : WSA_INVALID_EVENT;
    check("WSAEnumNetworkEvents", WSAEnumNetworkEvents(some(), event, &events) != 0, {});
}

void random_caller::wait_for_events() {
    const std::array all{shared_.event(0), shared_.event(1), shared_.event(2), shared_.event(3)};
    const DWORD answered = WSAWaitForMultipleEvents(static_cast<DWORD>(all.size()), all.data(), pick(2) == 0,
                                                    static_cast<DWORD>(pick(3)), pick(2) == 0);
    check("WSAWaitForMultipleEvents", answered == WSA_WAIT_FAILED, {});
}

void random_caller::take_message() {
    jl_queue_message message{};
    check("jl_queue_peek", jl_queue_peek(shared_.queue(pick(2)), &message, TRUE) == SOCKET_ERROR, {});
}

void random_caller::poll() {
    std::array<WSAPOLLFD, 4> all{};
    for (auto& one : all) {
        one.fd = static_cast<decltype(one.fd)>(some());
        one.events = POLLIN | POLLOUT;
    }
    if (pick(2) == 0) {
        check("WSAPoll", WSAPoll(all.data(), static_cast<ULONG>(all.size()), static_cast<INT>(pick(3))) < 0,
              {});
        return;
    }
    jl_fd_set readable, exceptional;
    jl_fd_zero(&readable);
    jl_fd_zero(&exceptional);
    jl_fd_add(some(), &readable);
    jl_fd_add(some(), &exceptional);
    timeval time{0, 1000};
    check("select", jl_select(0, &readable, nullptr, &exceptional, &time) < 0, {});
}

void random_caller::names() {
    address name;
    name.length = sizeof name.storage;
    const bool peer = pick(2) == 0;
    const int answered = peer ? jl_getpeername(some(), name.get(), &name.length)
                              : jl_getsockname(some(), name.get(), &name.length);
    check("getsockname", answered != 0, {WSAEINVAL, WSAENOTCONN, WSAEFAULT});
}

void random_caller::options() {
    const linger how{static_cast<int>(pick(2)), 0};
    const int size = 65536;
    int value = 0;
    int length = sizeof value;
    switch (pick(5)) {
    case 0:
        check("SO_LINGER", jl_setsockopt(some(), SOL_SOCKET, SO_LINGER, &how, sizeof how) != 0, {});
        break;
    case 1:
        check("SO_RCVBUF", jl_setsockopt(some(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size) != 0,
              {WSAENOPROTOOPT, WSAEINVAL, WSAENOTCONN});
        break;
    case 2:
        check("SO_REUSEADDR", !set_flag(some(), SOL_SOCKET, SO_REUSEADDR, 1),
              {WSAENOPROTOOPT, WSAEINVAL, WSAENOTCONN});
        break;
    case 3: check("SO_ERROR", jl_getsockopt(some(), SOL_SOCKET, SO_ERROR, &value, &length) != 0, {}); break;
    default:
        check("SO_ACCEPTCONN", jl_getsockopt(some(), SOL_SOCKET, SO_ACCEPTCONN, &value, &length) != 0, {});
        break;
    }
}

void random_caller::ioctls() {
    DWORD bytes = 0;
    jl_u_long number = 1;
    BOOL on = TRUE;
    std::array<char, 2048> room{};
    const SOCKET s = some();
    switch (pick(5)) {
    case 0: check("FIONBIO", jl_ioctlsocket(s, static_cast<LONG>(FIONBIO), &number) != 0, {}); break;
    case 1:
        check("FIONREAD", jl_ioctlsocket(s, static_cast<LONG>(FIONREAD), &number) != 0,
              {WSAEINVAL, WSAENOTCONN, WSAEOPNOTSUPP});
        break;
    case 2:
        check("SIO_MULTIPOINT_LOOPBACK",
              WSAIoctl(s, SIO_MULTIPOINT_LOOPBACK, &on, sizeof on, nullptr, 0, &bytes, nullptr, nullptr) != 0,
              {WSAEINVAL, WSAENOPROTOOPT});
        break;
    case 3:
        check("SIO_ADDRESS_LIST_QUERY",
              WSAIoctl(s, SIO_ADDRESS_LIST_QUERY, nullptr, 0, room.data(), static_cast<DWORD>(room.size()),
                       &bytes, nullptr, nullptr) != 0,
              {});
        break;
    default:
        jl_ioctlsocket(s, static_cast<LONG>(FIONBIO), &number); // the next would wait on a blocking one
        check("SIO_ADDRESS_LIST_CHANGE",
              WSAIoctl(s, SIO_ADDRESS_LIST_CHANGE, nullptr, 0, nullptr, 0, &bytes, nullptr, nullptr) != 0,
              {WSAEWOULDBLOCK});
        break;
    }
}

void random_caller::statistics() {
    jl_statistics counted{};
    counted.struct_size = sizeof counted;
    check("jl_socket_statistics", jl_socket_statistics(some(), &counted) != 0, {WSAEOPNOTSUPP});
}

void random_caller::count_starts() {
    if (pick(8) != 0) {
        return;
    }
    // Only while it runs: a start of its own would begin the runtime anew when the test has ended it.
    WSADATA data{};
    if (!shared_.stop && WSAStartup(MAKEWORD(2, 2), &data) == 0) {
        check("WSACleanup", WSACleanup() != 0, {});
    }
}

} // namespace joinleaf::test
