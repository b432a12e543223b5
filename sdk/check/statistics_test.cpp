// SPDX-License-Identifier: Apache-2.0
//
// What a root tells of its leaves, and the option that asks for gap notices.
#include "tests/support/bad_memory.hpp"
#include "tests/support/session_fixture.hpp"

#include <array>

namespace joinleaf::test {
namespace {

std::vector<jl_leaf> leaves_of(SOCKET root) {
    std::array<jl_leaf, 16> rows{};
    const int count = jl_leaf_statistics(root, rows.data(), sizeof(jl_leaf), static_cast<int>(rows.size()));
    EXPECT_GE(count, 0) << last_failure();
    return {rows.begin(), rows.begin() + std::max(count, 0)};
}

class Statistics : public session_test {};

TEST_P(Statistics, ARootTellsOfEachOfItsLeaves) {
    const auto root = make_listening_root();
    const auto first = add_leaf(root);
    ASSERT_EQ(5, send_text(root.get(), "early")) << last_failure();
    const auto second = add_leaf(root);
    ASSERT_EQ(4, send_text(root.get(), "late")) << last_failure();
    ASSERT_EQ(2, send_text(second.leaf.get(), "up")) << last_failure();
    ASSERT_EQ("up", next_text(root.get()));
    const auto leaves = leaves_of(root.get());
    ASSERT_EQ(2U, leaves.size());
    EXPECT_EQ(first.branch.get(), leaves[0].handle);
    EXPECT_EQ(second.branch.get(), leaves[1].handle);
    const bool relayed = GetParam().over.kind == plan::relayed; // then the first has "up" as well
    EXPECT_EQ(relayed ? 3U : 2U, leaves[0].sent_messages);
    EXPECT_EQ(relayed ? 11U : 9U, leaves[0].sent_bytes);
    EXPECT_EQ(1U, leaves[1].sent_messages);
    EXPECT_EQ(4U, leaves[1].sent_bytes);
    EXPECT_EQ(0U, leaves[0].received_messages);
    EXPECT_EQ(1U, leaves[1].received_messages);
    EXPECT_EQ(2U, leaves[1].received_bytes);
    EXPECT_EQ(0, leaves[0].last_error);
    EXPECT_GT(leaves[0].age_ns, leaves[1].age_ns);
    EXPECT_EQ(0, std::memcmp(peer_name(first.branch.get()).get(), &leaves[0].address,
                             static_cast<std::size_t>(leaves[0].address_length)));
}

TEST_P(Statistics, TheSocketForALeafTellsOfThatLeaf) {
    const auto root = make_listening_root();
    const auto one = add_leaf(root);
    ASSERT_EQ(4, send_text(root.get(), "down")) << last_failure();
    jl_statistics of_branch{};
    of_branch.struct_size = sizeof of_branch;
    ASSERT_TRUE(worked(jl_socket_statistics(one.branch.get(), &of_branch)));
    EXPECT_EQ(1U, of_branch.sent_messages);
    EXPECT_EQ(4U, of_branch.sent_bytes);
}

TEST_P(Statistics, ALeafThatWentIsNotListed) {
    const auto root = make_listening_root();
    auto one = add_leaf(root);
    const auto other = add_leaf(root);
    ASSERT_TRUE(worked(one.leaf.close()));
    EXPECT_TRUE(eventually([&] { return leaves_of(root.get()).size() == 1; }));
    EXPECT_EQ(other.branch.get(), leaves_of(root.get()).at(0).handle);
}

TEST_P(Statistics, BadArguments) {
    const auto root = make_listening_root();
    const auto one = add_leaf(root);
    jl_leaf row{};
    EXPECT_EQ(1, jl_leaf_statistics(root.get(), nullptr, sizeof row, 0)) << last_failure();
    EXPECT_TRUE(refused(jl_leaf_statistics(root.get(), nullptr, sizeof row, 1), WSAEFAULT));
    const unreadable_memory nowhere;
    EXPECT_TRUE(refused(jl_leaf_statistics(root.get(), nowhere.as<jl_leaf>(), sizeof row, 1), WSAEFAULT));
    EXPECT_TRUE(refused(jl_leaf_statistics(root.get(), &row, 4, 1), WSAEINVAL));
    EXPECT_TRUE(refused(jl_leaf_statistics(root.get(), &row, sizeof row, -1), WSAEINVAL));
    EXPECT_TRUE(refused(jl_leaf_statistics(one.leaf.get(), &row, sizeof row, 1), WSAEOPNOTSUPP));
    EXPECT_TRUE(refused(jl_leaf_statistics(one.branch.get(), &row, sizeof row, 1), WSAEOPNOTSUPP));
    EXPECT_TRUE(refused(jl_leaf_statistics(INVALID_SOCKET, &row, sizeof row, 1), WSAENOTSOCK));
}

TEST_P(Statistics, AnOlderCallerGetsWhatItKnows) {
    const auto root = make_listening_root();
    const auto one = add_leaf(root);
    std::array<jl_leaf, 2> rows{};
    rows[1].age_ns = 4711;
    ASSERT_EQ(1, jl_leaf_statistics(root.get(), rows.data(), offsetof(jl_leaf, sent_messages), 2));
    EXPECT_EQ(one.branch.get(), rows[0].handle);
    EXPECT_EQ(0U, rows[0].age_ns);
    EXPECT_EQ(4711U, rows[1].age_ns);
}

TEST_P(Statistics, GapNoticesAreOffUntilAskedFor) {
    const auto s = make_leaf();
    BOOL value = TRUE;
    int length = sizeof value;
    ASSERT_TRUE(worked(jl_getsockopt(s.get(), JL_SOL_JOINLEAF, JL_SO_GAP_NOTIFY, &value, &length)));
    EXPECT_EQ(FALSE, value);
    EXPECT_TRUE(set_flag(s.get(), JL_SOL_JOINLEAF, JL_SO_GAP_NOTIFY, TRUE));
    ASSERT_TRUE(worked(jl_getsockopt(s.get(), JL_SOL_JOINLEAF, JL_SO_GAP_NOTIFY, &value, &length)));
    EXPECT_EQ(TRUE, value);
    EXPECT_TRUE(refused(jl_setsockopt(s.get(), JL_SOL_JOINLEAF, JL_SO_GAP_NOTIFY, &value, 1), WSAEFAULT));
}

INSTANTIATE_TEST_SUITE_P(Transports, Statistics,
                         ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

} // namespace
} // namespace joinleaf::test
