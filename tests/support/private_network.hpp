// SPDX-License-Identifier: Apache-2.0
//
// Puts a whole test program into a network namespace of its own, before its first thread.
#pragma once

#include "tests/support/netns.hpp"

#include <gtest/gtest.h>

namespace joinleaf::test {

// Why this program has no network of its own; empty: it has. Tests without multicast run all the same.
inline std::string& private_network_refusal() {
    static std::string why;
    return why;
}

class private_network : public ::testing::Environment {
    void SetUp() override {
        std::string why;
        private_network_refusal() = enter_private_network(why) ? "" : why;
    }
};

// For a program without a main of its own; one such definition per program is enough, more do no harm.
inline const ::testing::Environment* const installed_private_network =
    ::testing::AddGlobalTestEnvironment(new private_network);

} // namespace joinleaf::test
