// SPDX-License-Identifier: Apache-2.0
//
// How many descriptors and threads the process has, to compare before and after.
#pragma once

#include "tests/support/waiting.hpp"

#include <gtest/gtest.h>

#include <dirent.h>
#include <unistd.h>

#include <cstddef>
#include <ostream>
#include <string>

namespace joinleaf::test {

inline std::size_t entries_of(const char* path) {
    std::size_t count = 0;
    DIR* const folder = ::opendir(path);
    while (::readdir(folder) != nullptr) {
        ++count;
    }
    ::closedir(folder);
    return count;
}

inline std::size_t open_descriptors() {
    return entries_of("/proc/self/fd");
}

// What the open descriptors are, for the message of a test that finds too many.
inline std::string descriptor_list() {
    std::string list;
    for (int fd = 0; fd < 1024; ++fd) {
        char target[128] = "";
        const auto link = "/proc/self/fd/" + std::to_string(fd);
        if (::readlink(link.c_str(), target, sizeof target - 1) > 0) {
            list += "\n  " + std::to_string(fd) + " " + target;
        }
    }
    return list;
}

struct footprint {
    std::size_t descriptors = open_descriptors();
    std::size_t threads = entries_of("/proc/self/task");
    std::string list = descriptor_list();
};

inline std::ostream& operator<<(std::ostream& out, const footprint& what) {
    return out << what.descriptors << " descriptors, " << what.threads << " threads:" << what.list << "\n";
}

// Closing may finish on a reactor thread; it has a deadline.
inline ::testing::AssertionResult is_back_at(const footprint& before) {
    const bool back = eventually([&] {
        return open_descriptors() <= before.descriptors &&
               entries_of("/proc/self/task") <= before.threads;
    });
    return (back ? ::testing::AssertionSuccess() : ::testing::AssertionFailure())
           << "before: " << before << "now: " << footprint();
}

} // namespace joinleaf::test
