// SPDX-License-Identifier: Apache-2.0
//
// One overlapped call with all that has to live as long as it.
#pragma once

#include "tests/support/call_result.hpp"
#include "tests/support/owned.hpp"
#include "tests/support/waiting.hpp"

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

    SOCKET socket_ = INVALID_SOCKET;
    owned_event event_;
    WSAOVERLAPPED state_{};
    std::string data_;
    DWORD bytes_ = 0;
    DWORD flags_ = 0;
};

} // namespace joinleaf::test
