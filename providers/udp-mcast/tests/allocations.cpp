// SPDX-License-Identifier: Apache-2.0
#include "allocations.hpp"

#include <cstdlib>
#include <new>

namespace {
thread_local std::size_t count = 0;
} // namespace

void* operator new(std::size_t size) {
    ++count;
    if (void* const got = std::malloc(size == 0 ? 1 : size)) {
        return got;
    }
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace joinleaf::udp_mcast::test {
std::size_t allocations() {
    return count;
}
} // namespace joinleaf::udp_mcast::test
