// SPDX-License-Identifier: Apache-2.0
//
// A root that sends to a group, its leaves, and the network between them.
#pragma once

#include "session_fixture.hpp"

namespace joinleaf::rdma::test {

class Group : public Session {
  protected:
    Group() { use_group(); }

    // Under the lock of the root's hub: the network's, too.
    template <class Change> auto change(const Change& what) {
        const std::lock_guard hold(net_.mutex);
        return what(net_);
    }
    std::uint64_t datagrams() {
        const std::lock_guard hold(net_.mutex);
        return net_.datagrams;
    }
    std::size_t members() {
        const std::lock_guard hold(net_.mutex);
        return net_.groups.size();
    }
    // So many leaves, each of which hears the group.
    std::vector<pair> seated_leaves(node& at, const address& name, int count) {
        std::vector<pair> leaves;
        leaves.reserve(static_cast<std::size_t>(count));
        for (int i = 0; i < count; ++i) {
            leaves.push_back(ask(at, name));
        }
        wait_seated(at, leaves.size());
        return leaves;
    }
    static std::size_t seated(node& at) { return figures(at).leaves; }

    static void send_numbered(node& at, int from, int to, std::size_t size) {
        for (int i = from; i < to; ++i) {
            ASSERT_EQ(0, at.send(message_number(i, size))) << i;
        }
    }
    static void expect_numbered(node& leaf, int from, int to, std::size_t size) {
        for (int i = from; i < to; ++i) {
            std::string text;
            ASSERT_EQ(0, leaf.receive(text)) << i;
            ASSERT_EQ(message_number(i, size), text);
        }
    }
    static void expect_silence(node& leaf) {
        std::string text;
        EXPECT_EQ(WSAEWOULDBLOCK, leaf.try_receive(text)) << text;
    }
};

} // namespace joinleaf::rdma::test
