// SPDX-License-Identifier: Apache-2.0
//
// What goes wrong in a network and in processes while a session runs: a partition, leaves that die by the
// hundred and come back.
#include "test_socket.hpp"

#include "wire.hpp"

#include "support/private_network.hpp"

#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>

namespace joinleaf::tcp_root::test {
namespace {

bool run(const std::string& command) {
    return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

// Both sides are alive and nothing passes between them: no reset, no end, only silence.
TEST(Fault, LC_04_EV_42_APartition_IsFoundAtBothEndsInTime) {
    if (!run("nft --version")) {
        GTEST_SKIP() << "nft is missing, which drops the packets";
    }
    std::string why;
    if (!joinleaf::test::enter_private_network(why)) {
        GTEST_SKIP() << why;
    }
    const library lib({{"heartbeat", 50 * ms}, {"heartbeat_timeout", 400 * ms}});
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    auto cut_off = join_leaf(lib, root, at, rooted4);
    auto other = join_leaf(lib, root, at, rooted4);
    const auto port = std::to_string(cut_off.leaf.name().port());
    if (!run("nft add table ip cut && nft 'add chain ip cut in { type filter hook input priority 0; }' && "
             "nft add rule ip cut in tcp dport " +
             port + " drop && nft add rule ip cut in tcp sport " + port + " drop")) {
        GTEST_SKIP() << "nft cannot drop packets here";
    }
    ASSERT_EQ(root.send("into the void"), 0);
    EXPECT_EQ(cut_off.branch.wait_end(), WSAECONNABORTED);
    EXPECT_EQ(cut_off.leaf.wait_end(), WSAECONNABORTED);
    EXPECT_EQ(other.leaf.receive().data, "into the void") << "the session goes on";
    ASSERT_EQ(root.send("for those who are left"), 0);
    EXPECT_EQ(other.leaf.receive().data, "for those who are left");
    EXPECT_TRUE(run("nft delete table ip cut"));
    // A leaf that rejoins is a new one, and has what comes from now on.
    auto again = join_leaf(lib, root, at, rooted4);
    ASSERT_EQ(root.send("healed"), 0);
    EXPECT_EQ(again.leaf.receive().data, "healed");
    EXPECT_EQ(root.stats().leaves, 2U);
}

// A leaf of another process as the root sees it: it joins, and may vanish in any way.
class doomed_leaf {
  public:
    doomed_leaf(test_socket& root, const address& at) : peer_(at) {
        wire::greeting head;
        head.who = {wire::control_role::leaf, wire::data_role::leaf, wire::data_plane::rooted};
        const auto hello = wire::encode(head);
        EXPECT_TRUE(peer_.send(hello.data(), hello.size()));
        const auto request = root.next_request();
        EXPECT_TRUE(request);
        branch_ = root.accept(*request);
    }

    // As the kernel does it for a killed process that has unread data, or none; or with its last word cut off.
    void die(unsigned how) {
        if (how % 3 == 0) {
            peer_.reset();
        } else if (how % 3 == 1) {
            peer_.close();
        } else {
            peer_.send("\0\0\0\x40\x01\0", 6);
            peer_.close();
        }
        const int code = branch_.wait_end();
        EXPECT_TRUE(code == WSAECONNRESET || code == WSAECONNABORTED) << code;
    }

  private:
    raw_peer peer_;
    test_socket branch_;
};

constexpr int survivors = 20;
constexpr int doomed = 60;
constexpr int deaths = 300;

TEST(Fault, IO_05_LC_04_LeavesDieAndRejoin_WhileTheFeedRuns_TheSurvivorsMissNothing) {
    const int before = open_descriptors();
    {
        const library lib({{"send_buffer", 1024 * kib}, {"slow_leaf", 2 /* drop_oldest */}});
        test_socket root(lib, rooted4, c_root_d_root);
        const address at = root.listen_on_loopback(1024);
        std::vector<pair> living;
        for (int i = 0; i < survivors; ++i) {
            living.push_back(join_leaf(lib, root, at, rooted4));
            const jl_slow_leaf patient{JL_SLOW_LEAF_BLOCK, 60'000, 0};
            ASSERT_EQ(lib.ops().set_option(living.back().branch.endpoint(), JL_SOL_JOINLEAF, JL_SO_SLOW_LEAF,
                                           &patient, sizeof patient),
                      0);
        }
        std::atomic<bool> stop{false};
        std::atomic<int> sent{0};
        std::thread feed([&] {
            for (; !stop; ++sent) {
                ASSERT_EQ(root.send(std::to_string(sent) + std::string(200, '.')), 0);
            }
            ASSERT_EQ(root.send("end"), 0);
        });
        std::vector<std::thread> readers;
        for (pair& each : living) {
            readers.emplace_back([&leaf = each.leaf, &sent] {
                int next = 0;
                for (;; ++next) {
                    const received got = leaf.receive(512);
                    ASSERT_EQ(got.code, 0);
                    ASSERT_EQ(got.flags, 0U) << "a gap for one who keeps up";
                    if (got.data == "end") {
                        break;
                    }
                    ASSERT_EQ(std::atoi(got.data.c_str()), next);
                }
                EXPECT_EQ(next, sent);
            });
        }
        std::mt19937 chance(4711); // NOLINT(cert-msc32-c,cert-msc51-cpp): the same deaths in each run
        std::vector<std::unique_ptr<doomed_leaf>> mortal(doomed);
        for (int i = 0; i < deaths; ++i) {
            auto& one = mortal[chance() % doomed];
            if (one) {
                one->die(static_cast<unsigned>(chance()));
            }
            one = std::make_unique<doomed_leaf>(root, at);
        }
        stop = true;
        feed.join();
        for (auto& reader : readers) {
            reader.join();
        }
        for (auto& one : mortal) {
            if (one) {
                one->die(1);
            }
        }
        mortal.clear();
        EXPECT_TRUE(wait_until([&] { return root.stats().leaves == survivors; }));
        EXPECT_EQ(root.stats().joins, static_cast<std::uint64_t>(survivors + deaths));
    }
    EXPECT_TRUE(wait_until([&] { return open_descriptors() <= before; })) << "descriptors are left behind";
}

} // namespace
} // namespace joinleaf::tcp_root::test
