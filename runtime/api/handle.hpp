// SPDX-License-Identifier: Apache-2.0
//
// A HANDLE is a number, and what calls on handles answer is a BOOL.
#pragma once

#include "runtime/api/last_error.hpp"

#include <joinleaf/winsock2.h>

#include <cstdint>

namespace joinleaf::api {

inline std::uintptr_t number_of(HANDLE handle) noexcept {
    return reinterpret_cast<std::uintptr_t>(handle);
}

inline HANDLE handle_of(std::uintptr_t number) noexcept {
    return reinterpret_cast<HANDLE>(number); // NOLINT(performance-no-int-to-ptr): a HANDLE holds a number
}

// TRUE for code 0; else FALSE, with the code as the thread's last error.
inline BOOL truth(int code) noexcept {
    return answer(code) == 0 ? TRUE : FALSE;
}

} // namespace joinleaf::api
