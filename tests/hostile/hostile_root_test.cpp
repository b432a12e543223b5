// SPDX-License-Identifier: Apache-2.0
//
// Foreign and broken peers that connect to a listener: none is offered to accept, each is dropped after a
// bounded time, the session goes on.
#include "tests/hostile/raw_peer.hpp"
#include "tests/support/session_fixture.hpp"

#include <dirent.h>

#include <random>

namespace joinleaf::test {
namespace {

std::string noise(std::size_t size, unsigned seed) {
    std::mt19937 source(seed);
    std::string bytes(size, '\0');
    for (char& one : bytes) {
        one = static_cast<char>(source());
    }
    return bytes;
}

std::size_t open_descriptors() {
    std::size_t count = 0;
    DIR* const folder = ::opendir("/proc/self/fd");
    while (::readdir(folder) != nullptr) {
        ++count;
    }
    ::closedir(folder);
    return count;
}

// Way ask: the listener is a root with one leaf. Way invite: it is a leaf that waits for its root.
class HostilePeer : public session_test {
  protected:
    void SetUp() override {
        session_test::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        restart({.tcp = "handshake_timeout: 1s, join_timeout: 20s"});
        root_ = make_listening_root();
        listener_ = built() == way::ask ? owned_socket() : make_listening_leaf();
        name_ = local_name(listener());
        member_ = ask(root_.get());
    }
    void TearDown() override {
        member_ = {};
        listener_.close();
        root_.close();
        session_test::TearDown();
    }
    [[nodiscard]] SOCKET listener() const { return listener_ ? listener_.get() : root_.get(); }
    [[nodiscard]] raw_socket peer() const { return raw_socket::connected_to(name_); }
    [[nodiscard]] std::string hello(std::uint32_t room = 0, const std::string& data = "") const {
        return wire::greeting(GetParam().over, wire::hello, built() == way::ask ? wire::leaf : wire::root,
                              room, data);
    }
    // Nothing was offered; the session works and takes whom it should.
    void expect_unharmed() {
        EXPECT_FALSE(readable_now(static_cast<int>(listener())))
            << "a request is offered";
        ASSERT_EQ(5, send_text(root_.get(), "alive"));
        EXPECT_EQ("alive", next_text(member_.leaf.get()).value_or("nothing"));
        if (built() == way::ask) {
            const auto late = ask(root_.get());
            EXPECT_TRUE(late.leaf);
            return;
        }
        auto joining = join_in_background(root_.get(), {.name = name_});
        const auto invited = admit(listener_.get());
        const owned_socket branch(result_of(joining, "an invitation").socket);
        EXPECT_TRUE(branch);
    }
    // The peer that says this is dropped, and nobody else notices.
    void expect_dropped(const std::string& bytes, const std::string& what) {
        const auto one = peer();
        one.send(bytes);
        EXPECT_TRUE(one.is_dropped(std::chrono::seconds(5))) << what;
        EXPECT_FALSE(readable_now(static_cast<int>(listener())))
            << what << " is offered";
    }

    owned_socket root_;
    owned_socket listener_;
    member member_;
    address name_;
};

TEST_P(HostilePeer, AC_04_OtherProtocolsAreDropped) {
    expect_dropped("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n", "HTTP");
    expect_dropped("SSH-2.0-OpenSSH_9.2\r\n", "SSH");
    expect_dropped(std::string(64, '\0'), "zeros");
    for (unsigned seed = 1; seed <= 8; ++seed) {
        expect_dropped(noise(4096, seed), "noise " + std::to_string(seed));
    }
    expect_unharmed();
}

TEST_P(HostilePeer, AC_04_AHelloWithOneWrongByteIsDroppedOrRefused) {
    // Places whose every other value is against WIRE.md: magic, version range, kind, flags, length, roles,
    // direction, code, size, the byte behind the reason.
    for (const std::size_t at : {0U, 1U, 2U, 3U, 5U, 6U, 7U, 8U, 11U, 12U, 14U, 15U, 16U, 24U, 27U, 29U}) {
        auto bytes = hello();
        bytes[at] = static_cast<char>(0x7e);
        expect_dropped(bytes, "byte " + std::to_string(at));
    }
    expect_unharmed();
}

TEST_P(HostilePeer, AHugeLengthIsDropped) {
    auto bytes = hello();
    bytes.replace(8, 4, wire::number(0xffffffff));
    expect_dropped(bytes, "a greeting of 4 GiB");
    bytes = hello();
    bytes.replace(8, 4, wire::number(0x7fffffff));
    bytes.replace(24, 4, wire::number(0x7fffffff - 20));
    expect_dropped(bytes, "caller data of 2 GiB");
    expect_unharmed();
}

TEST_P(HostilePeer, SilenceIsDroppedAfterABoundedTime) {
    const auto start = clock::now();
    const auto one = peer();
    EXPECT_TRUE(one.is_dropped(std::chrono::seconds(5)));
    EXPECT_GE(clock::now() - start, std::chrono::milliseconds(150)) << "it is given its time";
    expect_unharmed();
}

TEST_P(HostilePeer, HalfAHelloIsDroppedAfterABoundedTime) {
    const auto whole = hello(0, "some caller data");
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{12}, std::size_t{31}, std::size_t{32}, whole.size() - 1}) {
        expect_dropped(whole.substr(0, size), std::to_string(size) + " bytes of a hello");
    }
    expect_unharmed();
}

TEST_P(HostilePeer, AByteAtATimeDoesNotKeepAPlace) {
    const auto one = peer();
    const auto whole = hello();
    bool dropped = false;
    for (std::size_t i = 0; i < whole.size() - 1 && !dropped; ++i) {
        one.send(whole.substr(i, 1));
        dropped = one.is_dropped(std::chrono::milliseconds(50));
    }
    EXPECT_TRUE(dropped) << "slow bytes must not stretch the time of the handshake";
    expect_unharmed();
}

TEST_P(HostilePeer, AHelloInPiecesIsAHello) {
    const auto one = peer();
    const auto whole = hello(0, "data");
    one.send(whole.substr(0, 7));
    one.send(whole.substr(7, 20));
    EXPECT_FALSE(readable(static_cast<int>(listener()), std::chrono::milliseconds(20)));
    one.send(whole.substr(27));
    EXPECT_TRUE(readable(static_cast<int>(listener())));
    const auto branch = admit(listener());
    EXPECT_TRUE(branch);
}

TEST_P(HostilePeer, AC_16_AHelloThatIsResetIsWithdrawn) {
    for (int round = 0; round < 20; ++round) {
        auto one = peer();
        one.send(round % 2 == 0 ? hello() : hello().substr(0, 16));
        if (round % 4 < 2) {
            one.reset();
        } else {
            one.close();
        }
    }
    ASSERT_TRUE(set_nonblocking(listener()));
    // What was queued before its end is told by accept; what remains is nothing.
    EXPECT_TRUE(eventually([&] {
        const owned_socket accepted(jl_accept(listener(), nullptr, nullptr));
        return !accepted && WSAGetLastError() == WSAEWOULDBLOCK && stays_silent(listener());
    })) << last_failure();
    ASSERT_TRUE(set_nonblocking(listener(), false));
    expect_unharmed();
}

TEST_P(HostilePeer, AnAnswerInsteadOfAHelloIsDropped) {
    expect_dropped(
        wire::greeting(GetParam().over, wire::answer, built() == way::ask ? wire::leaf : wire::root),
        "an answer");
    expect_dropped(wire::greeting(GetParam().over, wire::wait, built() == way::ask ? wire::leaf : wire::root),
                   "a wait notice");
    expect_unharmed();
}

TEST_P(HostilePeer, AC_04_AnotherRoleOrPlaneIsRefused) {
    expect_dropped(wire::greeting(GetParam().over, wire::hello, built() == way::ask ? wire::root : wire::leaf),
                   "another role");
    const transport other{"other", GetParam().over.kind == plan::rooted ? plan::relayed : plan::rooted,
                          family()};
    expect_dropped(wire::greeting(other, wire::hello, built() == way::ask ? wire::leaf : wire::root),
                   "another data plane");
    expect_unharmed();
}

TEST_P(HostilePeer, FiveHundredIdleConnectionsKeepNobodyOut) {
    const auto before = open_descriptors();
    {
        std::vector<raw_socket> crowd;
        crowd.reserve(500);
        for (int i = 0; i < 500; ++i) {
            crowd.push_back(peer());
        }
        const auto start = clock::now();
        expect_unharmed();
        EXPECT_LT(clock::now() - start, std::chrono::seconds(10));
        for (const auto& one : crowd) {
            EXPECT_TRUE(one.is_dropped(std::chrono::seconds(10)));
        }
    }
    EXPECT_TRUE(eventually([&] { return open_descriptors() <= before + 2; }))
        << open_descriptors() << " of " << before;
    expect_unharmed();
}

TEST_P(HostilePeer, ManyThatComeAndGoLeaveNothingBehind) {
    const auto before = open_descriptors();
    for (int i = 0; i < 300; ++i) {
        auto one = peer();
        if (i % 3 == 0) {
            one.send(noise(100, static_cast<unsigned>(i)));
        }
        if (i % 2 == 0) {
            one.reset();
        }
    }
    EXPECT_TRUE(eventually([&] { return open_descriptors() <= before + 2; }))
        << open_descriptors() << " of " << before;
    expect_unharmed();
}

INSTANTIATE_TEST_SUITE_P(Transports, HostilePeer,
                         ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

} // namespace
} // namespace joinleaf::test
