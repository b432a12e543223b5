// SPDX-License-Identifier: Apache-2.0
//
// Linger: what closesocket does with data that is still queued (clauses LC-09, LC-10).
#include "tests/support/event_watch.hpp"
#include "tests/support/session_fixture.hpp"

namespace joinleaf::test {
namespace {

void set_linger(SOCKET s, unsigned short on, unsigned short seconds) {
    linger value{};
    value.l_onoff = on;
    value.l_linger = seconds;
    EXPECT_TRUE(worked(jl_setsockopt(s, SOL_SOCKET, SO_LINGER, &value, sizeof value)));
}

linger linger_of(SOCKET s) {
    linger value{};
    int length = sizeof value;
    EXPECT_TRUE(worked(jl_getsockopt(s, SOL_SOCKET, SO_LINGER, &value, &length)));
    return value;
}

class Linger : public session_test {
  protected:
    void SetUp() override {
        session_test::SetUp();
        if (!IsSkipped() && !HasFatalFailure()) {
            root_ = make_listening_root();
            one_ = add_leaf(root_);
        }
    }
    void TearDown() override {
        one_ = {};
        root_.close();
        session_test::TearDown();
    }
    // Fills the session until the root would block; how many bytes went.
    std::size_t fill() {
        EXPECT_TRUE(set_nonblocking(root_.get()));
        const std::string piece(60'000, 'p');
        std::size_t sent = 0;
        while (send_text(root_.get(), piece) > 0 && sent < (std::size_t{1} << 30)) {
            sent += piece.size();
        }
        EXPECT_EQ(WSAEWOULDBLOCK, WSAGetLastError()) << last_failure();
        return sent;
    }
    // Receives until the receive fails; how many bytes came, and why it ended.
    static std::pair<std::size_t, int> drain(SOCKET s) {
        std::size_t got = 0;
        while (const auto part = next_text(s)) {
            got += part->size();
        }
        return {got, WSAGetLastError()};
    }

    owned_socket root_;
    member one_;
};

TEST_P(Linger, LC_09_ByDefaultCloseReturnsAtOnceAndQueuedDataStillGoes) {
    const auto sent = fill();
    const auto start = clock::now();
    EXPECT_EQ(0, root_.close());
    EXPECT_LT(clock::now() - start, std::chrono::seconds(5));
    const auto [got, code] = drain(one_.leaf.get());
    EXPECT_EQ(sent, got);
    EXPECT_EQ(WSAEDISCON, code) << code_name(code);
}

TEST_P(Linger, LC_09_WithZeroThePeerSeesAReset) {
    fill();
    set_linger(root_.get(), 1, 0);
    EXPECT_EQ(0, root_.close());
    const auto [got, code] = drain(one_.leaf.get());
    EXPECT_EQ(WSAECONNRESET, code) << code_name(code);
}

TEST_P(Linger, LC_09_ABlockingCloseWaitsAndThenResets) {
    fill();
    ASSERT_TRUE(set_nonblocking(root_.get(), false));
    set_linger(root_.get(), 1, 1);
    const auto start = clock::now();
    EXPECT_EQ(0, root_.close());
    EXPECT_GE(clock::now() - start, std::chrono::milliseconds(900));
    const auto [got, code] = drain(one_.leaf.get());
    EXPECT_EQ(WSAECONNRESET, code) << code_name(code);
}

TEST_P(Linger, LC_09_ABlockingCloseEndsWhenTheDataIsGone) {
    const auto sent = fill();
    ASSERT_TRUE(set_nonblocking(root_.get(), false));
    set_linger(root_.get(), 1, 60);
    auto closing = in_background([&] { return root_.close(); });
    const auto [got, code] = drain(one_.leaf.get());
    EXPECT_EQ(sent, got);
    EXPECT_EQ(WSAEDISCON, code) << code_name(code);
    EXPECT_EQ(0, result_of(closing, "a lingering close"));
}

TEST_P(Linger, LC_09_NonblockingWithUnsentData_FailsWithWouldBlockAndStaysOpen) {
    const auto sent = fill();
    set_linger(root_.get(), 1, 5);
    EXPECT_TRUE(refused(jl_closesocket(root_.get()), WSAEWOULDBLOCK));
    EXPECT_EQ(1, linger_of(root_.get()).l_onoff) << "the socket is still there";
    ASSERT_TRUE(set_nonblocking(one_.leaf.get()));
    std::size_t got = 0;
    EXPECT_TRUE(eventually([&] {
        while (const auto part = receive_text(one_.leaf.get())) {
            got += part->size();
        }
        return got == sent;
    }));
    EXPECT_TRUE(eventually([&] { return jl_closesocket(root_.get()) == 0; })) << "once the data is gone";
    static_cast<void>(root_.release());
}

TEST_P(Linger, LC_10_SoDontlingerIsTheInverse) {
    int off = 0;
    int length = sizeof off;
    ASSERT_TRUE(worked(jl_getsockopt(root_.get(), SOL_SOCKET, SO_DONTLINGER, &off, &length)));
    EXPECT_EQ(1, off);
    set_linger(root_.get(), 1, 3);
    ASSERT_TRUE(worked(jl_getsockopt(root_.get(), SOL_SOCKET, SO_DONTLINGER, &off, &length)));
    EXPECT_EQ(0, off);
    off = 1;
    ASSERT_TRUE(worked(jl_setsockopt(root_.get(), SOL_SOCKET, SO_DONTLINGER, &off, sizeof off)));
    EXPECT_EQ(0, linger_of(root_.get()).l_onoff);
}

INSTANTIATE_TEST_SUITE_P(Transports, Linger, ::testing::ValuesIn(session_plans({plan::rooted})),
                         session_plan_name());

} // namespace
} // namespace joinleaf::test
