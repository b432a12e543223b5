// SPDX-License-Identifier: Apache-2.0
//
// Which leaves hear the group: joins that are refused, memberships that end, come about again, or are of no use.
#include "cast_fixture.hpp"

#include <atomic>

namespace joinleaf::rdma::test {
namespace {

TEST_F(Group, WhoCannotHearTheGroupIsServedByItsConnection) {
    net_.now.no_groups_after = 3; // the root and two leaves
    net_.now.lose = 10;
    auto at = make_root();
    const auto name = at.listen();
    std::vector<pair> leaves;
    for (int i = 0; i < 5; ++i) {
        leaves.push_back(ask(at, name));
        wait_until([&] { return seated(at) == std::min<std::size_t>(2, leaves.size()); });
    }
    EXPECT_TRUE(fake_host::wait_for_log("the network has no such group"));
    std::vector<std::thread> readers;
    for (auto& each : leaves) {
        readers.emplace_back([&] { expect_numbered(each.leaf, 0, 500, 300); });
    }
    send_numbered(at, 0, 500, 300);
    for (auto& each : readers) {
        each.join();
    }
    EXPECT_EQ(2U, seated(at));
    EXPECT_NE(0U, figures(at).datagrams);
}

TEST_F(Group, ARefusedJoinOfTheRootLeavesEveryLeafToItsConnection) {
    for (const bool at_once : {false, true}) {
        net_.now.no_group = WSAEOPNOTSUPP;
        net_.now.no_group_at_once = at_once;
        auto at = make_root();
        auto one = ask(at, at.listen());
        EXPECT_TRUE(fake_host::wait_for_log(
            "group 239.1.2.3: the network has no such group; every leaf is served by its own connection"));
        std::thread reader([&] { expect_numbered(one.leaf, 0, 100, 300); });
        send_numbered(at, 0, 100, 300);
        reader.join();
        EXPECT_EQ(0U, figures(at).datagrams);
        EXPECT_EQ(0U, members());
    }
}

TEST_F(Group, ARootThatCouldNotJoinTriesAgain) {
    net_.now.no_group = WSAENETDOWN;
    auto at = make_root();
    auto one = ask(at, at.listen());
    EXPECT_TRUE(fake_host::wait_for_log("every leaf is served by its own connection"));
    send_numbered(at, 0, 1, 100);
    change([](auto& net) { net.now.no_group = 0; });
    wait_seated(at, 1);
    send_numbered(at, 1, 3, 100);
    expect_numbered(one.leaf, 0, 3, 100);
    EXPECT_EQ(2U, figures(at).datagrams);
}

TEST_F(Group, ALeafWhoseDatagramsAreShorterIsServedByItsConnection) {
    auto at = make_root();
    const auto name = at.listen();
    auto one = ask(at, name);
    wait_seated(at, 1);
    change([](auto& net) { net.now.datagram = 256; });
    auto two = ask(at, name);
    EXPECT_TRUE(fake_host::wait_for_log("datagrams of 512 bytes are longer than its device takes"));
    change([](auto& net) { net.now.datagram = 512; });
    send_numbered(at, 0, 10, 400);
    expect_numbered(one.leaf, 0, 10, 400);
    expect_numbered(two.leaf, 0, 10, 400);
    EXPECT_EQ(1U, seated(at));
}

// Memberships end while data are under way; then they come about again.
class Loss : public Group, public ::testing::WithParamInterface<int> {};

TEST_P(Loss, AMembershipThatEndsCostsNoMessage) {
    net_.now.lose = 10;
    net_.now.delay = true;
    auto at = make_root();
    const auto name = at.listen();
    auto leaves = seated_leaves(at, name, 3);
    std::vector<std::thread> readers;
    for (auto& each : leaves) {
        readers.emplace_back([&] { expect_numbered(each.leaf, 0, 2000, 200); });
    }
    // The root's membership is the first.
    for (int i = 0; i < 4; ++i) {
        send_numbered(at, i * 500, i * 500 + 250, 200);
        net_.end_membership(static_cast<std::size_t>(GetParam()));
        send_numbered(at, i * 500 + 250, i * 500 + 500, 200);
        wait_until([&] { return members() == 4; });
        wait_seated(at, 3);
    }
    for (auto& each : readers) {
        each.join();
    }
    const auto before = figures(at).datagrams;
    send_numbered(at, 2000, 2001, 200);
    for (auto& each : leaves) {
        expect_numbered(each.leaf, 2000, 2001, 200);
    }
    EXPECT_EQ(before + 1, figures(at).datagrams) << "everybody hears the group again";
}

INSTANTIATE_TEST_SUITE_P(Of, Loss, ::testing::Values(0, 1, 3), [](const auto& which) {
    return which.param == 0 ? std::string("TheRoot") : "Leaf" + std::to_string(which.param);
});

TEST_F(Group, LC_14_ALeafThatWantsNothingMoreLeavesTheGroup) {
    auto at = make_root();
    const auto name = at.listen();
    auto one = ask(at, name);
    auto two = ask(at, name);
    wait_seated(at, 2);
    send_numbered(at, 0, 10, 100);
    EXPECT_EQ(0, one.leaf.get()->shutdown(SD_RECEIVE));
    wait_seated(at, 1);
    std::thread reader(
        [&] { expect_numbered(two.leaf, 0, 10, 100), expect_numbered(two.leaf, 10, 400, 400); });
    send_numbered(at, 10, 400, 400);
    reader.join();
    two.leaf.start_close(JL_CLOSE_GRACEFUL);
    two.leaf.wait_closed();
    wait_seated(at, 0);
    EXPECT_EQ(0, one.leaf.send("still a sender"));
    std::string text;
    EXPECT_EQ(0, at.receive(text));
}

TEST_F(Group, WhoHearsAlmostNothingIsServedByItsConnection) {
    net_.now.lose = 95;
    auto at = make_root();
    auto one = ask(at, at.listen());
    wait_seated(at, 1);
    std::thread reader([&] { expect_numbered(one.leaf, 0, 2500, 400); });
    send_numbered(at, 0, 2500, 400);
    reader.join();
    EXPECT_TRUE(fake_host::wait_for_log("misses most of what is sent to group 239.1.2.3"));
    wait_seated(at, 0);
}

TEST_F(Group, JL_77_ALeafThatIsInvitedWhileDataAreSentGetsWhatIsSentAfterItsJoin) {
    auto at = make_root();
    const auto name = at.listen();
    auto one = ask(at, name);
    auto door = make_leaf();
    auto side = make_branch(at);
    at.start_join(door.listen(), &side);
    const auto request = door.next_request();
    ASSERT_TRUE(request);
    std::thread reader([&] { expect_numbered(one.leaf, 0, 620, 400); });
    send_numbered(at, 0, 600, 400); // several times the log, while the invitation waits
    auto two = make_member(door);
    EXPECT_EQ(0, door.answer(*request, &two));
    EXPECT_EQ(0, at.outcome().code);
    send_numbered(at, 600, 610, 400);
    wait_seated(at, 2);
    send_numbered(at, 610, 620, 400);
    expect_numbered(two, 600, 620, 400);
    reader.join();
}

} // namespace
} // namespace joinleaf::rdma::test
