// SPDX-License-Identifier: Apache-2.0
//
// SIO_MULTIPOINT_LOOPBACK in relayed sessions: own messages come back, to those who ask for it.
#include "test_socket.hpp"

namespace joinleaf::tcp_root::test {
namespace {

int set_loopback(const library& lib, const test_socket& s, BOOL on) {
    std::uint32_t bytes = 0;
    return lib.ops().ioctl(s.endpoint(), SIO_MULTIPOINT_LOOPBACK, &on, sizeof on, nullptr, 0, &bytes);
}

TEST(Echo, IO_23_IO_24_ALeafHearsItself_WhileItWantsTo) {
    const library lib;
    test_socket root(lib, relay4, c_root_d_leaf);
    const address at = root.listen_on_loopback();
    auto one = join_leaf(lib, root, at, relay4);
    auto other = join_leaf(lib, root, at, relay4);
    ASSERT_EQ(set_loopback(lib, one.leaf, TRUE), 0);
    ASSERT_EQ(one.leaf.send("mine"), 0);
    const received back = one.leaf.receive();
    EXPECT_EQ(back.data, "mine");
    EXPECT_EQ(back.from.text(), one.leaf.name().text());
    EXPECT_EQ(other.leaf.receive().data, "mine");
    EXPECT_EQ(root.receive().data, "mine");
    ASSERT_EQ(other.leaf.send("of the other"), 0);
    EXPECT_EQ(one.leaf.receive().data, "of the other");
    EXPECT_EQ(root.receive().data, "of the other");
    ASSERT_EQ(set_loopback(lib, one.leaf, FALSE), 0);
    ASSERT_EQ(one.leaf.send("silent"), 0);
    EXPECT_EQ(other.leaf.receive().data, "silent");
    ASSERT_EQ(root.send("end"), 0);
    EXPECT_EQ(one.leaf.receive().data, "end") << "nothing of its own came before";
}

TEST(Echo, IO_23_BeforeTheJoin) {
    const library lib;
    test_socket root(lib, relay4, c_root_d_leaf);
    const address at = root.listen_on_loopback();
    test_socket leaf(lib, relay4, c_leaf_d_leaf);
    ASSERT_EQ(set_loopback(lib, leaf, TRUE), 0);
    ASSERT_EQ(leaf.start_join({at}), 0);
    const auto request = root.next_request();
    ASSERT_TRUE(request);
    test_socket branch = root.accept(*request);
    ASSERT_EQ(leaf.outcome().code, 0);
    ASSERT_EQ(leaf.send("alone with the root"), 0);
    EXPECT_EQ(leaf.receive().data, "alone with the root");
    EXPECT_EQ(root.receive().data, "alone with the root");
}

TEST(Echo, IO_24_TheRootHearsItself_AndItsQueueIsBounded) {
    const library lib({{"recv_buffer", 64 << 10}});
    test_socket root(lib, relay4, c_root_d_leaf);
    const address at = root.listen_on_loopback();
    auto one = join_leaf(lib, root, at, relay4);
    ASSERT_EQ(set_loopback(lib, root, TRUE), 0);
    ASSERT_EQ(root.send("to all"), 0);
    const received back = root.receive();
    EXPECT_EQ(back.data, "to all");
    EXPECT_EQ(back.from.text(), at.text());
    EXPECT_EQ(one.leaf.receive().data, "to all");
    const std::string block(16 << 10, 'b');
    int taken = 0;
    while (root.try_send(block) == 0) {
        ++taken;
        ASSERT_LT(taken, 100);
        ASSERT_EQ(one.leaf.receive().data.size(), block.size());
    }
    EXPECT_EQ(root.arm(JL_OUT), JL_ARMED);
    for (int i = 0; i < taken; ++i) {
        ASSERT_EQ(root.receive().data.size(), block.size());
    }
    EXPECT_TRUE(wait_until([&] { return root.arm(JL_OUT) == JL_READY; }));
    EXPECT_EQ(root.send("again"), 0);
    EXPECT_EQ(root.receive().data, "again");
}

TEST(Echo, IO_26_RootedData_HasNone) {
    const library lib;
    const test_socket root(lib, rooted4, c_root_d_root);
    const test_socket leaf(lib, rooted4, c_leaf_d_leaf);
    EXPECT_EQ(set_loopback(lib, root, TRUE), WSAEINVAL);
    EXPECT_EQ(set_loopback(lib, leaf, TRUE), WSAEINVAL);
}

} // namespace
} // namespace joinleaf::tcp_root::test
