// SPDX-License-Identifier: Apache-2.0
//
// A leaf that was admitted and then breaks the wire format: it alone is dropped, and the root is told
// (clauses IO-07, EV-42).
#include "tests/hostile/raw_peer.hpp"
#include "tests/support/session_fixture.hpp"

namespace joinleaf::test {
namespace {

class HostileMember : public root_test {
  protected:
    void SetUp() override {
        root_test::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        restart({.tcp = "leaf_timeout: 300ms, send_buffer: 64KiB"});
        root_ = make_listening_root();
        good_ = ask(root_.get());
        bad_ = raw_socket::connected_to(local_name(root_.get()));
        bad_.send(wire::greeting(GetParam(), wire::hello, wire::leaf));
        branch_ = admit(root_.get());
        EXPECT_EQ(wire::greeting_size, bad_.receive(wire::greeting_size).size()) << "the answer";
    }
    void TearDown() override {
        bad_.close();
        branch_.close();
        good_ = {};
        root_.close();
        root_test::TearDown();
    }
    // The root is told of a broken leaf; the good one and the root go on.
    void expect_dropped_alone() {
        const event_watch watch(branch_.get(), FD_CLOSE);
        const int code = watch.code(FD_CLOSE);
        EXPECT_TRUE(code == WSAECONNABORTED || code == WSAECONNRESET) << code_name(code);
        expect_the_session_goes_on();
    }
    void expect_the_session_goes_on() {
        ASSERT_EQ(5, send_text(root_.get(), "alive"));
        EXPECT_EQ("alive", next_text(good_.leaf.get()).value_or("nothing"));
        ASSERT_EQ(5, send_text(good_.leaf.get(), "sound"));
        EXPECT_EQ("sound", next_text(root_.get()).value_or("nothing"));
    }

    owned_socket root_;
    owned_socket branch_;
    member good_;
    raw_socket bad_;
};

TEST_P(HostileMember, ALawfulOneIsAMemberLikeAnyOther) {
    bad_.send(wire::message("hello"));
    EXPECT_EQ("hello", next_text(root_.get()).value_or("nothing"));
    if (GetParam().kind == plan::relayed) {
        EXPECT_EQ("hello", next_text(good_.leaf.get()).value_or("nothing"));
    }
    const auto in_pieces = wire::message("byte by byte");
    for (const char one : in_pieces) {
        bad_.send(std::string(1, one));
    }
    EXPECT_EQ("byte by byte", next_text(root_.get()).value_or("nothing"));
    if (GetParam().kind == plan::relayed) {
        EXPECT_EQ("byte by byte", next_text(good_.leaf.get()).value_or("nothing"));
    }
    expect_the_session_goes_on();
}

TEST_P(HostileMember, AHugeFrameIsDropped) {
    bad_.send(wire::frame(1, 0, 0xffffffff, "x"));
    expect_dropped_alone();
}

TEST_P(HostileMember, AnUnknownFrameIsDropped) {
    bad_.send(wire::frame(77, 0, 0));
    expect_dropped_alone();
}

TEST_P(HostileMember, UnknownFlagsAreDropped) {
    bad_.send(wire::frame(1, 0x80, 1, "x"));
    expect_dropped_alone();
}

TEST_P(HostileMember, AnEndWithAPayloadIsDropped) {
    bad_.send(wire::frame(2, 0, 4, "more"));
    expect_dropped_alone();
}

TEST_P(HostileMember, HalfAFrameAndTheEndIsDropped) {
    bad_.send(wire::frame(1, 0, 100, "only this"));
    bad_.close();
    expect_dropped_alone();
}

TEST_P(HostileMember, AnEndWithoutAWordIsDropped) {
    bad_.close();
    expect_dropped_alone();
}

TEST_P(HostileMember, AResetIsDropped) {
    bad_.reset();
    expect_dropped_alone();
}

TEST_P(HostileMember, AMessageAfterTheEndIsDroppedOrIgnored) {
    bad_.send(wire::frame(2, 0, 0) + wire::message("from the grave"));
    EXPECT_TRUE(stays_silent(root_.get())) << "nothing comes after the end";
    expect_the_session_goes_on();
}

TEST_P(HostileMember, AnotherHelloInsteadOfFramesIsDropped) {
    bad_.send(wire::greeting(GetParam(), wire::hello, wire::leaf));
    expect_dropped_alone();
}

TEST_P(HostileMember, IO_07_OneThatTakesNothingIsDropped) {
    const event_watch watch(branch_.get(), FD_CLOSE);
    auto reading = in_background([&] {
        while (const auto text = next_text(good_.leaf.get())) {
            if (*text == "end") {
                return true;
            }
        }
        return false;
    });
    const std::string piece(30'000, 'p');
    for (int i = 0; i < 800; ++i) {
        ASSERT_EQ(static_cast<int>(piece.size()), send_text(root_.get(), piece)) << last_failure();
    }
    ASSERT_EQ(3, send_text(root_.get(), "end"));
    EXPECT_TRUE(result_of(reading, "the good leaf"));
    const int code = watch.code(FD_CLOSE);
    EXPECT_TRUE(code == WSAECONNABORTED || code == WSAECONNRESET) << code_name(code);
}

TEST_P(HostileMember, OneThatFloodsIsHeldBackAndHarmsNobody) {
    std::atomic<bool> stop{false};
    auto flooding = in_background([&] {
        const auto much = wire::message(std::string(100'000, 'f'));
        const timeval brief{0, 50'000};
        ::setsockopt(bad_.fd(), SOL_SOCKET, SO_SNDTIMEO, &brief, sizeof brief);
        for (int i = 0; i < 2000 && !stop; ++i) {
            std::size_t sent = 0;
            while (sent < much.size() && !stop) {
                const auto got = ::send(bad_.fd(), much.data() + sent, much.size() - sent, MSG_NOSIGNAL);
                sent += got > 0 ? static_cast<std::size_t>(got) : 0;
            }
        }
        return true;
    });
    if (GetParam().kind == plan::rooted) { // relayed, the good leaf would have to read it all
        ASSERT_EQ(5, send_text(root_.get(), "alive"));
        EXPECT_EQ("alive", next_text(good_.leaf.get()).value_or("nothing"));
    }
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(100'000U, next_text(root_.get(), 200'000).value_or("").size());
    }
    stop = true;
    EXPECT_TRUE(result_of(flooding, "the flood"));
}

INSTANTIATE_TEST_SUITE_P(Transports, HostileMember, ::testing::ValuesIn(session_transports()),
                         transport_name());

} // namespace
} // namespace joinleaf::test
