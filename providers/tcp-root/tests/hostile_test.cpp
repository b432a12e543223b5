// SPDX-License-Identifier: Apache-2.0
//
// Peers that are foreign, broken or mean ill, with raw TCP sockets.
#include "greeting.hpp"
#include "test_socket.hpp"
#include "wire.hpp"

#include <sys/resource.h>

namespace joinleaf::tcp_root::test {
namespace {

std::string hello(wire::control_role role = wire::control_role::leaf, std::uint32_t data = 0) {
    wire::greeting head;
    head.who = {role, wire::data_role::leaf, wire::data_plane::rooted};
    head.data_size = data;
    return text_of(wire::encode(head)) + std::string(data, 'c');
}

std::string frame(std::string_view data) {
    return text_of(wire::encode(
               wire::frame{wire::frame_kind::message, 0, static_cast<std::uint32_t>(data.size())})) +
           std::string(data);
}

struct besieged {
    explicit besieged(const library& lib)
        : root(lib, rooted4, c_root_d_root),
          at(root.listen_on_loopback(64)),
          good(join_leaf(lib, root, at, rooted4)) {}

    // The session works as if nothing had been.
    void expect_unharmed(const library& lib) {
        ASSERT_EQ(root.send("ping"), 0);
        EXPECT_EQ(good.leaf.receive().data, "ping");
        ASSERT_EQ(good.leaf.send("pong"), 0);
        EXPECT_EQ(root.receive().data, "pong");
        EXPECT_EQ(good.branch.arm(JL_IN), JL_ARMED);
        auto [late, branch] = join_leaf(lib, root, at, rooted4);
        ASSERT_EQ(root.send("both"), 0);
        EXPECT_EQ(late.receive().data, "both");
        EXPECT_EQ(good.leaf.receive().data, "both");
    }

    // A raw peer that has been admitted.
    raw_peer admitted(test_socket& branch) {
        raw_peer peer(at);
        EXPECT_TRUE(peer.send(hello()));
        const auto request = root.next_request();
        EXPECT_TRUE(request);
        branch = root.accept(*request);
        EXPECT_EQ(peer.read(wire::greeting_size).substr(0, 4), "JLTR");
        return peer;
    }

    test_socket root;
    address at;
    pair good;
};

TEST(Hostile, ForeignBytes_AreDroppedAtOnce) {
    const library lib;
    besieged session(lib);
    for (const char* text : {"GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: y\r\n\r\n",
                             "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and so on and so on and so on"}) {
        raw_peer peer(session.at);
        ASSERT_TRUE(peer.send(text));
        EXPECT_TRUE(peer.wait_end());
    }
    EXPECT_FALSE(session.root.next_request(0s));
    session.expect_unharmed(lib);
}

TEST(Hostile, EveryBrokenGreeting_GetsNoRequestThrough) {
    const library lib;
    besieged session(lib);
    for (std::uint32_t i = 0; i < 300; ++i) {
        std::string bytes = hello(wire::control_role::leaf, i % 50);
        // The roles, the reserved bytes, lengths, kinds: every change but to free fields must be noticed.
        const std::size_t fields[] = {0, 1, 2, 3, 5, 6, 8, 9, 10, 12, 14, 15, 16, 17, 24, 25, 28, 29};
        bytes[fields[i % std::size(fields)]] ^= static_cast<char>(0x40 | (i * 7 % 0x3F));
        raw_peer peer(session.at);
        ASSERT_TRUE(peer.send(bytes));
        EXPECT_TRUE(peer.wait_end());
    }
    EXPECT_FALSE(session.root.next_request(0s));
    session.expect_unharmed(lib);
}

TEST(Hostile, VersionFromTheFuture_IsRefusedWithAnAnswer) {
    const library lib;
    besieged session(lib);
    std::string bytes = hello();
    bytes[4] = bytes[5] = 9;
    raw_peer peer(session.at);
    ASSERT_TRUE(peer.send(bytes));
    const std::string answer = peer.read(wire::greeting_size);
    ASSERT_EQ(answer.size(), wire::greeting_size);
    const auto head = wire::decode(std::span<const std::byte, wire::greeting_size>(
        reinterpret_cast<const std::byte*>(answer.data()), wire::greeting_size));
    ASSERT_TRUE(head);
    EXPECT_EQ(head->what, wire::kind::answer);
    EXPECT_EQ(head->code, WSAECONNREFUSED);
    EXPECT_EQ(head->why, wire::reason::version);
}

TEST(Hostile, SilenceAndHalfAHello_AreDroppedInTime) {
    const library lib({{"handshake_timeout", 100 * ms}});
    besieged session(lib);
    raw_peer silent(session.at);
    raw_peer half(session.at);
    ASSERT_TRUE(half.send(hello().substr(0, 17)));
    raw_peer no_data(session.at);
    ASSERT_TRUE(no_data.send(hello(wire::control_role::leaf, 100).substr(0, 60)));
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(silent.wait_end());
    EXPECT_TRUE(half.wait_end());
    EXPECT_TRUE(no_data.wait_end());
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
    session.expect_unharmed(lib);
}

TEST(Hostile, ByteByByte_IsStillAHello) {
    const library lib;
    besieged session(lib);
    raw_peer peer(session.at);
    for (const char byte : hello(wire::control_role::leaf, 5)) {
        ASSERT_TRUE(peer.send(&byte, 1));
    }
    const auto request = session.root.next_request();
    ASSERT_TRUE(request);
    EXPECT_EQ(request->caller_data, "ccccc");
}

TEST(Hostile, FiveHundredIdleConnections_DoNotKeepALeafOut) {
    const library lib({{"handshake_limit", 100}});
    besieged session(lib);
    std::vector<raw_peer> idle;
    idle.reserve(500);
    for (int i = 0; i < 500; ++i) {
        idle.emplace_back(session.at);
    }
    session.expect_unharmed(lib);
    EXPECT_TRUE(idle.front().wait_end()) << "the oldest made room";
    EXPECT_TRUE(fake_host::wait_for_log("handshake_limit"));
}

TEST(Hostile, GarbageBehindTheHello_WithdrawsTheRequest) {
    const library lib;
    besieged session(lib);
    raw_peer peer(session.at);
    ASSERT_TRUE(peer.send(hello() + "too early"));
    const auto request = session.root.next_request();
    ASSERT_TRUE(request);
    EXPECT_TRUE(session.root.wait_withdrawn(*request));
    EXPECT_EQ(session.root.refuse(*request), 0);
    session.expect_unharmed(lib);
}

TEST(Hostile, ResetAndCloseWhileQueued_AreWithdrawn_AC_16) {
    const library lib;
    besieged session(lib);
    for (const bool hard : {false, true}) {
        raw_peer peer(session.at);
        ASSERT_TRUE(peer.send(hello()));
        const auto request = session.root.next_request();
        ASSERT_TRUE(request);
        hard ? peer.reset() : peer.close();
        EXPECT_TRUE(session.root.wait_withdrawn(*request));
        int code = 0;
        const test_socket branch = session.root.accept(*request, {}, &code);
        EXPECT_EQ(code, WSAECONNRESET);
    }
    session.expect_unharmed(lib);
}

TEST(Hostile, AdmittedPeer_WithHugeLength_IsDropped) {
    const library lib;
    besieged session(lib);
    test_socket branch;
    raw_peer peer = session.admitted(branch);
    ASSERT_TRUE(peer.send("\x7F\xFF\xFF\xFF\x01\x00\x00\x00", 8));
    EXPECT_EQ(branch.wait_end(), WSAECONNABORTED);
    EXPECT_TRUE(peer.wait_end());
    session.expect_unharmed(lib);
}

TEST(Hostile, AdmittedPeer_WithForbiddenFrames_IsDropped) {
    const library lib;
    besieged session(lib);
    const std::string pretends =
        text_of(wire::encode(wire::frame{wire::frame_kind::message, wire::flag_source, 21})) +
        std::string(21, 's');
    const std::string after_end =
        text_of(wire::encode(wire::frame{wire::frame_kind::end, 0, 0})) + frame("zombie");
    for (const std::string& bytes :
         {pretends, std::string("\0\0\0\0\x09\0\0\0", 8), std::string(64, '\xEE')}) {
        test_socket branch;
        raw_peer peer = session.admitted(branch);
        ASSERT_TRUE(peer.send(bytes));
        EXPECT_EQ(branch.wait_end(), WSAECONNABORTED);
    }
    test_socket branch;
    raw_peer peer = session.admitted(branch);
    ASSERT_TRUE(peer.send(after_end));
    EXPECT_EQ(branch.wait_end(), 0) << "the end came first";
    EXPECT_TRUE(peer.wait_end());
    session.expect_unharmed(lib);
}

TEST(Hostile, AdmittedPeer_FloodOfEmptyMessages_IsBounded) {
    const library lib({{"recv_buffer", 64 << 10}});
    besieged session(lib);
    test_socket branch;
    raw_peer peer = session.admitted(branch);
    std::string flood;
    for (int i = 0; i < 20'000; ++i) {
        flood += frame("");
    }
    std::thread sender([&] { ASSERT_TRUE(peer.send(flood)); });
    for (int i = 0; i < 20'000; ++i) {
        ASSERT_EQ(session.root.receive().code, 0);
    }
    sender.join();
    session.expect_unharmed(lib);
}

TEST(Hostile, AdmittedPeer_HalfAMessageThenSilence_HarmsNobody) {
    const library lib;
    besieged session(lib);
    test_socket branch;
    raw_peer peer = session.admitted(branch);
    ASSERT_TRUE(peer.send(frame(std::string(1 << 20, 'h')).substr(0, 300'000)));
    session.expect_unharmed(lib);
    peer.close();
    EXPECT_EQ(branch.wait_end(), WSAECONNRESET) << "an end without goodbye";
}

TEST(Hostile, AdmittedPeer_Reset_IsToldAsSuch) {
    const library lib;
    besieged session(lib);
    test_socket branch;
    raw_peer peer = session.admitted(branch);
    ASSERT_TRUE(peer.send(frame("last")));
    EXPECT_EQ(session.root.receive().data, "last");
    peer.reset();
    EXPECT_EQ(branch.wait_end(), WSAECONNRESET); // EV-42
    session.expect_unharmed(lib);
}

TEST(Hostile, OutOfDescriptors_IsSurvivedWithoutSpinning) {
    const library lib;
    besieged session(lib);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit tight{static_cast<rlim_t>(open_descriptors() + 3), before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    std::vector<provider::descriptor> hogs;
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) {
        hogs.emplace_back(fd);
    }
    // A connection that the kernel has taken and the process cannot.
    hogs.pop_back();
    raw_peer peer(session.at);
    EXPECT_TRUE(peer.send(hello()));
    EXPECT_TRUE(fake_host::wait_for_log("cannot accept connections now"));
    const std::clock_t busy = std::clock();
    std::this_thread::sleep_for(300ms);
    EXPECT_LT(std::clock() - busy, CLOCKS_PER_SEC / 10);
    hogs.clear();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_TRUE(session.root.next_request()) << "it was only late";
    session.expect_unharmed(lib);
}

TEST(Hostile, ListeningLeaf_IsAsCareful) {
    const library lib({{"handshake_timeout", 100 * ms}});
    test_socket listener(lib, rooted4, c_leaf_d_leaf);
    const address at = listener.listen_on_loopback();
    raw_peer silent(at);
    raw_peer foreign(at);
    ASSERT_TRUE(foreign.send(std::string(100, 'f')));
    raw_peer wrong(at);
    ASSERT_TRUE(wrong.send(hello(wire::control_role::leaf)));
    EXPECT_TRUE(foreign.wait_end());
    EXPECT_TRUE(wrong.wait_end());
    EXPECT_TRUE(silent.wait_end());
    EXPECT_FALSE(listener.next_request(0s));
    test_socket root(lib, rooted4, c_root_d_root);
    test_socket branch(lib, rooted4, c_leaf_d_leaf, &root);
    ASSERT_EQ(root.start_join({at}, &branch), 0);
    const auto request = listener.next_request();
    ASSERT_TRUE(request);
    test_socket member = listener.accept(*request);
    EXPECT_EQ(root.outcome().code, 0);
}

} // namespace
} // namespace joinleaf::tcp_root::test
