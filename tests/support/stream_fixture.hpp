// SPDX-License-Identifier: Apache-2.0
//
// Ordinary connections over each transport that has them.
#pragma once

#include "tests/support/session_fixture.hpp"

namespace joinleaf::test {

class stream_test : public ::testing::TestWithParam<transport>, protected session_guard {
  protected:
    void SetUp() override {
        if (const auto lacking = prepare(GetParam()); !lacking.empty()) {
            GTEST_SKIP() << lacking;
        }
    }
    void TearDown() override { end(); }

    [[nodiscard]] owned_socket make_listener() {
        auto made = make_ordinary();
        EXPECT_TRUE(listen_on_loopback(made.get(), family()));
        return made;
    }
    [[nodiscard]] owned_socket connect_to(SOCKET listener) {
        auto made = make_ordinary();
        const auto to = local_name(listener);
        EXPECT_TRUE(worked(jl_connect(made.get(), to.get(), to.length)));
        return made;
    }
};

} // namespace joinleaf::test
