// SPDX-License-Identifier: Apache-2.0
//
// Leaving, expelling, ending, shutting down; gracefully and not.
#include "test_socket.hpp"
#include "wire.hpp"

#include <sys/socket.h>

namespace joinleaf::tcp_root::test {
namespace {

struct trio {
    explicit trio(const library& lib, std::uint32_t entry = rooted4)
        : root(lib, entry, root_of(entry)),
          at(root.listen_on_loopback()),
          one(join_leaf(lib, root, at, entry)),
          two(join_leaf(lib, root, at, entry)) {}

    test_socket root;
    address at;
    pair one;
    pair two;
};

TEST(Leave, LC_01_EV_45_LeafCloses_OthersSeeNothing) {
    const library lib;
    trio s(lib);
    s.one.leaf.close();
    EXPECT_EQ(s.one.branch.wait_end(), 0);
    EXPECT_EQ(s.one.branch.try_receive().code, WSAEDISCON);
    EXPECT_EQ(s.one.branch.try_send("x"), WSAEOPNOTSUPP);
    EXPECT_EQ(s.two.branch.arm(JL_IN), JL_ARMED);
    ASSERT_EQ(s.root.send("go on"), 0);
    EXPECT_EQ(s.two.leaf.receive().data, "go on");
    EXPECT_EQ(s.root.stats().leaves, 1u);
}

TEST(Leave, LC_09_LeafCloses_WhatItSentStillArrives) {
    const library lib;
    trio s(lib);
    const std::string big(4 << 20, 'g');
    ASSERT_EQ(s.one.leaf.send(big), 0);
    ASSERT_EQ(s.root.send("nobody reads this any more"), 0);
    s.one.leaf.start_close();
    EXPECT_TRUE(s.root.receive(big.size()).data == big);
    EXPECT_TRUE(s.one.leaf.wait_closed());
    EXPECT_EQ(s.one.branch.wait_end(), 0) << "unread data at the leaf does not make it a reset";
}

TEST(Leave, LC_09_LeafAborts_IsAReset) {
    const library lib;
    trio s(lib);
    s.one.leaf.close(JL_CLOSE_ABORT);
    EXPECT_EQ(s.one.branch.wait_end(), WSAECONNRESET);
    EXPECT_EQ(s.one.branch.try_receive().code, WSAECONNRESET);
}

TEST(Leave, LC_02_RootExpels_LeafGetsWhatWasSent_ThenTheEnd) {
    const library lib;
    trio s(lib);
    for (int i = 0; i < 50; ++i) {
        ASSERT_EQ(s.root.send("before"), 0);
    }
    s.one.branch.start_close();
    ASSERT_EQ(s.root.send("after"), 0);
    for (int i = 0; i < 50; ++i) {
        ASSERT_EQ(s.one.leaf.receive().data, "before");
        ASSERT_EQ(s.two.leaf.receive().data, "before");
    }
    EXPECT_EQ(s.one.leaf.receive().code, WSAEDISCON); // IO-12
    EXPECT_EQ(s.one.leaf.wait_end(), 0);
    EXPECT_EQ(s.one.leaf.try_send("x"), WSAECONNRESET);
    EXPECT_EQ(s.two.leaf.receive().data, "after");
    EXPECT_TRUE(s.one.branch.wait_closed());
    EXPECT_EQ(s.root.stats().leaves, 1u);
}

TEST(Leave, LC_02_RootExpelsHard_IsAReset) {
    const library lib;
    trio s(lib);
    s.one.branch.close(JL_CLOSE_ABORT);
    EXPECT_EQ(s.one.leaf.wait_end(), WSAECONNRESET);
    EXPECT_EQ(s.one.leaf.try_receive().code, WSAECONNRESET);
}

TEST(Leave, LC_03_EV_46_RootCloses_EveryoneGetsEverythingThenTheEnd) {
    const library lib;
    trio s(lib);
    const std::string big(2 << 20, 'z');
    ASSERT_EQ(s.root.send(big), 0);
    s.root.start_close();
    EXPECT_EQ(s.one.branch.wait_end(), 0);
    EXPECT_EQ(s.two.branch.wait_end(), 0);
    for (pair* each : {&s.one, &s.two}) {
        EXPECT_TRUE(each->leaf.receive(big.size()).data == big);
        EXPECT_EQ(each->leaf.wait_end(), 0);
    }
    EXPECT_TRUE(s.root.wait_closed());
    EXPECT_EQ(s.one.branch.try_receive().code, WSAEDISCON) << "LC-05: still a valid socket";
    s.one.branch.close();
}

TEST(Leave, LC_09_RootAborts_IsAResetForAll) {
    const library lib;
    trio s(lib);
    s.root.close(JL_CLOSE_ABORT);
    EXPECT_EQ(s.one.leaf.wait_end(), WSAECONNRESET);
    EXPECT_EQ(s.two.leaf.wait_end(), WSAECONNRESET);
    EXPECT_EQ(s.one.branch.wait_end(), WSAECONNABORTED);
}

TEST(Leave, LC_09_GracefulThatTakesTooLong_CanBeHurried) {
    const library lib;
    trio s(lib);
    const std::string big(12 << 20, 'z');
    ASSERT_EQ(s.root.send(big), 0);
    s.root.start_close(); // nobody reads
    std::this_thread::sleep_for(50ms);
    {
        const std::lock_guard hold(s.root.handle().mutex);
        EXPECT_EQ(s.root.handle().closed, 0);
    }
    s.root.start_close(JL_CLOSE_ABORT);
    EXPECT_TRUE(s.root.wait_closed());

    trio t(lib);
    t.one.branch.close(JL_CLOSE_ABORT);
    ASSERT_EQ(t.two.leaf.send(std::string(12 << 20, 'z')), 0);
    t.two.leaf.start_close();
    t.two.leaf.start_close(JL_CLOSE_ABORT);
    EXPECT_TRUE(t.two.leaf.wait_closed());
}

TEST(Leave, LeavingLeafThatTakesNothing_EndsAfterLeafTimeout) {
    const library lib({{"leaf_timeout", 200 * ms}});
    trio s(lib);
    ASSERT_EQ(s.root.send(std::string(12 << 20, 'z')), 0);
    s.root.start_close();
    EXPECT_TRUE(s.root.wait_closed());
}

TEST(Leave, LC_13_RootShutsSending_LeavesSeeTheEnd_RootStillReceives) {
    const library lib;
    trio s(lib);
    ASSERT_EQ(s.root.send("last words"), 0);
    EXPECT_EQ(s.root.shutdown(SD_SEND), 0);
    EXPECT_EQ(s.root.shutdown(SD_SEND), 0);        // LC-12
    EXPECT_EQ(s.root.try_send("x"), WSAESHUTDOWN); // IO-13
    EXPECT_EQ(s.one.leaf.receive().data, "last words");
    EXPECT_EQ(s.one.leaf.receive().code, WSAEDISCON);
    EXPECT_EQ(s.one.leaf.wait_end(), 0);
    EXPECT_EQ(s.one.branch.wait_end(), 0); // EV-46
    ASSERT_EQ(s.one.leaf.send("I still talk"), 0);
    EXPECT_EQ(s.root.receive().data, "I still talk");
    ASSERT_EQ(s.two.leaf.send("so do I"), 0);
    s.two.leaf.close();
    EXPECT_EQ(s.root.receive().data, "so do I");
}

TEST(Leave, LC_14_LeafShutsSending_StillReceives) {
    const library lib;
    trio s(lib);
    ASSERT_EQ(s.one.leaf.send("last words"), 0);
    EXPECT_EQ(s.one.leaf.shutdown(SD_SEND), 0);
    EXPECT_EQ(s.one.leaf.try_send("x"), WSAESHUTDOWN);
    EXPECT_EQ(s.root.receive().data, "last words");
    EXPECT_EQ(s.one.branch.wait_end(), 0);
    ASSERT_EQ(s.root.send("still there?"), 0);
    EXPECT_EQ(s.one.leaf.receive().data, "still there?");
    EXPECT_EQ(s.root.stats().leaves, 2u);
    s.one.leaf.close();
    EXPECT_TRUE(wait_until([&] { return s.root.stats().leaves == 1; }));
}

TEST(Leave, LC_14_LeafShutsReceiving_HoldsNobodyUp) {
    const library lib({{"send_buffer", 128 << 10}, {"leaf_timeout", 10'000 * ms}});
    trio s(lib);
    EXPECT_EQ(s.one.leaf.shutdown(SD_RECEIVE), 0);
    EXPECT_EQ(s.one.leaf.try_receive().code, WSAESHUTDOWN);
    std::thread reader([&] {
        for (int i = 0; i < 2000; ++i) {
            ASSERT_EQ(s.two.leaf.receive().code, 0);
        }
    });
    for (int i = 0; i < 2000; ++i) {
        ASSERT_EQ(s.root.send(std::string(8192, 'r')), 0);
    }
    reader.join();
    ASSERT_EQ(s.one.leaf.send("still talking"), 0);
    EXPECT_EQ(s.root.receive().data, "still talking");
    s.root.close();
    EXPECT_EQ(s.one.leaf.wait_end(), 0);
}

TEST(Leave, RootShutsReceiving_LeavesAreNotHeldUp) {
    const library lib({{"recv_buffer", 64 << 10}});
    trio s(lib);
    EXPECT_EQ(s.root.shutdown(SD_RECEIVE), 0);
    for (int i = 0; i < 1000; ++i) {
        ASSERT_EQ(s.one.leaf.send(std::string(8192, 'r')), 0);
    }
    ASSERT_EQ(s.root.send("down"), 0);
    EXPECT_EQ(s.two.leaf.receive().data, "down");
}

TEST(Leave, LC_12_ShutdownWithoutPeers_IsNotConnected) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    root.listen_on_loopback();
    EXPECT_EQ(root.shutdown(SD_SEND), WSAENOTCONN);
    test_socket leaf(lib, rooted4, c_leaf_d_leaf);
    EXPECT_EQ(leaf.shutdown(SD_BOTH), WSAENOTCONN);
    test_socket branch(lib, rooted4, c_leaf_d_leaf, &root);
    EXPECT_EQ(branch.shutdown(SD_BOTH), WSAENOTCONN);
}

TEST(Leave, ShutOneLeaf_TheOthersGoOn) {
    const library lib;
    trio s(lib);
    EXPECT_EQ(s.one.branch.shutdown(SD_SEND), 0);
    ASSERT_EQ(s.root.send("for the others"), 0);
    EXPECT_EQ(s.one.leaf.wait_end(), 0);
    EXPECT_EQ(s.two.leaf.receive().data, "for the others");
    ASSERT_EQ(s.one.leaf.send("up"), 0);
    EXPECT_EQ(s.root.receive().data, "up");
}

TEST(Leave, LC_04_RootProcessDies_LeavesSeeAReset) {
    // A process that dies closes its sockets without the end of the session.
    const library lib;
    raw_listener foreign;
    test_socket leaf(lib, rooted4, c_leaf_d_leaf);
    ASSERT_EQ(leaf.start_join({foreign.name()}), 0);
    raw_peer root = foreign.accept();
    wire::greeting answer;
    answer.what = wire::kind::answer;
    answer.who = {wire::control_role::root, wire::data_role::root, wire::data_plane::rooted};
    const auto bytes = wire::encode(answer);
    ASSERT_TRUE(root.send(bytes.data(), bytes.size()));
    ASSERT_EQ(leaf.outcome().code, 0);
    const auto head = wire::encode(wire::frame{wire::frame_kind::message, 0, 2});
    ASSERT_TRUE(root.send(head.data(), head.size()) && root.send("hi"));
    root.close();
    EXPECT_EQ(leaf.receive().data, "hi");
    EXPECT_EQ(leaf.receive().code, WSAECONNRESET);
    EXPECT_EQ(leaf.wait_end(), WSAECONNRESET);
}

TEST(Leave, GarbageFromTheRoot_EndsTheLeafOnly) {
    const library lib;
    raw_listener foreign;
    test_socket leaf(lib, rooted4, c_leaf_d_leaf);
    ASSERT_EQ(leaf.start_join({foreign.name()}), 0);
    raw_peer root = foreign.accept();
    wire::greeting answer;
    answer.what = wire::kind::answer;
    answer.who = {wire::control_role::root, wire::data_role::root, wire::data_plane::rooted};
    const auto bytes = wire::encode(answer);
    ASSERT_TRUE(root.send(bytes.data(), bytes.size()));
    ASSERT_EQ(leaf.outcome().code, 0);
    ASSERT_TRUE(root.send("\xFF\xFF\xFF\xFF garbage garbage"));
    EXPECT_EQ(leaf.receive().code, WSAECONNABORTED);
}

TEST(Leave, LC_19_SamePortAgainAtOnce) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    address mine;
    for (int i = 0; i < 5; ++i) {
        test_socket leaf(lib, rooted4, c_leaf_d_leaf);
        if (i == 0) {
            ASSERT_EQ(leaf.bind(loopback(AF_INET)), 0);
            mine = leaf.name();
        } else {
            const int on = 1;
            ASSERT_EQ(lib.ops().set_option(leaf.endpoint(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
            ASSERT_EQ(leaf.bind(mine), 0);
        }
        ASSERT_EQ(leaf.start_join({at}), 0);
        const auto request = root.next_request();
        ASSERT_TRUE(request);
        test_socket branch = root.accept(*request);
        ASSERT_EQ(leaf.outcome().code, 0);
        EXPECT_EQ(leaf.name().text(), mine.text());
        // The root closes first, so that the waiting state of TCP stays on its side.
        branch.close();
        EXPECT_EQ(leaf.wait_end(), 0);
        leaf.close();
    }
}

} // namespace
} // namespace joinleaf::tcp_root::test
