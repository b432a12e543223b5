// SPDX-License-Identifier: Apache-2.0
//
// Sending and receiving (clauses IO).
#include <algorithm>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "runtime/api/address.hpp"
#include "runtime/api/call.hpp"
#include "runtime/api/message_flags.hpp"
#include "runtime/api/overlapped.hpp"
#include "runtime/api/user_memory.hpp"

#include <joinleaf/ext.h>
#include <joinleaf/mswsock.h>

#include "runtime/socket/message.hpp"

using namespace joinleaf;

namespace {

using buffers = boost::container::small_vector<iovec, 8>;

template <class Pieces> void gather(const WSABUF* from, DWORD count, Pieces& to) {
    for (DWORD i = 0; i < count; ++i) {
        to.push_back({from[i].buf, from[i].len});
    }
}

jl_msg message_of(buffers& from, std::uint32_t flags) noexcept {
    jl_msg message{};
    message.iov = from.data();
    message.iov_count = static_cast<std::uint32_t>(from.size());
    message.flags = flags;
    return message;
}

int send_one(socket::socket_object& object, buffers& data, unsigned flags, const sockaddr* to, int to_length,
             std::size_t& sent) {
    std::uint32_t translated = 0;
    if (const int code = api::translate(object, flags, api::known_send_flags, translated); code != 0) {
        return code;
    }
    auto message = message_of(data, translated);
    api::address address;
    if (to != nullptr && object.connectionless()) { // a connected or rooted socket has its peers (IO-09)
        if (const int code = address.load(to, to_length, object.entry().protocol->family); code != 0) {
            return code;
        }
        message.addr = const_cast<sockaddr*>(address.get());
        message.addr_len = address.length();
    }
    const auto done = object.send({&message, 1}, (flags & MSG_DONTWAIT) != 0);
    if (!done) {
        return done.error();
    }
    sent = message.size;
    return 0;
}

// What a receive brought.
struct received {
    std::size_t bytes = 0;
    std::uint32_t flags = 0; // JL_MSG_*
};

// The source goes to the application as far as there is room; a provider that knows none stores length 0.
struct source_room {
    sockaddr_storage storage; // written by the provider, as far as addr_len says
    sockaddr* to = nullptr;
    int* to_length = nullptr;

    int prepare(sockaddr* from, int* from_length) noexcept {
        if (from == nullptr || from_length == nullptr) {
            return 0;
        }
        int room = 0;
        if (!api::get(from_length, room) || room < 0 || !api::writable(from, static_cast<std::size_t>(room))) {
            return WSAEFAULT;
        }
        to = from;
        to_length = from_length;
        return 0;
    }
    void attach(jl_msg& message) noexcept {
        if (to != nullptr) {
            message.addr = reinterpret_cast<sockaddr*>(&storage);
            message.addr_len = sizeof storage;
        }
    }
    int store(const jl_msg& message) const noexcept {
        if (to == nullptr || message.addr_len == 0) {
            return 0;
        }
        if (*to_length < static_cast<int>(message.addr_len)) {
            return WSAEFAULT;
        }
        std::memcpy(to, &storage, message.addr_len);
        *to_length = static_cast<int>(message.addr_len);
        return 0;
    }
};

int receive_into(socket::socket_object& object, buffers& room, unsigned flags, source_room& source,
                 received& out) {
    std::uint32_t translated = 0;
    if (const int code = api::translate_receive(object, flags, translated); code != 0) {
        return code;
    }
    auto message = message_of(room, translated);
    source.attach(message);
    const auto done = object.receive({&message, 1}, (flags & MSG_DONTWAIT) != 0);
    if (!done) {
        const bool end_of_stream = done.error() == WSAEDISCON && !object.message_oriented();
        return end_of_stream ? 0 : done.error(); // IO-12
    }
    if ((message.flags & JL_MSG_GAP) != 0) {
        return WSAENOBUFS;
    }
    out.bytes = message.size;
    out.flags = message.flags;
    return source.store(message);
}

// MSG_WAITALL on a byte stream: goes on until the buffers are full, the stream ends, or nothing more may be
// waited for.
int receive_all(socket::socket_object& object, buffers& room, unsigned flags, source_room& source,
                received& out) {
    const bool collects = (flags & MSG_WAITALL) != 0 && (flags & MSG_PEEK) == 0 &&
                          !object.message_oriented() && !object.nonblocking();
    if (!collects) {
        return receive_into(object, room, flags, source, out);
    }
    std::size_t total = 0;
    for (std::size_t i = 0; i < room.size();) {
        buffers rest(room.begin() + static_cast<std::ptrdiff_t>(i), room.end());
        received part;
        const int code = receive_into(object, rest, flags, source, part);
        if (code != 0 || part.bytes == 0) {
            out.bytes = total;
            return total > 0 ? 0 : code;
        }
        total += part.bytes;
        for (auto left = part.bytes; left > 0 && i < room.size();) {
            const auto taken = std::min(left, room[i].iov_len);
            room[i] = {static_cast<char*>(room[i].iov_base) + taken, room[i].iov_len - taken};
            left -= taken;
            i += room[i].iov_len == 0 ? 1U : 0U;
        }
    }
    out.bytes = total;
    return 0;
}

// A receiving call: one that fails over its arguments re-enables FD_READ all the same (EV-36).
template <class Body> auto receiving(Body body) {
    return [body](socket::socket_object& object) {
        const int code = body(object);
        if (code == WSAEFAULT || code == WSAEINVAL || code == WSAEOPNOTSUPP) {
            object.receive_refused();
        }
        return code;
    };
}

bool message_was_longer(const received& got) noexcept {
    return (got.flags & (JL_MSG_CUT | JL_MSG_REST)) != 0;
}

} // namespace

int jl_send(SOCKET s, const void* buffer, int length, int flags) {
    return jl_sendto(s, buffer, length, flags, nullptr, 0);
}

int jl_sendto(SOCKET s, const void* buffer, int length, int flags, const sockaddr* to, int to_length) {
    std::size_t sent = 0;
    const int code = api::socket_call(s, [&](socket::socket_object& object) {
        if (length < 0 || (buffer == nullptr && length > 0)) {
            return WSAEFAULT;
        }
        buffers data;
        data.push_back({const_cast<void*>(buffer), static_cast<std::size_t>(length)});
        return send_one(object, data, static_cast<unsigned>(flags), to, to_length, sent);
    });
    return code == 0 ? static_cast<int>(sent) : SOCKET_ERROR;
}

int jl_recv(SOCKET s, void* buffer, int length, int flags) {
    return jl_recvfrom(s, buffer, length, flags, nullptr, nullptr);
}

int jl_recvfrom(SOCKET s, void* buffer, int length, int flags, sockaddr* from, int* from_length) {
    received got;
    const auto receive = receiving([&](socket::socket_object& object) {
        if (length < 0 || (buffer == nullptr && length > 0)) {
            return WSAEFAULT;
        }
        source_room source;
        if (const int wrong = source.prepare(from, from_length); wrong != 0) {
            return wrong;
        }
        buffers room;
        room.push_back({buffer, static_cast<std::size_t>(length)});
        const int outcome = receive_all(object, room, static_cast<unsigned>(flags), source, got);
        return outcome == 0 && message_was_longer(got) ? WSAEMSGSIZE : outcome; // IO-10
    });
    const int code = api::socket_call(s, receive);
    return code == 0 ? static_cast<int>(got.bytes) : SOCKET_ERROR;
}

int WSASend(SOCKET s, LPWSABUF from, DWORD count, LPDWORD sent, DWORD flags, LPWSAOVERLAPPED overlapped,
            LPWSAOVERLAPPED_COMPLETION_ROUTINE routine) {
    return WSASendTo(s, from, count, sent, flags, nullptr, 0, overlapped, routine);
}

int WSASendTo(SOCKET s, LPWSABUF from, DWORD count, LPDWORD sent, DWORD flags, const sockaddr* to,
              int to_length, LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine) {
    return api::socket_call(s, [&](socket::socket_object& object) {
        const api::overlapped_arguments told{overlapped, routine};
        const bool goes_on = api::is_overlapped(object, told); // then the count comes later, if asked for
        if (from == nullptr || (sent == nullptr && !goes_on)) {
            return WSAEFAULT;
        }
        if (count == 0) {
            return WSAEINVAL;
        }
        if (goes_on) {
            return api::start_send(object, from, count, sent, flags, to, to_length, told);
        }
        buffers data;
        gather(from, count, data);
        std::size_t bytes = 0;
        const int code = send_one(object, data, flags, to, to_length, bytes);
        *sent = static_cast<DWORD>(bytes);
        return code;
    });
}

int WSARecv(SOCKET s, LPWSABUF into, DWORD count, LPDWORD bytes, LPDWORD flags, LPWSAOVERLAPPED overlapped,
            LPWSAOVERLAPPED_COMPLETION_ROUTINE routine) {
    return WSARecvFrom(s, into, count, bytes, flags, nullptr, nullptr, overlapped, routine);
}

namespace {

// WSARecvFrom; message_flags: WSAMSG's, which are told what became of the message.
int receive_from(SOCKET s, LPWSABUF into, DWORD count, LPDWORD bytes, LPDWORD flags, sockaddr* from,
                 LPINT from_length, const api::overlapped_arguments& told, LPDWORD message_flags) {
    return api::socket_call(s, receiving([&](socket::socket_object& object) {
                                const bool goes_on = api::is_overlapped(object, told);
                                if (into == nullptr || (bytes == nullptr && !goes_on) || flags == nullptr) {
                                    return WSAEFAULT;
                                }
                                if (count == 0) {
                                    return WSAEINVAL;
                                }
                                if (goes_on) {
                                    return api::start_receive(object, into, count, bytes, flags, from,
                                                              from_length, told, message_flags);
                                }
                                source_room source;
                                if (const int wrong = source.prepare(from, from_length); wrong != 0) {
                                    return wrong;
                                }
                                buffers room;
                                gather(into, count, room);
                                received got;
                                const int code = receive_all(object, room, *flags, source, got);
                                *bytes = static_cast<DWORD>(got.bytes);
                                if (code != 0) {
                                    return code;
                                }
                                const bool partial =
                                    (got.flags & JL_MSG_REST) != 0 && object.service(XP1_PARTIAL_MESSAGE);
                                *flags = partial ? static_cast<DWORD>(MSG_PARTIAL) : 0;
                                if (message_flags != nullptr) {
                                    *message_flags = socket::winsock_flags(got.flags, partial);
                                }
                                return message_was_longer(got) && !partial ? WSAEMSGSIZE : 0;
                            }));
}

} // namespace

int WSARecvFrom(SOCKET s, LPWSABUF into, DWORD count, LPDWORD bytes, LPDWORD flags, sockaddr* from,
                LPINT from_length, LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine) {
    return receive_from(s, into, count, bytes, flags, from, from_length, {overlapped, routine}, nullptr);
}

int jl_recv_msg(SOCKET s, LPWSAMSG message, LPDWORD bytes, LPWSAOVERLAPPED overlapped,
                LPWSAOVERLAPPED_COMPLETION_ROUTINE routine) {
    WSAMSG copy{};
    const int wrong = api::socket_call(s, [&](socket::socket_object&) {
        return api::get(message, copy) && api::writable(message, sizeof *message) ? 0 : WSAEFAULT;
    });
    if (wrong != 0) {
        return wrong;
    }
    DWORD flags = copy.dwFlags;
    message->Control.len = 0; // no transport hands control data over
    return receive_from(s, copy.lpBuffers, copy.dwBufferCount, bytes, &flags, copy.name,
                        copy.name == nullptr ? nullptr : &message->namelen, {overlapped, routine},
                        &message->dwFlags);
}

int WSASendMsg(SOCKET s, LPWSAMSG message, DWORD flags, LPDWORD sent, LPWSAOVERLAPPED overlapped,
               LPWSAOVERLAPPED_COMPLETION_ROUTINE routine) {
    WSAMSG copy{};
    const int wrong = api::socket_call(s, [&](socket::socket_object&) {
        if (!api::get(message, copy)) {
            return WSAEFAULT;
        }
        if (copy.Control.len > 0) {
            set_explanation("no entry takes control data with a message");
            return WSAEOPNOTSUPP;
        }
        return 0;
    });
    return wrong != 0 ? wrong
                      : WSASendTo(s, copy.lpBuffers, copy.dwBufferCount, sent, flags, copy.name, copy.namelen,
                                  overlapped, routine);
}

namespace {

// The messages of a batch with their buffers, in the provider's form.
struct batch {
    // What a batch of the usual size needs lies on the stack.
    boost::container::small_vector<iovec, 64> all;
    boost::container::small_vector<jl_msg, 64> messages;
    boost::container::small_vector<sockaddr_storage, 8> sources;

    int load(socket::socket_object& object, const jl_message* from, int count, unsigned known, bool receives) {
        if (from == nullptr) {
            return WSAEFAULT;
        }
        if (count <= 0) {
            return WSAEINVAL;
        }
        std::size_t named = 0;
        for (int i = 0; i < count; ++i) {
            gather(from[i].buffers, from[i].buffer_count, all);
            named += from[i].address != nullptr ? 1U : 0U;
        }
        sources.resize(receives ? named : 0, boost::container::default_init);
        messages.reserve(static_cast<std::size_t>(count));
        named = 0;
        std::size_t at = 0;
        for (int i = 0; i < count; ++i) {
            jl_msg one{};
            one.iov = all.data() + at;
            one.iov_count = from[i].buffer_count;
            at += from[i].buffer_count;
            if (const int code = api::translate(object, from[i].flags, known, one.flags); code != 0) {
                return code;
            }
            if (from[i].address != nullptr && (receives || object.connectionless())) {
                one.addr = receives ? reinterpret_cast<sockaddr*>(&sources[named++]) : from[i].address;
                one.addr_len = receives ? static_cast<std::uint32_t>(sizeof(sockaddr_storage))
                                        : static_cast<std::uint32_t>(from[i].address_length);
            }
            messages.push_back(one);
        }
        return 0;
    }
};

void store_received(const jl_msg& one, jl_message& to) noexcept {
    to.bytes = one.size;
    to.flags = (one.flags & JL_MSG_REST) != 0 ? static_cast<DWORD>(MSG_PARTIAL) : 0;
    to.error = (one.flags & (JL_MSG_CUT | JL_MSG_REST)) != 0 ? WSAEMSGSIZE : 0;
    to.gap = 0;
    if ((one.flags & JL_MSG_GAP) != 0) {
        to.bytes = 0;
        to.error = WSAENOBUFS;
        to.gap = one.gap;
        to.address_length = 0;
        return;
    }
    if (to.address != nullptr) {
        const auto len =
            std::min<std::uint32_t>(one.addr_len, static_cast<std::uint32_t>(std::max(0, to.address_length)));
        std::memcpy(to.address, one.addr, len);
        to.address_length = static_cast<int>(one.addr_len);
    }
}

} // namespace

int jl_send_batch(SOCKET s, jl_message* messages, int count) {
    std::uint32_t done = 0;
    const int code = api::socket_call(s, [&](socket::socket_object& object) {
        batch all;
        if (const int wrong = all.load(object, messages, count, api::known_send_flags, false); wrong != 0) {
            return wrong;
        }
        const auto sent = object.send({all.messages.data(), all.messages.size()});
        if (!sent) {
            return sent.error();
        }
        done = *sent;
        for (std::uint32_t i = 0; i < done; ++i) {
            messages[i].bytes = all.messages[i].size;
            messages[i].error = 0;
        }
        return 0;
    });
    return code == 0 ? static_cast<int>(done) : SOCKET_ERROR;
}

int jl_recv_batch(SOCKET s, jl_message* messages, int count) {
    std::uint32_t done = 0;
    const int code = api::socket_call(s, [&](socket::socket_object& object) {
        batch all;
        if (const int wrong = all.load(object, messages, count, api::known_receive_flags, true); wrong != 0) {
            return wrong;
        }
        const auto got = object.receive({all.messages.data(), all.messages.size()});
        if (!got) {
            return got.error();
        }
        done = *got;
        for (std::uint32_t i = 0; i < done; ++i) {
            store_received(all.messages[i], messages[i]);
        }
        return 0;
    });
    return code == 0 ? static_cast<int>(done) : SOCKET_ERROR;
}
