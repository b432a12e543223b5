// SPDX-License-Identifier: Apache-2.0
//
// Slow readers, full queues, and what frees them.
#include "test_socket.hpp"

#include <atomic>
#include <thread>

namespace joinleaf::tcp_root::test {
namespace {

const std::string block(16 << 10, 'b');

// Sends until there is no room; returns the messages taken.
int fill(test_socket& from) {
    int taken = 0;
    int code = 0;
    // What the kernels take comes over several turns of the loop.
    EXPECT_TRUE(wait_until([&] {
        while ((code = from.try_send(block)) == 0) {
            ++taken;
        }
        EXPECT_EQ(code, WSAEWOULDBLOCK);
        const auto queued = from.stats().queued_bytes;
        std::this_thread::sleep_for(20ms);
        return code == WSAEWOULDBLOCK && from.stats().queued_bytes == queued &&
               from.try_send(block) == WSAEWOULDBLOCK;
    }));
    return taken;
}

TEST(Flow, IO_14_LogFull_WouldBlock_ThenReadyWhenRoomComes) {
    const library lib({{"send_buffer", 256 * kib}});
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    auto leaf_side = join_leaf(lib, root, at, rooted4);
    auto& leaf = leaf_side.leaf;
    [[maybe_unused]] auto& branch = leaf_side.branch;
    const int taken = fill(root);
    EXPECT_EQ(root.arm(JL_OUT), JL_ARMED);
    std::uint64_t seen = 0;
    {
        const std::lock_guard hold(root.handle().mutex);
        seen = root.handle().ready_out;
    }
    int got = 0;
    while (got < taken) {
        ASSERT_TRUE(leaf.receive().data == block);
        ++got;
    }
    EXPECT_TRUE(wait_until([&] {
        const std::lock_guard hold(root.handle().mutex);
        return root.handle().ready_out > seen;
    }));
    EXPECT_EQ(root.arm(JL_OUT), JL_READY);
    ASSERT_EQ(root.send("again"), 0);
    std::string last;
    while ((last = leaf.receive().data) == block) {}
    EXPECT_EQ(last, "again");
}

TEST(Flow, IO_07_OneSlowLeaf_DoesNotLoseAnything_AndOthersKeepPace) {
    const library lib({{"send_buffer", 1024 * kib}});
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    auto slow_side = join_leaf(lib, root, at, rooted4);
    auto& slow = slow_side.leaf;
    [[maybe_unused]] auto& slow_branch = slow_side.branch;
    auto fast_side = join_leaf(lib, root, at, rooted4);
    auto& fast = fast_side.leaf;
    [[maybe_unused]] auto& fast_branch = fast_side.branch;
    constexpr int count = 600;
    std::thread sender([&] {
        for (int i = 0; i < count; ++i) {
            ASSERT_EQ(root.send(std::to_string(i) + block), 0);
        }
    });
    std::atomic<int> fast_done{0};
    std::thread fast_reader([&] {
        for (int i = 0; i < count; ++i, ++fast_done) {
            ASSERT_TRUE(fast.receive().data == std::to_string(i) + block);
        }
    });
    // The fast one is served although the slow one takes nothing.
    EXPECT_TRUE(wait_until([&] { return fast_done > 60; }));
    for (int i = 0; i < count; ++i) {
        ASSERT_TRUE(slow.receive().data == std::to_string(i) + block);
    }
    sender.join();
    fast_reader.join();
}

TEST(Flow, IO_07_LeafThatTakesNothing_IsDropped_TheSessionGoesOn) {
    const library lib({{"send_buffer", 256 * kib}, {"leaf_timeout", 300 * ms}});
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    auto dead_side = join_leaf(lib, root, at, rooted4);
    [[maybe_unused]] auto& dead = dead_side.leaf;
    [[maybe_unused]] auto& dead_branch = dead_side.branch;
    auto live_side = join_leaf(lib, root, at, rooted4);
    auto& live = live_side.leaf;
    [[maybe_unused]] auto& live_branch = live_side.branch;
    std::atomic<bool> stop{false};
    std::thread reader([&] {
        while (live.receive().code == 0) {}
    });
    std::thread sender([&] {
        while (!stop) {
            ASSERT_EQ(root.send(block), 0);
        }
    });
    EXPECT_EQ(dead_branch.wait_end(), WSAECONNABORTED);
    EXPECT_TRUE(fake_host::wait_for_log("for longer than slow_leaf_time"));
    stop = true;
    sender.join();
    EXPECT_EQ(root.stats().leaves, 1u);
    EXPECT_EQ(live_branch.arm(JL_IN), JL_ARMED);
    // What had arrived can still be read, then the reset.
    received last;
    while ((last = dead.receive()).code == 0) {}
    EXPECT_EQ(last.code, WSAECONNRESET);
    root.close();
    reader.join();
}

TEST(Flow, IdleLeaf_WithoutPressure_IsNeverDropped) {
    const library lib({{"leaf_timeout", 50 * ms}});
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    auto leaf_side = join_leaf(lib, root, at, rooted4);
    auto& leaf = leaf_side.leaf;
    [[maybe_unused]] auto& branch = leaf_side.branch;
    for (int i = 0; i < 300; ++i) {
        ASSERT_EQ(root.send(block), 0); // fills its socket, not the log
    }
    std::this_thread::sleep_for(300ms);
    EXPECT_EQ(branch.arm(JL_IN), JL_ARMED);
    for (int i = 0; i < 300; ++i) {
        ASSERT_TRUE(leaf.receive().data == block);
    }
}

TEST(Flow, RootThatDoesNotRead_HoldsTheLeavesBack_NothingIsLost) {
    const library lib({{"recv_buffer", 128 * kib}});
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    auto a_side = join_leaf(lib, root, at, rooted4);
    auto& a = a_side.leaf;
    [[maybe_unused]] auto& a_branch = a_side.branch;
    auto b_side = join_leaf(lib, root, at, rooted4);
    auto& b = b_side.leaf;
    [[maybe_unused]] auto& b_branch = b_side.branch;
    const int from_a = fill(a);
    const int from_b = fill(b);
    ASSERT_EQ(root.send("the other way is free"), 0);
    EXPECT_EQ(a.receive().data, "the other way is free");
    for (int i = 0; i < from_a + from_b; ++i) {
        ASSERT_TRUE(root.receive().data == block);
    }
    ASSERT_EQ(a.send("more"), 0);
    received got;
    while ((got = root.receive()).data == block) {}
    EXPECT_EQ(got.data, "more");
}

TEST(Flow, Relay_SlowMember_HoldsBackThenCatchesUp) {
    const library lib({{"send_buffer", 128 * kib}, {"recv_buffer", 16384 * kib}});
    test_socket root(lib, relay4, c_root_d_leaf);
    const address at = root.listen_on_loopback();
    auto speaker_side = join_leaf(lib, root, at, relay4);
    auto& speaker = speaker_side.leaf;
    [[maybe_unused]] auto& a = speaker_side.branch;
    auto slow_side = join_leaf(lib, root, at, relay4);
    auto& slow = slow_side.leaf;
    [[maybe_unused]] auto& b = slow_side.branch;
    const int taken = fill(speaker);
    for (int i = 0; i < taken; ++i) {
        ASSERT_TRUE(slow.receive().data == block);
    }
    for (int i = 0; i < taken; ++i) {
        ASSERT_TRUE(root.receive().data == block);
    }
    EXPECT_TRUE(wait_until([&] { return speaker.arm(JL_OUT) == JL_READY; }));
}

TEST(Flow, Relay_DeadMember_IsDropped) {
    const library lib({{"send_buffer", 128 * kib}, {"recv_buffer", 65536 * kib}, {"leaf_timeout", 300 * ms}});
    test_socket root(lib, relay4, c_root_d_leaf);
    const address at = root.listen_on_loopback();
    auto speaker_side = join_leaf(lib, root, at, relay4);
    auto& speaker = speaker_side.leaf;
    [[maybe_unused]] auto& a = speaker_side.branch;
    auto dead_side = join_leaf(lib, root, at, relay4);
    [[maybe_unused]] auto& dead = dead_side.leaf;
    [[maybe_unused]] auto& b = dead_side.branch;
    std::atomic<bool> stop{false};
    std::thread sender([&] {
        while (!stop) {
            ASSERT_EQ(speaker.send(block), 0);
        }
    });
    std::thread reader([&] {
        while (root.receive().code == 0 && !stop) {}
    });
    EXPECT_EQ(b.wait_end(), WSAECONNABORTED);
    EXPECT_EQ(a.arm(JL_IN), JL_ARMED);
    stop = true;
    sender.join();
    ASSERT_EQ(speaker.send("last"), 0);
    reader.join();
}

TEST(Flow, LeafWithoutReader_GivesItsMessageAwayAsRoomComes) {
    // The rest of a message that the kernel took in part leaves on the loop, without another call of the
    // application.
    const library lib({{"recv_buffer", 64 * kib}});
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    auto leaf_side = join_leaf(lib, root, at, rooted4);
    auto& leaf = leaf_side.leaf;
    [[maybe_unused]] auto& branch = leaf_side.branch;
    const std::string big(12 << 20, 'x');
    ASSERT_EQ(leaf.send(big), 0);
    EXPECT_TRUE(root.receive(big.size()).data == big);
}

// A sender that never pauses hands the sending over to the loop; nothing may get stuck on the way back.
TEST(Flow, FloodThenLoneMessages_AllArriveAtOnce) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    std::vector<pair> leaves;
    leaves.reserve(8);
    for (int i = 0; i < 8; ++i) {
        leaves.push_back(join_leaf(lib, root, at, rooted4));
    }
    for (int round = 0; round < 50; ++round) {
        for (int i = 0; i < 200; ++i) {
            ASSERT_EQ(root.send("flood"), 0);
        }
        ASSERT_EQ(root.send("lone"), 0);
        for (auto& [leaf, branch] : leaves) {
            for (int i = 0; i < 200; ++i) {
                ASSERT_EQ(leaf.receive().data, "flood");
            }
            ASSERT_EQ(leaf.receive().data, "lone");
        }
    }
    EXPECT_TRUE(wait_until([&] { return root.stats().queued_bytes == 0; }));
}

} // namespace
} // namespace joinleaf::tcp_root::test
