// SPDX-License-Identifier: Apache-2.0
//
// A SOCKET that closes itself, with the calls of winsock2.h as members. What each call means, and which codes it
// fails with, stands there; here stands what differs.
#pragma once

#include "address.hpp"
#include "event.hpp"

#include <array>
#include <cstddef>
#include <exception>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace joinleaf {

// Which way data goes on a joined socket (JL-90).
enum class direction : DWORD { send = JL_SENDER_ONLY, receive = JL_RECEIVER_ONLY, both = JL_BOTH };

// What a join says besides the address.
struct join_options {
    // Spelled out so that options can be written in the line of a co_await.
    join_options() = default;
    explicit join_options(direction which) : way(which) {}

    direction way = direction::both;
    std::string data{};           // for the other end's condition function; empty: none (JL-80)
    std::size_t answer_room = 0;  // bytes that the other end may answer with (JL-81)
    std::optional<QOS> quality{}; // FLOWSPECs wanted (QS-01)
};

class socket;

// What a condition function says about a request (AC-07 ... AC-09).
enum class verdict { accept = CF_ACCEPT, reject = CF_REJECT, defer = CF_DEFER };

// A request as a condition function sees it; valid during its call only.
class request {
  public:
    request(const WSABUF* caller, const WSABUF* data, QOS* quality, const WSABUF* callee,
            WSABUF* answer) noexcept
        : from_(of(caller)), to_(of(callee)), data_(text_of(data)), quality_(quality), answer_(answer) {}

    [[nodiscard]] const address& from() const noexcept { return from_; }
    [[nodiscard]] const address& to() const noexcept { return to_; }
    // What came with the request; empty: nothing.
    [[nodiscard]] std::string_view data() const noexcept { return data_; }
    // The quality asked for, as the joiner sees it; may be changed to what is granted. Null: none (QS-18).
    [[nodiscard]] QOS* quality() const noexcept { return quality_; }
    // How many bytes the joiner takes as an answer.
    [[nodiscard]] std::size_t answer_room() const noexcept { return answer_ == nullptr ? 0 : room_; }
    // The bytes that reach the joiner with its admission. False, and nothing is answered: there is no room for them.
    bool answer(std::string_view bytes) noexcept {
        if (bytes.size() > answer_room()) {
            return false;
        }
        if (!bytes.empty()) {
            std::memcpy(answer_->buf, bytes.data(), bytes.size());
        }
        answered_ = static_cast<ULONG>(bytes.size());
        return true;
    }
    // How much was answered. [caller]
    [[nodiscard]] ULONG answered() const noexcept { return answered_; }

  private:
    [[nodiscard]] static address of(const WSABUF* name) noexcept {
        return name == nullptr
                   ? address()
                   : address(reinterpret_cast<const sockaddr*>(name->buf), static_cast<int>(name->len));
    }
    [[nodiscard]] static std::string_view text_of(const WSABUF* data) noexcept {
        return data == nullptr ? std::string_view{} : std::string_view{data->buf, data->len};
    }

    address from_;
    address to_;
    std::string_view data_;
    QOS* quality_;
    WSABUF* answer_;
    ULONG room_ = answer_ == nullptr ? 0 : answer_->len;
    ULONG answered_ = 0;
};

// Bytes received, and from whom.
struct received {
    std::size_t size = 0;
    address from{};
};

struct joined;

namespace detail {

// A condition function of C++ behind one of C. What it throws leaves the request in the queue and goes on in accept.
template <class Condition> struct condition_call {
    Condition& decide;
    std::exception_ptr thrown{};

    static int CALLBACK run(LPWSABUF caller, LPWSABUF data, LPQOS quality, LPQOS, LPWSABUF callee,
                            LPWSABUF answer, GROUP*, DWORD_PTR context) {
        auto& self =
            *reinterpret_cast<condition_call*>(context); // NOLINT(performance-no-int-to-ptr): Winsock's way
        try {
            request asked(caller, data, quality, callee, answer);
            const verdict said = self.decide(asked);
            if (answer != nullptr) {
                answer->len = asked.answered();
            }
            return static_cast<int>(said);
        } catch (...) {
            self.thrown = std::current_exception();
            return CF_DEFER;
        }
    }
};

[[nodiscard]] inline WSABUF buffer_of(std::span<const std::byte> bytes) noexcept {
    // WSABUF has one type for both ways; a send does not write.
    return {static_cast<ULONG>(bytes.size()),
            const_cast<CHAR*>(reinterpret_cast<const CHAR*>(bytes.data()))}; // NOLINT
}
[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text) noexcept {
    return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

// The arguments of WSAJoinLeaf that have to stay where they are until the join is complete (JL-82).
struct join_arguments {
    explicit join_arguments(join_options asked)
        : options(std::move(asked)),
          room(options.answer_room),
          caller{static_cast<ULONG>(options.data.size()), options.data.data()},
          callee{static_cast<ULONG>(room.size()), room.data()} {}
    join_arguments(const join_arguments&) = delete;
    join_arguments& operator=(const join_arguments&) = delete;

    [[nodiscard]] SOCKET join(SOCKET s, const address& name) {
        return WSAJoinLeaf(s, name.get(), name.size(), options.data.empty() ? nullptr : &caller,
                           room.empty() ? nullptr : &callee, options.quality ? &*options.quality : nullptr,
                           nullptr, static_cast<DWORD>(options.way));
    }
    [[nodiscard]] std::string answer() const {
        return room.empty() ? std::string()
                            : std::string(callee.buf, std::min<std::size_t>(callee.len, room.size()));
    }

    join_options options;
    std::vector<char> room;
    WSABUF caller;
    WSABUF callee;
};

inline constexpr std::size_t longest_call = std::numeric_limits<ULONG>::max();

// Nothing: longer than a call takes.
[[nodiscard]] inline std::optional<std::vector<WSABUF>> buffers_of(
    std::span<const std::span<const std::byte>> parts) {
    std::vector<WSABUF> buffers;
    buffers.reserve(parts.size());
    std::size_t left = longest_call;
    for (const auto& part : parts) {
        if (part.size() > left) {
            return std::nullopt;
        }
        left -= part.size();
        buffers.push_back(buffer_of(part));
    }
    return buffers;
}

} // namespace detail

// One socket, closed with the object; move-only, and empty after a move. Any thread may make calls on it, several
// at a time too; moving and destroying are for one.
class [[nodiscard]] socket {
  public:
    socket() noexcept = default;
    // Takes over a SOCKET. nonblocking: the mode that it has.
    explicit socket(SOCKET handle, bool nonblocking = false) noexcept
        : handle_(handle), nonblocking_(nonblocking) {}

    // WSASocket for the first entry that fits. flags: WSA_FLAG_*.
    [[nodiscard]] static result<socket> create(int family, int type, int protocol, DWORD flags) {
        return made(WSASocketW(family, type, protocol, nullptr, 0, flags));
    }
    // WSASocket for this entry of the catalog.
    [[nodiscard]] static result<socket> create(WSAPROTOCOL_INFOW entry, DWORD flags) {
        return made(WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &entry, 0, flags));
    }

    socket(socket&& other) noexcept : handle_(other.release()), nonblocking_(other.nonblocking_) {}
    socket& operator=(socket&& other) noexcept {
        if (this != &other) {
            drop();
            handle_ = other.release();
            nonblocking_ = other.nonblocking_;
        }
        return *this;
    }
    ~socket() { drop(); }

    explicit operator bool() const noexcept { return handle_ != INVALID_SOCKET; }
    [[nodiscard]] SOCKET handle() const noexcept { return handle_; }
    // For poll and epoll: readable when accept, receive or a close indication is there. -1: empty.
    [[nodiscard]] int descriptor() const noexcept { return *this ? static_cast<int>(handle_) : -1; }
    // The SOCKET, which is the caller's to close now.
    [[nodiscard]] SOCKET release() noexcept { return std::exchange(handle_, INVALID_SOCKET); }
    // closesocket. With WSAEWOULDBLOCK (lingering, LC-09) the socket stays open.
    result<void> close() {
        auto closed = detail::outcome(jl_closesocket(handle_));
        if (closed || !closed.error().would_block()) {
            handle_ = INVALID_SOCKET;
        }
        return closed;
    }

    // ---- addresses and modes

    result<void> bind(const address& name) {
        return detail::outcome(jl_bind(handle_, name.get(), name.size()));
    }
    result<void> listen(int backlog = SOMAXCONN) { return detail::outcome(jl_listen(handle_, backlog)); }
    [[nodiscard]] result<address> local() const { return name_by(&jl_getsockname); }
    [[nodiscard]] result<address> peer() const { return name_by(&jl_getpeername); }

    // Whether calls wait. WSAEINVAL while events are registered.
    result<void> set_blocking(bool on) {
        jl_u_long value = on ? 0 : 1;
        auto set = detail::outcome(jl_ioctlsocket(handle_, detail::set_nonblocking_mode, &value));
        nonblocking_ = set ? !on : nonblocking_;
        return set;
    }
    [[nodiscard]] bool is_nonblocking() const noexcept { return nonblocking_; }

    // An option of plain data, of its exact size.
    template <class Value> result<void> set_option(int level, int option, const Value& value) {
        static_assert(std::is_trivially_copyable_v<Value>);
        return detail::outcome(jl_setsockopt(handle_, level, option, &value, static_cast<int>(sizeof value)));
    }
    template <class Value> [[nodiscard]] result<Value> option(int level, int option) const {
        static_assert(std::is_trivially_copyable_v<Value>);
        Value value{};
        int length = static_cast<int>(sizeof value);
        auto got = detail::outcome(jl_getsockopt(handle_, level, option, &value, &length));
        return got ? result<Value>(value) : result<Value>(std::move(got).error());
    }
    // Whether receiving calls tell of missing messages, by WSAENOBUFS in their place (JL_SO_GAP_NOTIFY).
    result<void> set_gap_notice(bool on) {
        return set_option(JL_SOL_JOINLEAF, JL_SO_GAP_NOTIFY, on ? TRUE : FALSE);
    }
    // Whether this socket hears senders on its own host (SIO_MULTIPOINT_LOOPBACK).
    result<void> set_loopback(bool on) { return set_by(SIO_MULTIPOINT_LOOPBACK, BOOL{on ? TRUE : FALSE}); }
    // How many routed segments what it sends may cross, 0 ... 255 (SIO_MULTICAST_SCOPE).
    result<void> set_scope(int segments) { return set_by(SIO_MULTICAST_SCOPE, segments); }
    // Quality of service (SIO_SET_QOS, SIO_GET_QOS).
    result<void> set_quality(const QOS& quality) { return set_by(SIO_SET_QOS, quality); }
    [[nodiscard]] result<QOS> quality() const {
        QOS quality{};
        DWORD size = 0;
        auto got = detail::outcome(
            WSAIoctl(handle_, SIO_GET_QOS, nullptr, 0, &quality, sizeof quality, &size, nullptr, nullptr));
        return got ? result<QOS>(quality) : result<QOS>(std::move(got).error());
    }
    // Bytes that can be received now (FIONREAD).
    [[nodiscard]] result<std::size_t> available() const {
        jl_u_long bytes = 0;
        auto got = detail::outcome(jl_ioctlsocket(handle_, detail::bytes_to_read, &bytes));
        return got ? result<std::size_t>(bytes) : result<std::size_t>(std::move(got).error());
    }

    // ---- sessions

    // WSAJoinLeaf. Blocking: whole, and the answer is in the result. Nonblocking: started, FD_CONNECT tells the
    // outcome; there an answer cannot be taken (WSAEINVAL): the asynchronous sockets can.
    result<joined> join(const address& name, join_options options = {});

    // WSAAccept without a condition: takes everyone.
    [[nodiscard]] result<socket> accept() { return child(jl_accept(handle_, nullptr, nullptr)); }
    // With a condition, verdict(request&), called in this thread for the request at the head of the queue.
    // WSATRY_AGAIN: deferred. What it throws comes out of here, and the request stays.
    template <class Condition> [[nodiscard]] result<socket> accept(Condition&& condition) {
        detail::condition_call<std::remove_reference_t<Condition>> call{condition};
        auto taken = child(
            WSAAccept(handle_, nullptr, nullptr, &decltype(call)::run, reinterpret_cast<DWORD_PTR>(&call)));
        if (call.thrown) {
            std::rethrow_exception(call.thrown);
        }
        return taken;
    }
    result<void> connect(const address& name) {
        return detail::outcome(jl_connect(handle_, name.get(), name.size()));
    }
    // how: SD_SEND, SD_RECEIVE or SD_BOTH.
    result<void> shutdown(int how = SD_SEND) { return detail::outcome(jl_shutdown(handle_, how)); }

    // ---- data. flags: MSG_*. The bytes taken or received; a message is taken whole.

    result<std::size_t> send(std::span<const std::byte> bytes, DWORD flags = 0) const {
        return sent(bytes, nullptr, flags);
    }
    result<std::size_t> send(std::string_view text, DWORD flags = 0) const {
        return sent(detail::bytes_of(text), nullptr, flags);
    }
    // The parts one behind the other, as one message.
    result<std::size_t> send(std::span<const std::span<const std::byte>> parts, DWORD flags = 0) const {
        return sent(detail::buffers_of(parts), nullptr, flags);
    }
    result<std::size_t> send_to(const address& to, std::span<const std::byte> bytes, DWORD flags = 0) const {
        return sent(bytes, &to, flags);
    }
    result<std::size_t> send_to(const address& to, std::string_view text, DWORD flags = 0) const {
        return sent(detail::bytes_of(text), &to, flags);
    }
    // The end: WSAEDISCON where there are messages, 0 bytes where there is a stream (IO-12). WSAEMSGSIZE: longer
    // than the room, the first part is there.
    [[nodiscard]] result<std::size_t> receive(std::span<std::byte> room, DWORD flags = 0) const {
        return got(room, nullptr, flags);
    }
    [[nodiscard]] result<std::size_t> receive(std::span<char> room, DWORD flags = 0) const {
        return got(std::as_writable_bytes(room), nullptr, flags);
    }
    [[nodiscard]] result<received> receive_from(std::span<std::byte> room, DWORD flags = 0) const {
        received what;
        auto size = got(room, &what.from, flags);
        if (!size) {
            return std::move(size).error();
        }
        what.size = *size;
        return what;
    }
    // One message as text. longest: room in bytes.
    [[nodiscard]] result<std::string> receive_text(std::size_t longest = 65536) const {
        std::string text(longest, '\0');
        auto size = receive(std::span<char>(text));
        if (!size) {
            return std::move(size).error();
        }
        text.resize(*size);
        return text;
    }
    // jl_send_batch, jl_recv_batch: how many were done.
    result<std::size_t> send_batch(std::span<jl_message> messages) const {
        return batch(&jl_send_batch, messages);
    }
    [[nodiscard]] result<std::size_t> receive_batch(std::span<jl_message> messages) const {
        return batch(&jl_recv_batch, messages);
    }

    // ---- events and figures

    // WSAEventSelect: records the FD_* bits from now on, makes the socket nonblocking; 0 ends it.
    result<void> watch(const event& set, LONG bits) { return watch(set.handle(), bits); }
    result<void> unwatch() { return watch(WSA_INVALID_EVENT, 0); }
    // Takes what was recorded, and resets the event.
    [[nodiscard]] result<network_events> events(const event& reset) const {
        WSANETWORKEVENTS found{};
        auto taken = detail::outcome(WSAEnumNetworkEvents(handle_, reset.handle(), &found));
        if (!taken) {
            return std::move(taken).error();
        }
        network_events seen;
        seen.bits = found.lNetworkEvents;
        std::memcpy(seen.codes.data(), found.iErrorCode, sizeof found.iErrorCode);
        return seen;
    }
    [[nodiscard]] result<jl_statistics> statistics() const {
        jl_statistics figures{};
        figures.struct_size = sizeof figures;
        auto got = detail::outcome(jl_socket_statistics(handle_, &figures));
        return got ? result<jl_statistics>(figures) : result<jl_statistics>(std::move(got).error());
    }
    // What a root knows of its leaves, in the order in which they joined.
    [[nodiscard]] result<std::vector<jl_leaf>> leaves() const {
        std::vector<jl_leaf> all;
        for (int there = 0;; all.resize(static_cast<std::size_t>(there))) {
            there = jl_leaf_statistics(handle_, all.data(), sizeof(jl_leaf), static_cast<int>(all.size()));
            if (there == SOCKET_ERROR) {
                return error::last();
            }
            if (static_cast<std::size_t>(there) <= all.size()) {
                all.resize(static_cast<std::size_t>(there));
                return all;
            }
        }
    }

  private:
    // A nonblocking socket that lingers would stay open (LC-09): what it has not sent goes out behind its back.
    void drop() noexcept {
        if (*this && jl_closesocket(handle_) == SOCKET_ERROR && WSAGetLastError() == WSAEWOULDBLOCK) {
            const BOOL on = TRUE;
            jl_setsockopt(handle_, SOL_SOCKET, SO_DONTLINGER, &on, sizeof on);
            jl_closesocket(handle_);
        }
        handle_ = INVALID_SOCKET;
    }
    [[nodiscard]] static result<socket> made(SOCKET handle) {
        return handle == INVALID_SOCKET ? result<socket>(error::last()) : result<socket>(socket(handle));
    }
    // Sockets that come out of another have its mode (AC-07, JL-71).
    [[nodiscard]] result<socket> child(SOCKET handle) const {
        return handle == INVALID_SOCKET ? result<socket>(error::last())
                                        : result<socket>(socket(handle, nonblocking_));
    }
    template <class Query> [[nodiscard]] result<address> name_by(Query query) const {
        sockaddr_storage name{};
        int length = sizeof name;
        auto* const room = reinterpret_cast<sockaddr*>(&name);
        auto got = detail::outcome(query(handle_, room, &length));
        return got ? result<address>(address(room, length)) : result<address>(std::move(got).error());
    }
    template <class Value> result<void> set_by(DWORD code, const Value& value) {
        Value copy = value;
        DWORD size = 0;
        return detail::outcome(WSAIoctl(handle_, code, &copy, static_cast<DWORD>(sizeof copy), nullptr, 0,
                                        &size, nullptr, nullptr));
    }
    result<void> watch(WSAEVENT set, LONG bits) {
        auto watched = detail::outcome(WSAEventSelect(handle_, set, bits));
        nonblocking_ = watched ? true : nonblocking_;
        return watched;
    }
    result<std::size_t> sent(std::span<const std::byte> bytes, const address* to, DWORD flags) const {
        std::array<WSABUF, 1> one{detail::buffer_of(bytes)};
        return bytes.size() > detail::longest_call ? too_long() : sent(one, to, flags);
    }
    result<std::size_t> sent(std::span<WSABUF> buffers, const address* to, DWORD flags) const {
        const auto count = static_cast<DWORD>(buffers.size());
        DWORD size = 0;
        const int done = to == nullptr
                             ? WSASend(handle_, buffers.data(), count, &size, flags, nullptr, nullptr)
                             : WSASendTo(handle_, buffers.data(), count, &size, flags, to->get(), to->size(),
                                         nullptr, nullptr);
        return done == SOCKET_ERROR ? result<std::size_t>(error::last()) : result<std::size_t>(size);
    }
    result<std::size_t> sent(std::optional<std::vector<WSABUF>> buffers, const address* to,
                             DWORD flags) const {
        return buffers ? sent(std::span(*buffers), to, flags) : too_long();
    }
    [[nodiscard]] static error too_long() { return error(WSAEMSGSIZE, "more than 4 GiB in one call"); }
    result<std::size_t> got(std::span<std::byte> room, address* from, DWORD flags) const {
        auto buffer = detail::buffer_of(room.first(std::min(room.size(), detail::longest_call)));
        DWORD size = 0;
        sockaddr_storage name{};
        INT length = sizeof name;
        auto* const name_room = reinterpret_cast<sockaddr*>(&name);
        const int done = from == nullptr ? WSARecv(handle_, &buffer, 1, &size, &flags, nullptr, nullptr)
                                         : WSARecvFrom(handle_, &buffer, 1, &size, &flags, name_room, &length,
                                                       nullptr, nullptr);
        if (done == SOCKET_ERROR) {
            return error::last();
        }
        if (from != nullptr) {
            *from = address(name_room, length);
        }
        return std::size_t{size};
    }
    template <class Call> result<std::size_t> batch(Call call, std::span<jl_message> messages) const {
        constexpr std::size_t most = std::numeric_limits<int>::max();
        const int done = call(handle_, messages.data(), static_cast<int>(std::min(messages.size(), most)));
        return done == SOCKET_ERROR ? result<std::size_t>(error::last())
                                    : result<std::size_t>(static_cast<std::size_t>(done));
    }

    SOCKET handle_ = INVALID_SOCKET;
    bool nonblocking_ = false;
};

// What a join came to.
struct joined {
    socket branch{};      // a root that invited: its socket for that leaf, which leaves with it; else empty
    std::string answer{}; // what the other end's condition function answered
};

inline result<joined> socket::join(const address& name, join_options options) {
    if (nonblocking_ && options.answer_room > 0) {
        return joinleaf::error(WSAEINVAL, "an answer needs a blocking socket, or an asynchronous one");
    }
    detail::join_arguments arguments(std::move(options));
    const SOCKET handle = arguments.join(handle_, name);
    if (handle == INVALID_SOCKET) {
        return joinleaf::error::last();
    }
    joined done;
    if (handle != handle_) {
        done.branch = socket(handle, nonblocking_);
    }
    done.answer = arguments.answer();
    return done;
}

// ---- quality of service

// One direction of a flow at this rate (bytes/s) and burst (bytes); everything else is left open.
[[nodiscard]] inline FLOWSPEC flow(SERVICETYPE service, ULONG rate, ULONG burst) noexcept {
    return {rate,
            burst,
            QOS_NOT_SPECIFIED,
            QOS_NOT_SPECIFIED,
            QOS_NOT_SPECIFIED,
            service,
            QOS_NOT_SPECIFIED,
            QOS_NOT_SPECIFIED};
}
// A direction that asks for nothing.
[[nodiscard]] inline FLOWSPEC best_effort() noexcept {
    return flow(SERVICETYPE_BESTEFFORT, QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED);
}
[[nodiscard]] inline QOS quality(const FLOWSPEC& sending, const FLOWSPEC& receiving = best_effort()) noexcept {
    return {sending, receiving, {0, nullptr}};
}

} // namespace joinleaf
