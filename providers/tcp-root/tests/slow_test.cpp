// SPDX-License-Identifier: Apache-2.0
//
// Leaves that do not keep up, under each rule: what the others get, what they themselves get, and what is
// told of it.
#include "test_socket.hpp"

#include <atomic>
#include <cstring>
#include <thread>

namespace joinleaf::tcp_root::test {
namespace {

// Indices of the option's words.
constexpr std::int64_t block_rule = 0, drop_newest = 1, drop_oldest = 2, disconnect = 3;

constexpr std::size_t message_size = 4000;

std::string numbered(int number) {
    std::string out = std::to_string(number) + ' ';
    out.resize(message_size, 'x');
    return out;
}

// What a leaf got: messages in order and the gaps between them.
struct record {
    int next = 0; // the number that is due
    std::uint64_t received = 0;
    std::uint64_t missing = 0;
    std::uint64_t notices = 0;
};

// Takes one item; false when there is none any more.
bool take(test_socket& leaf, record& so_far) {
    const received got = leaf.receive();
    if (got.code != 0) {
        return false;
    }
    if (got.flags == JL_MSG_GAP) {
        EXPECT_GT(got.gap, 0U);
        EXPECT_TRUE(got.data.empty());
        so_far.next += static_cast<int>(got.gap);
        so_far.missing += got.gap;
        ++so_far.notices;
        return true;
    }
    EXPECT_EQ(got.data.size(), message_size);
    EXPECT_EQ(std::atoi(got.data.c_str()), so_far.next) << "out of order, or a loss without a notice";
    ++so_far.next;
    ++so_far.received;
    return true;
}

int set_rule(const library& lib, const test_socket& s, const jl_slow_leaf& rule) {
    return lib.ops().set_option(s.endpoint(), JL_SOL_JOINLEAF, JL_SO_SLOW_LEAF, &rule, sizeof rule);
}

// A root with a leaf that does not read, under the rule of the library's options, and one that does; on a busy
// machine that may take its time.
struct pair_of_leaves {
    pair_of_leaves(const library& lib, std::uint32_t entry)
        : root(lib, entry, root_of(entry)),
          at(root.listen_on_loopback()),
          slow(join_leaf(lib, root, at, entry)),
          fast(join_leaf(lib, root, at, entry)) {
        EXPECT_EQ(set_rule(lib, fast.branch, {JL_SLOW_LEAF_BLOCK, 60'000, 64U << 20}), 0);
    }

    test_socket root;
    address at;
    pair slow;
    pair fast;
};

// Sends so many messages, while the fast leaf reads them all.
void feed(pair_of_leaves& all, int count) {
    std::thread reader([&] {
        record of_fast;
        while (of_fast.next < count && take(all.fast.leaf, of_fast)) {}
        EXPECT_EQ(of_fast.next, count);
        EXPECT_EQ(of_fast.missing, 0U) << "the fast leaf misses something";
    });
    for (int i = 0; i < count; ++i) {
        ASSERT_EQ(all.root.send(numbered(i)), 0);
    }
    reader.join();
}

jl_leaf_stats of_first_leaf(const library& lib, const test_socket& root) {
    jl_leaf_stats rows[4]{};
    std::uint32_t count = 0;
    EXPECT_EQ(lib.ops().leaves(root.endpoint(), rows, 4, &count), 0);
    EXPECT_GE(count, 1U);
    return rows[0];
}

class Dropping : public testing::TestWithParam<std::tuple<std::int64_t, std::uint32_t>> {};

// More than the kernel's buffers hold by far, so that the slow leaf must miss something.
constexpr int enough = 6000;

TEST_P(Dropping, IO_07_TheOthersMissNothing_TheSlowOneIsToldWhatItMisses) {
    const auto [rule, entry] = GetParam();
    const library lib({{"send_buffer", 1024 * kib},
                       {"slow_leaf", rule},
                       {"slow_leaf_bytes", 256 * kib},
                       {"slow_leaf_time", 60'000 * ms}});
    pair_of_leaves all(lib, entry);
    feed(all, enough);
    const auto before = of_first_leaf(lib, all.root);
    EXPECT_GT(before.dropped_messages, 0U);
    EXPECT_LE(before.queued_bytes, 512U * kib) << "bounded whatever it does";
    EXPECT_EQ(before.sent_messages + before.dropped_messages, static_cast<std::uint64_t>(enough));
    // What is left comes in order, with a notice where something is missing.
    record of_slow;
    ASSERT_EQ(all.root.send(numbered(enough)), 0);
    std::thread others([&] { EXPECT_EQ(std::atoi(all.fast.leaf.receive().data.c_str()), enough); });
    others.join();
    while (of_slow.next < enough + 1 && take(all.slow.leaf, of_slow)) {}
    EXPECT_EQ(of_slow.next, enough + 1);
    EXPECT_EQ(of_slow.received + of_slow.missing, static_cast<std::uint64_t>(enough + 1));
    const auto after = of_first_leaf(lib, all.root);
    EXPECT_EQ(after.dropped_messages, of_slow.missing);
    EXPECT_EQ(after.gaps, of_slow.notices);
    EXPECT_EQ(all.slow.leaf.stats().gaps, of_slow.missing);
    // It is as good a member as before.
    ASSERT_EQ(all.root.send(numbered(enough + 1)), 0);
    ASSERT_TRUE(take(all.slow.leaf, of_slow));
    EXPECT_EQ(of_slow.next, enough + 2);
    EXPECT_EQ(all.slow.branch.arm(JL_IN), JL_ARMED);
}

std::string rule_name(const testing::TestParamInfo<std::tuple<std::int64_t, std::uint32_t>>& info) {
    return std::string(std::get<0>(info.param) == drop_newest ? "newest_" : "oldest_") +
           entry_name(std::get<1>(info.param));
}

INSTANTIATE_TEST_SUITE_P(SlowLeaf, Dropping,
                         testing::Combine(testing::Values(drop_newest, drop_oldest),
                                          testing::Values(rooted4, relay4)),
                         rule_name);

TEST(SlowLeaf, DropNewest_KeepsTheFirst_DropOldest_KeepsTheLast) {
    for (const auto rule : {drop_newest, drop_oldest}) {
        const library lib({{"send_buffer", 1024 * kib}, {"slow_leaf", rule}, {"slow_leaf_bytes", 256 * kib}});
        pair_of_leaves all(lib, rooted4);
        feed(all, enough);
        record of_slow;
        int last = -1;
        while (of_slow.next < enough && take(all.slow.leaf, of_slow)) {
            last = of_slow.notices == 0 || rule == drop_oldest ? of_slow.next - 1 : last;
        }
        EXPECT_EQ(of_slow.next, enough);
        EXPECT_EQ(last == enough - 1, rule == drop_oldest) << "the last message is the newest";
    }
}

// The rest of the one that is being sent goes with those that wait behind it.
TEST(SlowLeaf, DropOldest_NeverCutsAMessage) {
    const library lib(
        {{"send_buffer", 4096 * kib}, {"slow_leaf", drop_oldest}, {"slow_leaf_bytes", 64 * kib}});
    pair_of_leaves all(lib, rooted4);
    const std::string big(1000 * kib, 'B');
    std::thread reader([&] {
        for (int i = 0; i < 40; ++i) {
            ASSERT_EQ(all.fast.leaf.receive(2 << 20).data.size(), big.size());
        }
    });
    for (int i = 0; i < 40; ++i) {
        ASSERT_EQ(all.root.send(big), 0);
    }
    reader.join();
    std::uint64_t seen = 0;
    while (seen < 40) {
        const received got = all.slow.leaf.receive(2 << 20);
        ASSERT_EQ(got.code, 0);
        if (got.flags == JL_MSG_GAP) {
            seen += got.gap;
        } else {
            ASSERT_TRUE(got.data == big);
            ++seen;
        }
    }
}

TEST(SlowLeaf, Disconnect_ByBytes_FD_CLOSE_TheOthersGoOn) {
    const library lib(
        {{"send_buffer", 1024 * kib}, {"slow_leaf", disconnect}, {"slow_leaf_bytes", 256 * kib}});
    pair_of_leaves all(lib, rooted4);
    feed(all, enough);
    EXPECT_EQ(all.slow.branch.wait_end(), WSAECONNABORTED); // EV-42
    EXPECT_EQ(all.slow.branch.stats().last_error, WSAECONNABORTED);
    EXPECT_TRUE(fake_host::wait_for_log("more than slow_leaf_bytes wait for it"));
    EXPECT_EQ(all.root.stats().leaves, 1U);
    EXPECT_EQ(all.root.stats().last_error, WSAECONNABORTED);
    // What is on its way still comes, then it learns that it is out.
    record of_slow;
    while (take(all.slow.leaf, of_slow)) {}
    EXPECT_EQ(all.slow.leaf.receive().code, WSAECONNRESET);
}

// Sends that stop: only the time can tell.
void fill_and_stop(pair_of_leaves& all) {
    feed(all, enough / 2);
}

TEST(SlowLeaf, Disconnect_ByTime) {
    const library lib(
        {{"send_buffer", 64 * 1024 * kib}, {"slow_leaf", disconnect}, {"slow_leaf_time", 200 * ms}});
    pair_of_leaves all(lib, rooted4);
    fill_and_stop(all);
    EXPECT_EQ(all.slow.branch.wait_end(), WSAECONNABORTED);
    EXPECT_TRUE(fake_host::wait_for_log("for longer than slow_leaf_time"));
    EXPECT_EQ(all.fast.branch.arm(JL_IN), JL_ARMED);
}

TEST(SlowLeaf, DropOldest_ByTime) {
    const library lib(
        {{"send_buffer", 64 * 1024 * kib}, {"slow_leaf", drop_oldest}, {"slow_leaf_time", 200 * ms}});
    pair_of_leaves all(lib, rooted4);
    fill_and_stop(all);
    EXPECT_TRUE(wait_until([&] { return of_first_leaf(lib, all.root).dropped_messages > 0; }));
    EXPECT_TRUE(wait_until([&] { return of_first_leaf(lib, all.root).queued_bytes < 64 * kib; }));
    record of_slow;
    while (of_slow.next < enough / 2 && take(all.slow.leaf, of_slow)) {}
    EXPECT_EQ(of_slow.next, enough / 2);
    EXPECT_GT(of_slow.missing, 0U);
}

TEST(SlowLeaf, Block_ASendWaitsNoLongerThanTheTime) {
    const library lib({{"send_buffer", 1024 * kib}, {"slow_leaf", block_rule}, {"slow_leaf_time", 200 * ms}});
    pair_of_leaves all(lib, rooted4);
    feed(all, enough);
    EXPECT_EQ(all.slow.branch.wait_end(), WSAECONNABORTED);
    EXPECT_EQ(all.root.stats().leaves, 1U);
}

TEST(SlowLeaf, Block_ByBytes_HoldsTheSenderEarlier) {
    const library lib({{"send_buffer", 64 * 1024 * kib}, {"slow_leaf_bytes", 128 * kib}});
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    auto one = join_leaf(lib, root, at, rooted4);
    std::uint64_t taken = 0;
    EXPECT_TRUE(wait_until([&] {
        while (root.try_send(numbered(0)) == 0) {
            ++taken;
        }
        const auto queued = root.stats().queued_bytes;
        EXPECT_LE(queued, 128U * kib);
        return queued > 64 * kib;
    }));
    for (std::uint64_t i = 0; i < taken; ++i) {
        ASSERT_EQ(one.leaf.receive().code, 0);
    }
    EXPECT_TRUE(wait_until([&] { return root.arm(JL_OUT) == JL_READY; }));
}

jl_slow_leaf rule_of(const library& lib, const test_socket& s) {
    jl_slow_leaf rule{};
    std::uint32_t size = sizeof rule;
    EXPECT_EQ(lib.ops().get_option(s.endpoint(), JL_SOL_JOINLEAF, JL_SO_SLOW_LEAF, &rule, &size), 0);
    EXPECT_EQ(size, sizeof rule);
    return rule;
}

TEST(SlowLeaf, JL_SO_SLOW_LEAF_ForOneLeaf_WhileItIsSlow) {
    const library lib({{"send_buffer", 1024 * kib}});
    pair_of_leaves all(lib, rooted4);
    EXPECT_EQ(rule_of(lib, all.slow.branch).policy, static_cast<DWORD>(JL_SLOW_LEAF_BLOCK));
    for (const DWORD policy : {DWORD{JL_SLOW_LEAF_DROP_OLDEST}, DWORD{JL_SLOW_LEAF_DROP_NEWEST}}) {
        ASSERT_EQ(set_rule(lib, all.slow.branch, {policy, 0, 200 * kib}), 0);
        EXPECT_EQ(rule_of(lib, all.slow.branch).policy, policy);
        EXPECT_EQ(rule_of(lib, all.slow.branch).bytes, 200U * kib);
        EXPECT_EQ(rule_of(lib, all.slow.branch).milliseconds, 10'000U);
    }
    EXPECT_EQ(rule_of(lib, all.fast.branch).policy, static_cast<DWORD>(JL_SLOW_LEAF_BLOCK));
    // Block first, so that the sender stands; then the rule changes under it.
    ASSERT_EQ(set_rule(lib, all.slow.branch, {JL_SLOW_LEAF_BLOCK, 0, 1024 * kib}), 0);
    std::atomic<bool> over{false};
    std::thread feeding([&] {
        feed(all, enough);
        over = true;
    });
    EXPECT_TRUE(wait_until([&] { return of_first_leaf(lib, all.root).queued_bytes > 500U * kib; }));
    EXPECT_FALSE(over);
    ASSERT_EQ(set_rule(lib, all.slow.branch, {JL_SLOW_LEAF_DROP_OLDEST, 0, 0}), 0);
    feeding.join();
    record of_slow;
    while (of_slow.next < enough && take(all.slow.leaf, of_slow)) {}
    EXPECT_EQ(of_slow.next, enough);
    EXPECT_GT(of_slow.missing, 0U);
}

TEST(SlowLeaf, JL_SO_SLOW_LEAF_OnTheRoot_HoldsForThoseThatJoinLater) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    auto early = join_leaf(lib, root, at, rooted4);
    ASSERT_EQ(set_rule(lib, root, {JL_SLOW_LEAF_DISCONNECT, 1234, 300 * kib}), 0);
    auto late = join_leaf(lib, root, at, rooted4);
    EXPECT_EQ(rule_of(lib, early.branch).policy, static_cast<DWORD>(JL_SLOW_LEAF_BLOCK));
    EXPECT_EQ(rule_of(lib, late.branch).policy, static_cast<DWORD>(JL_SLOW_LEAF_DISCONNECT));
    EXPECT_EQ(rule_of(lib, late.branch).milliseconds, 1234U);
    EXPECT_EQ(set_rule(lib, root, {5, 0, 0}), WSAEINVAL);
    EXPECT_EQ(lib.ops().set_option(root.endpoint(), JL_SOL_JOINLEAF, JL_SO_SLOW_LEAF, "x", 1), WSAEFAULT);
    EXPECT_NE(set_rule(lib, late.leaf, {JL_SLOW_LEAF_BLOCK, 0, 0}), 0) << "an affair of the root";
}

// A leaf that is leaving has its end behind all that was sent to it, dropped or not.
TEST(SlowLeaf, AClosedRoot_TellsASlowLeafItsGapAndTheEnd) {
    const library lib(
        {{"send_buffer", 1024 * kib}, {"slow_leaf", drop_newest}, {"slow_leaf_bytes", 128 * kib}});
    pair_of_leaves all(lib, rooted4);
    feed(all, enough);
    all.root.start_close();
    record of_slow;
    while (take(all.slow.leaf, of_slow)) {}
    EXPECT_EQ(of_slow.next, enough);
    EXPECT_GT(of_slow.missing, 0U);
    EXPECT_EQ(all.slow.leaf.receive().code, WSAEDISCON);
    all.slow.leaf.close();
    all.fast.leaf.close();
    EXPECT_TRUE(all.root.wait_closed());
}

} // namespace
} // namespace joinleaf::tcp_root::test
