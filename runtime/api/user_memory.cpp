// SPDX-License-Identifier: Apache-2.0
#include "runtime/api/user_memory.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

#include <sys/uio.h>
#include <unistd.h>

namespace joinleaf::api {
namespace {

constexpr std::size_t page =
    4096; // the smallest page of any Linux: checking more often than needed is harmless

void* mutable_pointer(const void* pointer) noexcept {
    return const_cast<void*>(pointer);
}

// One transfer inside this process through the kernel, which answers EFAULT instead of raising a signal.
bool transfer(bool write, void* own, void* other, std::size_t length) noexcept {
    const iovec local{own, length};
    const iovec remote{other, length};
    const auto moved = write ? ::process_vm_writev(::getpid(), &local, 1, &remote, 1, 0)
                             : ::process_vm_readv(::getpid(), &local, 1, &remote, 1, 0);
    if (moved == static_cast<ssize_t>(length)) {
        return true;
    }
    if (moved < 0 && (errno == EPERM || errno == ENOSYS)) {
        // A sandbox that forbids the question: trust the pointer, as the C library would.
        std::memcpy(write ? other : own, write ? own : other, length);
        return true;
    }
    return false;
}

// Asks about one byte of each page that the range touches.
template <class Probe> bool every_page(const void* start, std::size_t length, Probe probe) noexcept {
    auto at = reinterpret_cast<std::uintptr_t>(start);
    if (length == 0) {
        return true;
    }
    if (start == nullptr || at + length < at) {
        return false;
    }
    for (const auto end = at + length; at < end; at = (at / page + 1) * page) {
        if (!probe(reinterpret_cast<void*>(at))) {
            return false;
        }
    }
    return true;
}

} // namespace

bool readable(const void* start, std::size_t length) noexcept {
    return every_page(start, length, [](void* at) {
        char byte = 0;
        return transfer(false, &byte, at, 1);
    });
}

bool writable(void* start, std::size_t length) noexcept {
    // Writes each byte back as it was: the buffer is the application's, but by the call's contract nobody
    // else uses it now.
    return every_page(start, length, [](void* at) {
        char byte = 0;
        return transfer(false, &byte, at, 1) && transfer(true, &byte, at, 1);
    });
}

bool copy_out(void* to, const void* from, std::size_t length) noexcept {
    return length == 0 || (to != nullptr && transfer(true, mutable_pointer(from), to, length));
}

bool copy_in(void* to, const void* from, std::size_t length) noexcept {
    return length == 0 || (from != nullptr && transfer(false, to, mutable_pointer(from), length));
}

} // namespace joinleaf::api
