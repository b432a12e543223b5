// SPDX-License-Identifier: Apache-2.0
//
// One overlapped call with all that has to live as long as it.
#pragma once

#include "tests/support/call_result.hpp"
#include "tests/support/owned.hpp"
#include "tests/support/waiting.hpp"

#include <joinleaf/mswsock.h>
#include <joinleaf/overlapped.h>

#include <optional>
#include <string>

namespace joinleaf::test {

// What an operation came to.
struct overlapped_end {
    int code = -1;
    DWORD bytes = 0;
    DWORD flags = 0;
    bool operator==(const overlapped_end&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const overlapped_end& what) {
    return out << code_name(what.code) << ", " << what.bytes << " bytes, flags " << what.flags;
}

class overlapped_call {
  public:
    // With an event of its own.
    explicit overlapped_call(std::size_t room = 64) : data_(room, '\0') { state_.hEvent = event_.get(); }
    explicit overlapped_call(const std::string& text) : data_(text) { state_.hEvent = event_.get(); }
    overlapped_call(const overlapped_call&) = delete;
    overlapped_call& operator=(const overlapped_call&) = delete;
    // What is still pending writes into this object (IO-47): the socket may be open yet when a case ends.
    ~overlapped_call() {
        if (socket_ != INVALID_SOCKET && !over() && jl_cancel_io_ex(event_handle(socket_), &state_) != FALSE) {
            EXPECT_TRUE(eventually([this] { return over() && (state_.hEvent != event() || is_set()); }))
                << "a cancelled operation does not end";
        }
    }

    [[nodiscard]] LPWSAOVERLAPPED state() { return &state_; }
    [[nodiscard]] WSAEVENT event() const { return event_.get(); }
    [[nodiscard]] bool is_set() const { return event_.is_set(); }
    void set_event() const { WSASetEvent(event_.get()); }

    // 0, or the code of the call.
    int receive(SOCKET s, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine = nullptr, DWORD flags = 0) {
        WSABUF buffer{static_cast<ULONG>(data_.size()), data_.data()};
        flags_ = flags;
        socket_ = s;
        return code_of(WSARecv(s, &buffer, 1, &bytes_, &flags_, &state_, routine));
    }
    int send(SOCKET s, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine = nullptr) {
        WSABUF buffer{static_cast<ULONG>(data_.size()), data_.data()};
        socket_ = s;
        return code_of(WSASend(s, &buffer, 1, &bytes_, 0, &state_, routine));
    }

    // Into a buffer of this room, addresses included.
    int accept(SOCKET listener, SOCKET into, int family) {
        socket_ = listener;
        address_room_ = address_room(family);
        return code_of(jl_accept_ex(listener, into, data_.data(), first_room(), address_room_, address_room_,
                                    &bytes_, &state_) != FALSE
                           ? 0
                           : SOCKET_ERROR);
    }
    // Sends the text, if there is any, once it is connected.
    int connect(SOCKET s, const sockaddr* to, int length) {
        socket_ = s;
        return code_of(jl_connect_ex(s, to, length, data_.data(), static_cast<DWORD>(data_.size()), &bytes_,
                                     &state_) != FALSE
                           ? 0
                           : SOCKET_ERROR);
    }
    int disconnect(SOCKET s, DWORD flags = 0) {
        socket_ = s;
        return code_of(jl_disconnect_ex(s, &state_, flags, 0) != FALSE ? 0 : SOCKET_ERROR);
    }
    // The two addresses that an accept has left.
    struct accepted_names {
        sockaddr* local = nullptr;
        sockaddr* remote = nullptr;
        int local_length = -1, remote_length = -1;
    };
    [[nodiscard]] accepted_names names() {
        accepted_names found;
        jl_get_accept_ex_sockaddrs(data_.data(), first_room(), address_room_, address_room_, &found.local,
                                   &found.local_length, &found.remote, &found.remote_length);
        return found;
    }
    // What an accept's buffer needs for its addresses.
    static constexpr DWORD address_room(int family) {
        return static_cast<DWORD>((family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in)) +
                                  JL_ACCEPT_EX_PADDING);
    }

    int ioctl(SOCKET s, DWORD code, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine = nullptr) {
        socket_ = s;
        return code_of(WSAIoctl(s, code, nullptr, 0, data_.data(), static_cast<DWORD>(data_.size()), nullptr,
                                &state_, routine));
    }

    // Waits for the end by the event.
    [[nodiscard]] overlapped_end wait(SOCKET s) {
        if (!readable(static_cast<int>(reinterpret_cast<std::uintptr_t>(event_.get())))) {
            return {WSAETIMEDOUT, 0, 0};
        }
        return end(s);
    }
    // The outcome, without waiting.
    [[nodiscard]] overlapped_end end(SOCKET s) {
        overlapped_end what;
        what.code = WSAGetOverlappedResult(s, &state_, &what.bytes, FALSE, &what.flags) != FALSE
                        ? 0
                        : WSAGetLastError();
        return what;
    }
    // The outcome as the structure has it, for a socket that is closed.
    [[nodiscard]] bool over() const { return HasOverlappedIoCompleted(&state_); }
    [[nodiscard]] int code() const { return static_cast<int>(state_.Internal); }
    [[nodiscard]] DWORD bytes() const { return bytes_; }
    [[nodiscard]] std::string text() const { return data_.substr(0, state_.InternalHigh); }

  private:
    static int code_of(int returned) { return returned == 0 ? 0 : WSAGetLastError(); }

    [[nodiscard]] DWORD first_room() const { return static_cast<DWORD>(data_.size()) - 2 * address_room_; }

    SOCKET socket_ = INVALID_SOCKET;
    DWORD address_room_ = 0;
    owned_event event_;
    WSAOVERLAPPED state_{};
    std::string data_;
    DWORD bytes_ = 0;
    DWORD flags_ = 0;
};

} // namespace joinleaf::test
