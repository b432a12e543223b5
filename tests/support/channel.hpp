// SPDX-License-Identifier: Apache-2.0
//
// Two sockets of one session or connection over any transport: what one sends the other receives.
#pragma once

#include "tests/support/session_fixture.hpp"

namespace joinleaf::test {

struct channel {
    owned_socket from;
    owned_socket to;
    std::vector<owned_socket> rest; // what the session needs besides

    // Leaves all of it to the last WSACleanup.
    void leave_open() {
        static_cast<void>(from.release());
        static_cast<void>(to.release());
        for (auto& one : rest) {
            static_cast<void>(one.release());
        }
    }
};

class channel_test : public ::testing::TestWithParam<transport>, protected session_guard {
  protected:
    void SetUp() override {
        if (const auto lacking = prepare(GetParam()); !lacking.empty()) {
            GTEST_SKIP() << lacking;
        }
    }
    void TearDown() override { end(); }

    [[nodiscard]] bool stream() const { return which().kind == plan::stream; }

    [[nodiscard]] channel open() {
        switch (which().kind) {
        case plan::nonrooted: return open_group();
        case plan::stream: return open_stream();
        case plan::rooted:
        case plan::relayed: break;
        }
        return open_session();
    }

  private:
    channel open_group() {
        const auto group = fresh_group(family());
        channel made;
        made.to = make_leaf();
        EXPECT_EQ(made.to.get(), plain_join(made.to.get(), group)) << last_failure();
        made.from = make_leaf();
        EXPECT_EQ(made.from.get(), plain_join(made.from.get(), group, JL_SENDER_ONLY)) << last_failure();
        return made;
    }
    channel open_stream() {
        const auto listener = make_ordinary();
        EXPECT_TRUE(listen_on_loopback(listener.get(), family()));
        channel made{make_ordinary(), {}, {}};
        const auto name = local_name(listener.get());
        EXPECT_TRUE(worked(jl_connect(made.from.get(), name.get(), name.length)));
        made.to = admit(listener.get());
        return made;
    }
    channel open_session() {
        channel made;
        made.from = make_listening_root();
        auto leaf = ask(made.from.get());
        made.to = std::move(leaf.leaf);
        made.rest.push_back(std::move(leaf.branch));
        return made;
    }
};

} // namespace joinleaf::test
