// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <joinleaf/winsock2.h>

namespace joinleaf::api {

// A copy of an address argument, so that the application's memory is looked at once.
class address {
  public:
    // 0; WSAEFAULT: NULL, not readable, or shorter than its family's address; WSAEAFNOSUPPORT: not of the
    // family that the socket serves (JL-03, JL-04).
    int load(const sockaddr* name, int length, int family) noexcept;

    [[nodiscard]] const sockaddr* get() const noexcept {
        return reinterpret_cast<const sockaddr*>(&storage_);
    }
    [[nodiscard]] std::uint32_t length() const noexcept { return length_; }

  private:
    sockaddr_storage storage_{};
    std::uint32_t length_ = 0;
};

} // namespace joinleaf::api
