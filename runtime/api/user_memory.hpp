// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>

namespace joinleaf::api {

// Whether the application's memory can be read or written, asked of the kernel, so that a bad pointer becomes
// WSAEFAULT and neither a crash nor a signal handler of ours. Costs system calls: for calls off the data
// path. Length 0 is always fine. [any]
bool readable(const void* start, std::size_t length) noexcept;
bool writable(void* start, std::size_t length) noexcept;

// Copies a structure to the application; false where it cannot be written. [any]
bool copy_out(void* to, const void* from, std::size_t length) noexcept;

// Copies a structure from the application; false where it cannot be read. [any]
bool copy_in(void* to, const void* from, std::size_t length) noexcept;

template <class T> bool put(T* to, const T& value) noexcept {
    return copy_out(to, &value, sizeof value);
}
template <class T> bool get(const T* from, T& value) noexcept {
    return copy_in(&value, from, sizeof value);
}

} // namespace joinleaf::api
