// SPDX-License-Identifier: Apache-2.0
//
// Who reads what the leaves send: the application's thread while it asks or waits, else the loops.
#include "test_socket.hpp"

#include <poll.h>

namespace joinleaf::tcp_root::test {
namespace {

// A root of which a thread waits for messages, so that it is asked until `rest`.
class asking {
  public:
    asking(const library& lib, test_socket& root) : lib_(lib), root_(root) {
        lib_.ops().waits(root_.endpoint(), 1);
        EXPECT_EQ(root_.try_receive().code, WSAEWOULDBLOCK);
    }
    asking(const asking&) = delete;
    asking& operator=(const asking&) = delete;
    ~asking() { rest(); }
    void rest() {
        if (std::exchange(waits_, false)) {
            lib_.ops().waits(root_.endpoint(), 0);
        }
    }

  private:
    const library& lib_;
    test_socket& root_;
    bool waits_ = true;
};

std::uint64_t times_told(const test_socket& of) {
    const std::lock_guard hold(of.handle().mutex);
    return of.handle().ready_in;
}

bool is_readable(const test_socket& of, std::chrono::milliseconds within) {
    std::vector<pollfd> all;
    {
        const std::lock_guard hold(of.handle().mutex);
        for (const auto& [fd, conditions] : of.handle().exposed) {
            all.push_back({fd, POLLIN, 0});
        }
    }
    return ::poll(all.data(), all.size(), static_cast<int>(within.count())) > 0;
}

bool shows_connections(const test_socket& of) {
    const std::lock_guard hold(of.handle().mutex);
    return !of.handle().exposed.empty();
}

TEST(Readers, WhoAsks_ReadsItself_AndIsNotTold) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    for (const std::size_t leaves : {1u, 1u, 3u}) { // two are asked one by one, more by a look at the set
        std::vector<pair> all;
        for (std::size_t i = 0; i < leaves; ++i) {
            all.push_back(join_leaf(lib, root, at, rooted4));
        }
        const asking asks(lib, root);
        const std::uint64_t before = times_told(root);
        for (int i = 0; i < 200; ++i) {
            const std::string text = "message " + std::to_string(i);
            ASSERT_EQ(all[static_cast<std::size_t>(i) % leaves].leaf.send(text), 0);
            ASSERT_TRUE(is_readable(root, 20s));
            ASSERT_EQ(root.receive().data, text);
        }
        EXPECT_EQ(times_told(root), before) << "a loop has read, and handed over";
    }
}

TEST(Readers, WhoAsksNoLonger_IsTold) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    auto [leaf, branch] = join_leaf(lib, root, at, rooted4);
    for (int i = 0; i < 3; ++i) {
        asking asks(lib, root);
        asks.rest();
        const std::uint64_t before = times_told(root);
        ASSERT_EQ(leaf.send("message"), 0);
        EXPECT_TRUE(wait_until([&] { return times_told(root) > before; })) << "nobody looks after the leaf";
        EXPECT_FALSE(shows_connections(root)) << "the SOCKET shows messages only";
        EXPECT_EQ(root.receive().data, "message");
    }
    asking asks(lib, root);
    asks.rest();
    leaf.close();
    EXPECT_EQ(branch.wait_end(), 0) << "LC-01, although the root is not asked";
}

TEST(Readers, LC_01_WhoAsks_FindsTheEndOfALeafToo) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    auto [leaf, branch] = join_leaf(lib, root, at, rooted4);
    const asking asks(lib, root);
    leaf.start_close();
    ASSERT_TRUE(is_readable(root, 20s));
    EXPECT_TRUE(wait_until(
        [&] { return root.try_receive().code == WSAEWOULDBLOCK && branch.arm(JL_IN) == JL_ENDED; }));
    EXPECT_TRUE(leaf.wait_closed());
    EXPECT_FALSE(is_readable(root, 0ms)) << "a leaf that has gone shows no longer";
}

TEST(Readers, WhatIsLeftAfterAReceive_IsSaid) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    auto [leaf, branch] = join_leaf(lib, root, at, rooted4);
    const asking asks(lib, root);
    ASSERT_EQ(leaf.send_all({"one", "two", "three"}), 0);
    for (const char* const text : {"one", "two", "three"}) {
        EXPECT_EQ(root.receive().data, text);
    }
    EXPECT_EQ(root.arm(JL_IN), JL_ARMED);
}

// What others wait for is not left to an application that may not ask again.
TEST(Readers, IO_05_WhatIsForOthersToo_IsReadByTheLoops) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    auto [hearer, branch] = join_leaf(lib, root, at, rooted4);
    const asking asks(lib, root); // before and while a leaf that is d_root joins
    auto [speaker, other] = join_leaf(lib, root, at, rooted4, c_leaf_d_root);
    ASSERT_EQ(speaker.send("to everyone"), 0);
    EXPECT_EQ(hearer.receive().data, "to everyone");
    EXPECT_EQ(root.receive().data, "to everyone");

    test_socket relay(lib, relay4, c_root_d_leaf);
    lib.ops().waits(relay.endpoint(), 1);
    EXPECT_EQ(relay.try_receive().code, WSAEWOULDBLOCK);
    EXPECT_FALSE(shows_connections(relay));
    lib.ops().waits(relay.endpoint(), 0);
}

TEST(Readers, FIONREAD_CountsWhatNobodyHasReadYet) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    auto [leaf, branch] = join_leaf(lib, root, at, rooted4);
    const asking asks(lib, root);
    ASSERT_EQ(leaf.send("sixteen bytes ok"), 0);
    ASSERT_TRUE(is_readable(root, 20s));
    std::uint32_t count = 0;
    std::uint32_t bytes = 0;
    ASSERT_EQ(lib.ops().ioctl(root.endpoint(), static_cast<std::uint32_t>(FIONREAD), nullptr, 0, &count,
                              sizeof count, &bytes),
              0);
    EXPECT_EQ(count, 16u);
    EXPECT_EQ(root.receive().data, "sixteen bytes ok");
}

} // namespace
} // namespace joinleaf::tcp_root::test
