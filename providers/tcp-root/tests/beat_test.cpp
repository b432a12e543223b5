// SPDX-License-Identifier: Apache-2.0
//
// Signs of life: an idle session stays, a peer that falls silent is taken for dead in time.
#include "test_socket.hpp"

#include "greeting.hpp"
#include "wire.hpp"

#include <cstring>

namespace joinleaf::tcp_root::test {
namespace {

const std::map<std::string, std::int64_t> quick{{"heartbeat", 40 * ms}, {"heartbeat_timeout", 250 * ms}};

// A peer that speaks the protocol as far as the greeting, and promises signs of life or does not.
std::string greeting_of(wire::kind what, wire::control_role control, std::uint16_t beat) {
    wire::greeting head;
    head.what = what;
    head.who.control = control;
    head.who.data = control == wire::control_role::root ? wire::data_role::root : wire::data_role::leaf;
    head.beat = beat;
    return text_of(wire::encode(head));
}

std::string beat_frame() {
    return text_of(wire::encode(wire::frame{wire::frame_kind::beat, 0, 0}));
}

TEST(Beat, AnIdleSession_Stays) {
    const library lib(quick);
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    auto one = join_leaf(lib, root, at, rooted4);
    EXPECT_FALSE(wait_until([&] { return one.branch.arm(JL_IN) == JL_ENDED; }, 1s)) << "four timeouts";
    EXPECT_EQ(one.leaf.arm(JL_IN), JL_ARMED) << "nothing of it reaches the application";
    ASSERT_EQ(root.send("still here"), 0);
    EXPECT_EQ(one.leaf.receive().data, "still here");
    ASSERT_EQ(one.leaf.send("me too"), 0);
    EXPECT_EQ(root.receive().data, "me too");
}

TEST(Beat, IO_07_ASilentLeaf_IsPutOut) {
    const library lib(quick);
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    auto live = join_leaf(lib, root, at, rooted4);
    raw_peer silent(at);
    ASSERT_TRUE(silent.send(greeting_of(wire::kind::hello, wire::control_role::leaf, 4)));
    const auto request = root.next_request();
    ASSERT_TRUE(request);
    test_socket branch = root.accept(*request);
    EXPECT_EQ(branch.wait_end(), WSAECONNABORTED); // EV-42
    EXPECT_TRUE(fake_host::wait_for_log("no sign of life"));
    EXPECT_EQ(root.stats().leaves, 1U);
    EXPECT_EQ(live.branch.arm(JL_IN), JL_ARMED);
}

TEST(Beat, ALeafThatPromisesNothing_MayBeSilent) {
    const library lib(quick);
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    raw_peer silent(at);
    ASSERT_TRUE(silent.send(greeting_of(wire::kind::hello, wire::control_role::leaf, 0)));
    const auto request = root.next_request();
    ASSERT_TRUE(request);
    test_socket branch = root.accept(*request);
    const std::string answer = silent.read(wire::greeting_size);
    ASSERT_EQ(answer.size(), wire::greeting_size);
    EXPECT_EQ(answer[31], 4) << "the root tells its own interval, in units of 10 ms";
    EXPECT_EQ(silent.read(2 * wire::frame_size), beat_frame() + beat_frame()) << "and keeps to it";
    EXPECT_FALSE(wait_until([&] { return branch.arm(JL_IN) == JL_ENDED; }, 1s));
}

TEST(Beat, LC_04_ASilentRoot_EndsTheLeaf) {
    const library lib(quick);
    raw_listener door;
    test_socket leaf(lib, rooted4, c_leaf_d_leaf);
    ASSERT_EQ(leaf.start_join({door.name()}), 0);
    raw_peer root = door.accept();
    ASSERT_EQ(root.read(wire::greeting_size).size(), wire::greeting_size);
    ASSERT_TRUE(root.send(greeting_of(wire::kind::answer, wire::control_role::root, 4)));
    ASSERT_EQ(leaf.outcome().code, 0);
    EXPECT_EQ(root.read(wire::frame_size), beat_frame()) << "the leaf gives signs of life";
    EXPECT_EQ(leaf.wait_end(), WSAECONNABORTED);
    EXPECT_EQ(leaf.receive().code, WSAECONNABORTED);
    EXPECT_EQ(leaf.stats().last_error, WSAECONNABORTED);
}

// What an application has not read says nothing about the root.
TEST(Beat, ALeafThatDoesNotRead_DoesNotBlameTheRoot) {
    const library lib(quick);
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    auto one = join_leaf(lib, root, at, rooted4);
    ASSERT_EQ(root.send("unread"), 0);
    EXPECT_FALSE(wait_until([&] { return one.branch.arm(JL_IN) == JL_ENDED; }, 1s));
    EXPECT_EQ(one.leaf.receive().data, "unread");
    ASSERT_EQ(root.send("again"), 0);
    EXPECT_EQ(one.leaf.receive().data, "again");
}

TEST(Beat, Off_NothingIsSentAndNobodyJudged) {
    const library lib({{"heartbeat", 0}, {"heartbeat_timeout", 0}});
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    raw_peer leaf(at);
    ASSERT_TRUE(leaf.send(greeting_of(wire::kind::hello, wire::control_role::leaf, 1)));
    const auto request = root.next_request();
    ASSERT_TRUE(request);
    test_socket branch = root.accept(*request);
    const std::string answer = leaf.read(wire::greeting_size);
    ASSERT_EQ(answer.size(), wire::greeting_size);
    EXPECT_EQ(answer[31], 0);
    EXPECT_FALSE(wait_until([&] { return branch.arm(JL_IN) == JL_ENDED; }, 300ms));
    ASSERT_EQ(root.send("only this"), 0);
    EXPECT_EQ(leaf.read(wire::frame_size + 9).substr(wire::frame_size), "only this");
}

} // namespace
} // namespace joinleaf::tcp_root::test
