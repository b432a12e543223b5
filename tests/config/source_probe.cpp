// SPDX-License-Identifier: Apache-2.0
//
// Prints what find_source() answers in this process; a test runs it with and without the set-user-id bit.
#include "config/config.hpp"

#include <cstdio>

// The leak check needs ptrace, which a set-user-id process is denied.
extern "C" const char* __asan_default_options(); // NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
extern "C" const char* __asan_default_options() {
    return "detect_leaks=0";
}

namespace {

const char* name(enum joinleaf::config::source::kind kind) {
    using kinds = enum joinleaf::config::source::kind;
    switch (kind) {
    case kinds::environment: return "environment";
    case kinds::user: return "user";
    case kinds::system: return "system";
    case kinds::built_in: return "built-in";
    }
    return "unknown";
}

} // namespace

int main() {
    const auto found = joinleaf::config::find_source();
    std::printf("%s %s\n", name(found.kind), found.path.c_str());
}
