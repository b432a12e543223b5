// SPDX-License-Identifier: Apache-2.0
//
// Many leaves on several loops, and a leaf that is told what it misses, through the whole runtime.
#include "tests/socket/rooted_session.hpp"
#include "tests/support/runtime_fixture.hpp"

#include <array>
#include <atomic>
#include <thread>

namespace joinleaf::test {
namespace {

std::string numbered(int number, std::size_t size) {
    std::string out = std::to_string(number) + ' ';
    out.resize(size, '.');
    return out;
}

class SlowLeaf : public ::testing::Test {
  protected:
    void TearDown() override { end_runtime(); }
};

TEST_F(SlowLeaf, IO_05_LeavesOnSeveralLoops_GetEverythingInOrder) {
    ASSERT_TRUE(start_runtime("reactor: {threads: 4}\n" + configuration()));
    constexpr int leaves = 12;
    constexpr int count = 20'000;
    const auto root = listening_root();
    std::vector<member> all;
    for (int i = 0; i < leaves; ++i) {
        all.push_back(add_leaf(root.get()));
    }
    std::vector<std::thread> readers;
    for (const member& one : all) {
        readers.emplace_back([s = one.leaf.get()] {
            for (int i = 0; i < count; ++i) {
                const auto text = receive_text(s, 256);
                ASSERT_TRUE(text) << last_failure();
                ASSERT_EQ(i, std::stoi(*text));
            }
        });
    }
    std::thread up([&] {
        for (int i = 0; i < count / 10; ++i) {
            ASSERT_GT(send_text(all[static_cast<std::size_t>(i % leaves)].leaf.get(), "up"), 0);
        }
    });
    for (int i = 0; i < count; ++i) {
        ASSERT_GT(send_text(root.get(), numbered(i, 64)), 0) << last_failure();
    }
    for (int i = 0; i < count / 10; ++i) {
        ASSERT_EQ("up", receive_text(root.get()));
    }
    up.join();
    for (auto& reader : readers) {
        reader.join();
    }
}

// Fills the leaf's connection and drops what it does not take; how many messages were dropped.
std::uint64_t overrun(SOCKET root, SOCKET branch, int count) {
    const jl_slow_leaf rule{JL_SLOW_LEAF_DROP_OLDEST, 60'000, 128 << 10};
    EXPECT_EQ(0, jl_setsockopt(branch, JL_SOL_JOINLEAF, JL_SO_SLOW_LEAF, &rule, sizeof rule))
        << last_failure();
    for (int i = 0; i < count; ++i) {
        EXPECT_GT(send_text(root, numbered(i, 4000)), 0) << last_failure();
    }
    jl_leaf row{};
    EXPECT_EQ(1, jl_leaf_statistics(root, &row, sizeof row, 1));
    EXPECT_GT(row.dropped_messages, 0U);
    return row.dropped_messages;
}

constexpr int enough = 5000;

TEST_F(SlowLeaf, GapNotify_On_AReceiveFailsOnceForEachGap) {
    ASSERT_TRUE(start_runtime(configuration()));
    const auto root = listening_root();
    const auto one = add_leaf(root.get());
    ASSERT_TRUE(set_flag(one.leaf.get(), JL_SOL_JOINLEAF, JL_SO_GAP_NOTIFY, TRUE));
    const auto dropped = overrun(root.get(), one.branch.get(), enough);
    std::uint64_t received = 0;
    std::uint64_t gaps = 0;
    for (int last = -1; last != enough - 1;) {
        const auto text = receive_text(one.leaf.get());
        if (!text) {
            ASSERT_EQ(WSAENOBUFS, WSAGetLastError());
            ++gaps;
            continue;
        }
        const int number = std::stoi(*text);
        ASSERT_TRUE(number == last + 1 || gaps > 0) << "a loss without a notice";
        ASSERT_GT(number, last);
        last = number;
        ++received;
    }
    EXPECT_GT(gaps, 0U);
    EXPECT_EQ(static_cast<std::uint64_t>(enough), received + dropped);
}

TEST_F(SlowLeaf, GapNotify_On_ABatchShowsTheirNumber) {
    ASSERT_TRUE(start_runtime(configuration()));
    const auto root = listening_root();
    const auto one = add_leaf(root.get());
    ASSERT_TRUE(set_flag(one.leaf.get(), JL_SOL_JOINLEAF, JL_SO_GAP_NOTIFY, TRUE));
    const auto dropped = overrun(root.get(), one.branch.get(), enough);
    std::array<std::array<char, 4096>, 16> bytes{};
    std::array<WSABUF, 16> buffers{};
    std::array<jl_message, 16> messages{};
    std::uint64_t missing = 0;
    int next = 0;
    while (next < enough) {
        for (std::size_t i = 0; i < messages.size(); ++i) {
            buffers[i] = {static_cast<ULONG>(bytes[i].size()), bytes[i].data()};
            messages[i] = {};
            messages[i].buffers = &buffers[i];
            messages[i].buffer_count = 1;
        }
        const int got = jl_recv_batch(one.leaf.get(), messages.data(), static_cast<int>(messages.size()));
        ASSERT_GT(got, 0) << last_failure();
        for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
            if (messages[i].error == WSAENOBUFS) {
                EXPECT_EQ(0U, messages[i].bytes);
                EXPECT_GT(messages[i].gap, 0U);
                next += static_cast<int>(messages[i].gap);
                missing += messages[i].gap;
            } else {
                ASSERT_EQ(next++, std::atoi(bytes[i].data()));
                EXPECT_EQ(0U, messages[i].gap);
            }
        }
    }
    EXPECT_EQ(dropped, missing);
}

TEST_F(SlowLeaf, GapNotify_Off_WhatIsThereIsReceived) {
    ASSERT_TRUE(start_runtime(configuration()));
    const auto root = listening_root();
    const auto one = add_leaf(root.get());
    const auto dropped = overrun(root.get(), one.branch.get(), enough);
    std::uint64_t received = 0;
    for (int last = -1; last != enough - 1; ++received) {
        const auto text = receive_text(one.leaf.get());
        ASSERT_TRUE(text) << last_failure();
        ASSERT_GT(std::stoi(*text), last);
        last = std::stoi(*text);
    }
    EXPECT_EQ(static_cast<std::uint64_t>(enough), received + dropped);
    jl_statistics of_leaf{};
    of_leaf.struct_size = sizeof of_leaf;
    ASSERT_TRUE(worked(jl_socket_statistics(one.leaf.get(), &of_leaf)));
    EXPECT_EQ(dropped, of_leaf.gaps);
}

} // namespace
} // namespace joinleaf::test
