// SPDX-License-Identifier: Apache-2.0
//
// A completion port that is closed with its scope, and what comes out of it.
#pragma once

#include "tests/support/call_result.hpp"
#include "tests/support/owned.hpp"

#include <joinleaf/overlapped.h>

#include <gtest/gtest.h>

namespace joinleaf::test {

class owned_port {
  public:
    explicit owned_port(DWORD threads = 0)
        : port_(jl_create_io_completion_port(INVALID_HANDLE_VALUE, nullptr, 0, threads)) {
        EXPECT_NE(nullptr, port_) << last_failure();
    }
    owned_port(const owned_port&) = delete;
    owned_port& operator=(const owned_port&) = delete;
    ~owned_port() { close(); }

    [[nodiscard]] HANDLE get() const { return port_; }
    [[nodiscard]] int fd() const { return static_cast<int>(reinterpret_cast<std::uintptr_t>(port_)); }
    bool take_in(SOCKET s, ULONG_PTR key) const {
        return jl_create_io_completion_port(event_handle(s), port_, key, 0) == port_;
    }
    BOOL close() { return port_ == nullptr ? FALSE : jl_close_handle(std::exchange(port_, nullptr)); }

  private:
    HANDLE port_;
};

struct packet {
    BOOL good = FALSE;
    int code = 0;
    DWORD bytes = 0;
    ULONG_PTR key = 0;
    LPWSAOVERLAPPED state = nullptr;
};

inline packet next_packet(HANDLE port, DWORD milliseconds = 20000) {
    packet got;
    got.good = jl_get_queued_completion_status(port, &got.bytes, &got.key, &got.state, milliseconds);
    got.code = got.good ? 0 : WSAGetLastError();
    return got;
}

} // namespace joinleaf::test
