// SPDX-License-Identifier: Apache-2.0
#include "test_socket.hpp"

namespace joinleaf::tcp_root::test {
namespace {

TEST(Session, JL_74_LeafAsks_MessagesFlowBothWays) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    auto [leaf, branch] = join_leaf(lib, root, at, rooted4);

    ASSERT_EQ(root.send("hello leaf"), 0);
    EXPECT_EQ(leaf.receive().data, "hello leaf");
    ASSERT_EQ(leaf.send("hello root"), 0);
    const received got = root.receive();
    EXPECT_EQ(got.data, "hello root");
    EXPECT_EQ(got.from.text(), leaf.name().text()); // IO-03

    leaf.close();
    EXPECT_EQ(branch.wait_end(), 0); // LC-01
}

} // namespace
} // namespace joinleaf::tcp_root::test
