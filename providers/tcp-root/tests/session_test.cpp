// SPDX-License-Identifier: Apache-2.0
#include "test_socket.hpp"
#include "wire.hpp"

#include <algorithm>

namespace joinleaf::tcp_root::test {
namespace {

// A root with some leaves that have asked.
struct crowd {
    crowd(const library& lib, std::uint32_t entry, std::uint32_t root_flags, std::size_t count,
          std::uint32_t leaf_flags = c_leaf_d_leaf)
        : root(lib, entry, root_flags), at(root.listen_on_loopback(1024)) {
        for (std::size_t i = 0; i < count; ++i) {
            leaves.push_back(join_leaf(lib, root, at, entry, leaf_flags));
        }
    }

    test_socket root;
    address at;
    std::vector<pair> leaves;
};

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

TEST(Session, IO_01_RootToHundredLeaves_EachOnceInOrder) {
    const library lib;
    crowd all(lib, rooted4, c_root_d_root, 100);
    constexpr int count = 200;
    std::thread sender([&] {
        for (int i = 0; i < count; ++i) {
            ASSERT_EQ(all.root.send("message " + std::to_string(i)), 0);
        }
    });
    for (auto& [leaf, branch] : all.leaves) {
        for (int i = 0; i < count; ++i) {
            ASSERT_EQ(leaf.receive().data, "message " + std::to_string(i));
        }
    }
    sender.join();
    const jl_stats stats = all.root.stats();
    EXPECT_EQ(stats.leaves, 100u);
    EXPECT_EQ(stats.joins, 100u);
    EXPECT_EQ(stats.sent_messages, 200u);
}

TEST(Session, IO_02_IO_03_LeavesReachTheRootOnly_WithTheirAddresses) {
    const library lib;
    crowd all(lib, rooted4, c_root_d_root, 3);
    for (auto& [leaf, branch] : all.leaves) {
        ASSERT_EQ(leaf.send("I am " + leaf.name().text()), 0);
    }
    for (int i = 0; i < 3; ++i) {
        const received got = all.root.receive();
        EXPECT_EQ(got.data, "I am " + got.from.text());
    }
    ASSERT_EQ(all.root.send("done"), 0);
    for (auto& [leaf, branch] : all.leaves) {
        EXPECT_EQ(leaf.receive().data, "done") << "nothing of the others came before";
    }
}

TEST(Session, IO_04_IO_08_Relay_EveryoneElse_NoEcho) {
    const library lib;
    crowd all(lib, relay4, c_root_d_leaf, 4);
    test_socket& speaker = all.leaves[1].leaf;
    ASSERT_EQ(speaker.send("from one"), 0);
    EXPECT_EQ(all.root.receive().data, "from one");
    for (std::size_t i = 0; i < 4; ++i) {
        if (i != 1) {
            const received got = all.leaves[i].leaf.receive();
            EXPECT_EQ(got.data, "from one");
            EXPECT_EQ(got.from.text(), speaker.name().text());
        }
    }
    ASSERT_EQ(all.root.send("from the root"), 0);
    for (auto& [leaf, branch] : all.leaves) {
        const received got = leaf.receive();
        EXPECT_EQ(got.data, "from the root");
        EXPECT_EQ(got.from.text(), all.at.text());
    }
}

TEST(Session, IO_05_Relay_EverySenderInOrder) {
    const library lib;
    crowd all(lib, relay4, c_root_d_leaf, 5);
    constexpr int count = 300;
    std::vector<std::thread> senders;
    for (std::size_t i = 0; i < 5; ++i) {
        senders.emplace_back([&, i] {
            for (int n = 0; n < count; ++n) {
                ASSERT_EQ(all.leaves[i].leaf.send(std::to_string(i) + " " + std::to_string(n)), 0);
            }
        });
    }
    const auto listen = [&](test_socket& who, std::size_t self) {
        std::array<int, 5> next{};
        for (int n = 0; n < count * (self < 5 ? 4 : 5); ++n) {
            const std::string got = who.receive().data;
            const auto from = static_cast<std::size_t>(got[0] - '0');
            ASSERT_NE(from, self);
            ASSERT_EQ(got, std::to_string(from) + " " + std::to_string(next[from]++));
        }
    };
    std::vector<std::thread> listeners;
    for (std::size_t i = 0; i < 5; ++i) {
        listeners.emplace_back([&, i] { listen(all.leaves[i].leaf, i); });
    }
    listen(all.root, 5);
    for (auto& thread : senders) {
        thread.join();
    }
    for (auto& thread : listeners) {
        thread.join();
    }
}

TEST(Session, CT_66_LeafAsDataRoot_TalksToEveryone_AndHearsEveryone) {
    // Rooted data with the data root at a leaf: the control root only passes on.
    const library lib;
    crowd all(lib, rooted4, c_root_d_leaf, 2);
    auto [speaker, branch] = join_leaf(lib, all.root, all.at, rooted4, c_leaf_d_root);
    ASSERT_EQ(speaker.send("to all"), 0);
    EXPECT_EQ(all.root.receive().data, "to all");
    EXPECT_EQ(all.leaves[0].leaf.receive().data, "to all");
    EXPECT_EQ(all.leaves[1].leaf.receive().data, "to all");
    ASSERT_EQ(all.leaves[0].leaf.send("up"), 0);
    const received up = speaker.receive();
    EXPECT_EQ(up.data, "up");
    EXPECT_EQ(up.from.text(), all.leaves[0].leaf.name().text()); // IO-03
    ASSERT_EQ(all.root.send("from the control root"), 0);
    EXPECT_EQ(speaker.receive().data, "from the control root");
    ASSERT_EQ(speaker.send("end"), 0);
    EXPECT_EQ(all.leaves[1].leaf.receive().data, "end") << "d_leaves do not hear each other";
    EXPECT_EQ(all.leaves[0].leaf.receive().data, "end");
    EXPECT_EQ(all.root.receive().data, "end");
}

TEST(Session, IO_06_NoLeaf_IsNotConnected_EV_40_ThenWritable) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    EXPECT_EQ(root.try_send("anyone?"), WSAENOTCONN);
    EXPECT_EQ(root.arm(JL_OUT), JL_ARMED);
    const auto seen = root.handle().ready_out;
    auto [leaf, branch] = join_leaf(lib, root, at, rooted4);
    EXPECT_TRUE(wait_until([&] {
        const std::lock_guard hold(root.handle().mutex);
        return root.handle().ready_out > seen;
    }));
    EXPECT_EQ(root.arm(JL_OUT), JL_READY);
    leaf.close();
    EXPECT_EQ(branch.wait_end(), 0);
    EXPECT_EQ(root.try_send("anyone?"), WSAENOTCONN);
}

TEST(Session, IO_05_LateLeaf_GetsLaterMessagesOnly) {
    const library lib;
    crowd all(lib, rooted4, c_root_d_root, 1);
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(all.root.send("early"), 0);
    }
    auto [late, branch] = join_leaf(lib, all.root, all.at, rooted4);
    ASSERT_EQ(all.root.send("later"), 0);
    EXPECT_EQ(late.receive().data, "later");
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(all.leaves[0].leaf.receive().data, "early");
    }
    EXPECT_EQ(all.leaves[0].leaf.receive().data, "later");
}

// What the slow-joiner complaint is about: joins while the root never stops sending.
TEST(Session, JoinUnderLoad_EveryMessageAfterTheJoin_IsThere) {
    const library lib({{"send_buffer", 256 << 10}});
    crowd all(lib, rooted4, c_root_d_root, 1);
    std::atomic<int> sent{0};
    std::atomic<bool> stop{false};
    std::thread drain([&] {
        while (all.leaves[0].leaf.receive().code == 0) {}
    });
    std::thread sender([&] {
        while (!stop) {
            ASSERT_EQ(all.root.send(std::to_string(sent)), 0);
            ++sent;
        }
    });
    for (int round = 0; round < 20; ++round) {
        test_socket leaf(lib, rooted4, c_leaf_d_leaf);
        ASSERT_EQ(leaf.start_join({all.at}), 0);
        const auto request = all.root.next_request();
        ASSERT_TRUE(request);
        const int before = sent;
        test_socket branch = all.root.accept(*request);
        ASSERT_EQ(leaf.outcome().code, 0);
        const int joined = sent;
        int next = std::stoi(leaf.receive().data);
        EXPECT_GE(next, before);
        EXPECT_LE(next, joined + 1);
        for (int i = 0; i < 50; ++i) {
            ASSERT_EQ(std::stoi(leaf.receive().data), ++next);
        }
    }
    stop = true;
    sender.join();
    all.root.close();
    drain.join();
}

class Sizes : public testing::TestWithParam<std::size_t> {};

TEST_P(Sizes, MessagesOfAnySize_ArriveWhole) {
    const library lib;
    crowd all(lib, rooted4, c_root_d_root, 2);
    std::string big(GetParam(), '\0');
    for (std::size_t i = 0; i < big.size(); ++i) {
        big[i] = static_cast<char>(i * 131 + i / 251);
    }
    const std::size_t room = GetParam() + 1;
    for (int round = 0; round < 3; ++round) {
        std::thread sender([&] { ASSERT_EQ(all.root.send(big), 0); });
        for (auto& [leaf, branch] : all.leaves) {
            const received got = leaf.receive(room);
            EXPECT_EQ(got.code, 0);
            EXPECT_TRUE(got.data == big);
        }
        sender.join();
        ASSERT_EQ(all.leaves[0].leaf.send(big), 0);
        const received up = all.root.receive(room);
        EXPECT_TRUE(up.data == big);
    }
}

INSTANTIATE_TEST_SUITE_P(Session, Sizes,
                         testing::Values(0, 1, 1400, 65527, 65528, 65529, 100'000, 1'000'000,
                                         wire::message_max));

TEST(Session, IO_16_TooLong_NothingSent) {
    const library lib;
    crowd all(lib, rooted4, c_root_d_root, 1);
    const std::string huge(wire::message_max + 1, 'x');
    EXPECT_EQ(all.root.try_send(huge), WSAEMSGSIZE);
    EXPECT_EQ(all.leaves[0].leaf.try_send(huge), WSAEMSGSIZE);
    ASSERT_EQ(all.root.send("fine"), 0);
    EXPECT_EQ(all.leaves[0].leaf.receive().data, "fine");
    EXPECT_EQ(all.root.try_send("part", JL_MSG_PART), WSAEOPNOTSUPP);
    EXPECT_EQ(all.leaves[0].leaf.try_send("oob", JL_MSG_OOB), WSAEOPNOTSUPP);
}

TEST(Session, IO_10_Leaf_ShortBuffer_RestAndPeek) {
    const library lib;
    crowd all(lib, rooted4, c_root_d_root, 1);
    test_socket& leaf = all.leaves[0].leaf;
    ASSERT_EQ(all.root.send_all({"abcdef", "next"}), 0);
    const received peeked = leaf.receive(3, JL_MSG_PEEK);
    EXPECT_EQ(peeked.data, "abc");
    EXPECT_EQ(peeked.flags, JL_MSG_REST);
    EXPECT_EQ(leaf.receive(4).data, "abcd");
    const received rest = leaf.receive(4);
    EXPECT_EQ(rest.data, "ef");
    EXPECT_EQ(rest.flags, 0u);
    EXPECT_EQ(leaf.receive(4).data, "next");
    EXPECT_EQ(leaf.stats().received_messages, 2u);
}

TEST(Session, IO_34_Fionread_CountsQueuedBytes) {
    const library lib;
    crowd all(lib, rooted4, c_root_d_root, 1);
    test_socket& leaf = all.leaves[0].leaf;
    ASSERT_EQ(all.root.send("12345"), 0);
    ASSERT_EQ(leaf.send("1234567"), 0);
    const auto count = [&](test_socket& s, std::uint32_t code) {
        std::uint32_t value = 0;
        std::uint32_t size = 0;
        EXPECT_EQ(lib.ops().ioctl(s.endpoint(), code, nullptr, 0, &value, sizeof value, &size), 0);
        return value;
    };
    EXPECT_TRUE(
        wait_until([&] { return count(leaf, FIONREAD) == 5 && count(all.root, JL_HOST_FIONREAD) == 7; }));
    EXPECT_EQ(count(all.leaves[0].branch, FIONREAD), 0u);
    std::uint32_t size = 0;
    EXPECT_EQ(lib.ops().ioctl(leaf.endpoint(), FIONREAD, nullptr, 0, &size, 1, &size), WSAEFAULT);
    EXPECT_EQ(lib.ops().ioctl(leaf.endpoint(), SIO_MULTIPOINT_LOOPBACK, nullptr, 0, nullptr, 0, &size),
              WSAEINVAL); // IO-26
}

TEST(Session, Batches_ArriveMessageByMessage_BothWays) {
    const library lib;
    crowd all(lib, rooted4, c_root_d_root, 3);
    std::vector<std::string> batch;
    batch.reserve(3000);
    for (int i = 0; i < 3000; ++i) {
        batch.push_back(std::to_string(i) + std::string(static_cast<std::size_t>(i % 97), '.'));
    }
    ASSERT_EQ(all.root.send_all(batch), 0);
    for (auto& [leaf, branch] : all.leaves) {
        for (const std::string& expected : batch) {
            ASSERT_EQ(leaf.receive(256).data, expected);
        }
        ASSERT_EQ(leaf.send_all(batch), 0);
        for (const std::string& expected : batch) {
            ASSERT_EQ(all.root.receive(256).data, expected);
        }
    }
}

TEST(Session, Batches_RxServesManyMessagesPerCall) {
    const library lib;
    crowd all(lib, rooted4, c_root_d_root, 1);
    ASSERT_EQ(all.root.send_all(std::vector<std::string>(50, "x")), 0);
    std::array<char, 64> bytes{};
    std::array<iovec, 64> parts;
    std::array<jl_msg, 64> messages{};
    for (std::size_t i = 0; i < 64; ++i) {
        parts[i] = {&bytes[i], 1};
        messages[i].iov = &parts[i];
        messages[i].iov_count = 1;
    }
    std::uint32_t total = 0;
    EXPECT_TRUE(wait_until([&] {
        std::uint32_t done = 0;
        std::uint32_t left = 0;
        const int code = lib.ops().rx(all.leaves[0].leaf.endpoint(), messages.data(), 64, &done, &left);
        total += code == 0 ? done : 0;
        if (code == WSAEWOULDBLOCK) {
            EXPECT_EQ(left, JL_LEFT_NONE);
        }
        return total == 50;
    }));
}

TEST(Session, ScatteredMessages_MorePiecesThanTheKernelTakes) {
    const library lib;
    crowd all(lib, rooted4, c_root_d_root, 1);
    std::string text;
    for (int i = 0; i < 3000; ++i) {
        text += static_cast<char>('a' + i % 26);
    }
    std::vector<iovec> parts;
    for (char& letter : text) {
        parts.push_back({&letter, 1});
    }
    jl_msg message{};
    message.iov = parts.data();
    message.iov_count = static_cast<std::uint32_t>(parts.size());
    std::uint32_t done = 0;
    ASSERT_EQ(lib.ops().tx(all.leaves[0].leaf.endpoint(), &message, 1, &done), 0);
    EXPECT_EQ(all.root.receive().data, text);
    ASSERT_EQ(lib.ops().tx(all.root.endpoint(), &message, 1, &done), 0);
    EXPECT_EQ(all.leaves[0].leaf.receive().data, text);
}

TEST(Session, JL_93_Directions) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    auto [speaker, a] = join_leaf(lib, root, at, rooted4, c_leaf_d_leaf, JL_SENDER_ONLY);
    auto [hearer, b] = join_leaf(lib, root, at, rooted4, c_leaf_d_leaf, JL_RECEIVER_ONLY);
    EXPECT_EQ(speaker.try_receive().code, WSAEOPNOTSUPP);
    EXPECT_EQ(hearer.try_send("x"), WSAEOPNOTSUPP);
    EXPECT_EQ(hearer.arm(JL_OUT), JL_ARMED); // EV-40
    ASSERT_EQ(root.send("down"), 0);
    ASSERT_EQ(speaker.send("up"), 0);
    EXPECT_EQ(hearer.receive().data, "down");
    EXPECT_EQ(root.receive().data, "up");

    // Invited: the direction is the root's.
    test_socket listener(lib, rooted4, c_leaf_d_leaf);
    const address leaf_at = listener.listen_on_loopback();
    test_socket branch(lib, rooted4, c_leaf_d_leaf, &root);
    ASSERT_EQ(root.start_join({leaf_at, {}, 0, JL_SENDER_ONLY}, &branch), 0);
    const auto request = listener.next_request();
    ASSERT_TRUE(request);
    test_socket member = listener.accept(*request);
    ASSERT_EQ(root.outcome().code, 0);
    EXPECT_EQ(member.try_send("x"), WSAEOPNOTSUPP);
    ASSERT_EQ(root.send("only this way"), 0);
    EXPECT_EQ(member.receive().data, "only this way");
}

TEST(Session, Options_ReachEveryConnection) {
    const library lib;
    crowd all(lib, rooted4, c_root_d_root, 2);
    const auto get = [&](test_socket& s, int level, int name) {
        int value = -1;
        std::uint32_t size = sizeof value;
        EXPECT_EQ(lib.ops().get_option(s.endpoint(), level, name, &value, &size), 0);
        return value;
    };
    const auto set = [&](test_socket& s, int level, int name, int value) {
        return lib.ops().set_option(s.endpoint(), level, name, &value, sizeof value);
    };
    EXPECT_EQ(get(all.leaves[0].branch, IPPROTO_TCP, 1 /* TCP_NODELAY */), 1);
    EXPECT_EQ(get(all.leaves[0].leaf, IPPROTO_TCP, 1), 1);
    EXPECT_EQ(set(all.root, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
    EXPECT_EQ(get(all.leaves[1].branch, SOL_SOCKET, SO_KEEPALIVE), 1);
    auto [late, branch] = join_leaf(lib, all.root, all.at, rooted4);
    EXPECT_EQ(get(branch, SOL_SOCKET, SO_KEEPALIVE), 1) << "JL-71: inherited";
    EXPECT_EQ(get(late, SOL_SOCKET, SO_TYPE), SOCK_SEQPACKET);
    EXPECT_EQ(set(all.root, SOL_SOCKET, SO_LINGER, 1), WSAENOPROTOOPT);
    EXPECT_EQ(set(late, 12345, 1, 1), WSAENOPROTOOPT);

    test_socket early(lib, rooted4, c_leaf_d_leaf);
    EXPECT_EQ(set(early, SOL_SOCKET, SO_RCVBUF, 100'000), 0);
    EXPECT_EQ(get(early, SOL_SOCKET, SO_RCVBUF), 200'000);
}

TEST(Session, LC_20_ThousandJoinsAndCloses_LeaveNothing) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    { const pair gone = join_leaf(lib, root, at, rooted4); }
    EXPECT_TRUE(wait_until([&] { return root.stats().leaves == 0; }));
    const int before = open_descriptors();
    for (int i = 0; i < 1000; ++i) {
        auto [leaf, branch] = join_leaf(lib, root, at, rooted4);
        // An expelled leaf is gone when its kernel has acknowledged everything, which takes its time.
        if (i % 20 != 0) {
            leaf.close();
            branch.close();
        } else {
            branch.close();
            leaf.close();
        }
    }
    EXPECT_TRUE(wait_until([&] { return open_descriptors() == before; }))
        << open_descriptors() << " instead of " << before;
    EXPECT_EQ(root.stats().joins, 1001u);
}

} // namespace
} // namespace joinleaf::tcp_root::test
