// SPDX-License-Identifier: Apache-2.0
//
// Memory that may not be touched, for calls that must find that out without a crash.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>

namespace joinleaf::test {

// A page that can be neither read nor written.
class unreadable_memory {
  public:
    unreadable_memory() : page_(::mmap(nullptr, size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {}
    unreadable_memory(const unreadable_memory&) = delete;
    unreadable_memory& operator=(const unreadable_memory&) = delete;
    ~unreadable_memory() { ::munmap(page_, size()); }

    template <class T> [[nodiscard]] T* as() const { return static_cast<T*>(page_); }

  private:
    static std::size_t size() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }
    void* page_;
};

} // namespace joinleaf::test
