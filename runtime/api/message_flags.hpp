// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "runtime/socket/socket_object.hpp"

namespace joinleaf::api {

// The MSG_* flags that sending and receiving know. Host flags that a Linux program may bring along keep their
// meaning.
inline constexpr unsigned known_send_flags =
    MSG_OOB | MSG_DONTROUTE | MSG_PARTIAL | MSG_DONTWAIT | MSG_NOSIGNAL;
inline constexpr unsigned known_receive_flags = MSG_OOB | MSG_PEEK | MSG_WAITALL | MSG_PARTIAL | MSG_DONTWAIT;

// MSG_* as JL_MSG_*; WSAEOPNOTSUPP where one is unknown, or the socket's entry lacks what it asks for.
inline int translate(const socket::socket_object& object, unsigned flags, unsigned known,
                     std::uint32_t& out) noexcept {
    if ((flags & ~known) != 0) {
        return WSAEOPNOTSUPP;
    }
    out = ((flags & MSG_OOB) != 0 ? JL_MSG_OOB : 0U) | ((flags & MSG_PEEK) != 0 ? JL_MSG_PEEK : 0U) |
          ((flags & MSG_PARTIAL) != 0 ? JL_MSG_PART : 0U);
    const bool lacks = ((out & JL_MSG_OOB) != 0 && !object.service(XP1_EXPEDITED_DATA)) ||
                       ((out & JL_MSG_PART) != 0 && !object.service(XP1_PARTIAL_MESSAGE));
    return lacks ? WSAEOPNOTSUPP : 0;
}

// On receiving MSG_PARTIAL asks for nothing.
inline int translate_receive(const socket::socket_object& object, unsigned flags,
                             std::uint32_t& out) noexcept {
    return translate(object, flags & ~static_cast<unsigned>(MSG_PARTIAL), known_receive_flags, out);
}

} // namespace joinleaf::api
