// SPDX-License-Identifier: Apache-2.0
#include "base.hpp"
#include "inbox.hpp"
#include "outflow.hpp"
#include "ring.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace joinleaf::tcp_root {
namespace {

std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}

void add(ring& log, std::string_view text) {
    log.append(bytes(text));
    log.publish();
}

std::string text(const ring& log, std::uint64_t from, std::uint64_t to) {
    std::string out(static_cast<std::size_t>(to - from), '\0');
    log.copy(from, std::as_writable_bytes(std::span(out)));
    return out;
}

TEST(Ring, Wrap_KeepsBytesAndGivesTwoPieces) {
    ring log(4096);
    ASSERT_EQ(log.capacity(), 4096u);
    add(log, std::string(4000, 'a'));
    add(log, "xy");
    log.release(4000);
    add(log, std::string(200, 'b'));
    EXPECT_EQ(log.used(), 202u);
    const auto parts = log.pieces(4000, log.head());
    EXPECT_EQ(parts[0].iov_len, 96u);
    EXPECT_EQ(parts[1].iov_len, 106u);
    EXPECT_EQ(text(log, 4000, log.head()), "xy" + std::string(200, 'b'));
}

TEST(Ring, Unpublished_IsNotSeen) {
    ring log(4096);
    log.append(bytes("abc"));
    EXPECT_EQ(log.used(), 0u);
    EXPECT_EQ(log.written(), 3u);
    log.append(bytes("def"));
    log.publish();
    EXPECT_EQ(text(log, 0, log.head()), "abcdef");
}

TEST(Ring, Empty_StartsAgainAtItsFirstByte) {
    ring log(4096);
    add(log, std::string(3000, 'a'));
    log.release(log.head());
    add(log, std::string(3000, 'b'));
    EXPECT_EQ(log.pieces(3000, 6000)[1].iov_len, 0u) << "one piece: no wrap";
    EXPECT_EQ(text(log, 3000, 6000), std::string(3000, 'b'));
}

// What an outflow wants to send, by plans of limited size and partial sends.
std::string drain(outflow& out, const ring& log, std::size_t step) {
    std::string sent;
    for (;;) {
        std::array<iovec, 6> parts;
        std::size_t size = 0;
        const std::size_t used = out.plan(log, parts, size);
        if (size == 0) {
            return sent;
        }
        std::string plan;
        for (const iovec& part : std::span(parts).first(used)) {
            plan.append(static_cast<const char*>(part.iov_base), part.iov_len);
        }
        EXPECT_EQ(plan.size(), size);
        const std::size_t n = std::min(step, size);
        sent += plan.substr(0, n);
        out.advance(n);
    }
}

std::string end_frame(bool leaving) {
    const auto frame =
        wire::encode(wire::frame{wire::frame_kind::end, leaving ? wire::flag_leaving : std::uint8_t{0}, 0});
    return {reinterpret_cast<const char*>(frame.data()), frame.size()};
}

std::vector<std::byte> lead(std::string_view text) {
    return {bytes(text).begin(), bytes(text).end()};
}

class OutflowSteps : public testing::TestWithParam<std::size_t> {};

TEST_P(OutflowSteps, LeadThenLogThenEnd_InOrder) {
    ring log(4096);
    add(log, "before");
    outflow out;
    out.begin(log.head(), lead("answer"));
    add(log, "after");
    EXPECT_EQ(out.needs(log.head()), 6u);
    out.end(log.head(), true);
    add(log, "too late");
    EXPECT_EQ(drain(out, log, GetParam()), "answerafter" + end_frame(true));
    EXPECT_TRUE(out.is_finished());
    EXPECT_EQ(out.needs(log.head()), outflow::nothing);
}

TEST_P(OutflowSteps, SkippedRanges_AreLeftOut) {
    ring log(4096);
    outflow out;
    out.begin(0, {});
    std::string expected;
    for (int i = 0; i < 40; ++i) {
        const std::uint64_t from = log.head();
        const std::string message = "<" + std::to_string(i) + ">";
        add(log, message);
        if (i % 3 == 0 || i % 7 == 1) {
            out.skip(from, log.head());
        } else {
            expected += message;
        }
    }
    EXPECT_EQ(drain(out, log, GetParam()), expected);
    EXPECT_EQ(out.needs(log.head()), outflow::nothing);
}

TEST_P(OutflowSteps, SkipWhileDrained_MovesTheCursor) {
    ring log(4096);
    outflow out;
    out.begin(0, {});
    for (int i = 0; i < 100; ++i) {
        const std::uint64_t from = log.head();
        add(log, "own");
        out.skip(from, log.head());
        EXPECT_EQ(out.needs(log.head()), outflow::nothing) << "its own messages hold no space";
    }
    add(log, "theirs");
    EXPECT_EQ(drain(out, log, GetParam()), "theirs");
}

TEST_P(OutflowSteps, Deafen_StillSendsWhatWasQueued) {
    ring log(4096);
    outflow out;
    out.begin(0, {});
    add(log, "queued");
    out.deafen(log.head());
    add(log, "later");
    EXPECT_EQ(drain(out, log, GetParam()), "queued");
    out.end(log.head(), false);
    EXPECT_EQ(drain(out, log, GetParam()), end_frame(false));
}

TEST_P(OutflowSteps, SecondEnd_BeforeTheFirstLeft_Counts) {
    ring log(4096);
    outflow out;
    out.begin(0, {});
    out.end(0, false);
    out.end(0, true);
    EXPECT_EQ(drain(out, log, GetParam()), end_frame(true));
    out.end(0, false);
    EXPECT_EQ(drain(out, log, GetParam()), "");
}

INSTANTIATE_TEST_SUITE_P(Outflow, OutflowSteps, testing::Values(1, 2, 3, 7, 1000));

struct taken {
    int code;
    std::string data;
    std::uint32_t flags;
    std::uint32_t left;
};

taken take(inbox& box, std::size_t room, std::uint32_t flags = 0) {
    std::string data(room, '\0');
    iovec part{data.data(), room};
    jl_msg message{};
    message.iov = &part;
    message.iov_count = 1;
    message.flags = flags;
    std::uint32_t done = 0;
    taken out{};
    out.code = box.take(&message, 1, &done, &out.left);
    out.data = data.substr(0, done != 0 ? message.size : 0);
    out.flags = message.flags;
    return out;
}

TEST(Inbox, IO_10_ShortBuffer_LeavesTheRest) {
    inbox box(1 << 16);
    EXPECT_EQ(take(box, 10).code, WSAEWOULDBLOCK);
    EXPECT_TRUE(box.put({}, bytes("abcdef"))) << "the taker had found it empty";
    EXPECT_FALSE(box.put({}, bytes("next")));
    const taken peeked = take(box, 4, JL_MSG_PEEK);
    EXPECT_EQ(peeked.data, "abcd");
    EXPECT_EQ(peeked.flags, JL_MSG_REST);
    const taken first = take(box, 4);
    EXPECT_EQ(first.data, "abcd");
    EXPECT_EQ(first.flags, JL_MSG_REST);
    const taken rest = take(box, 4);
    EXPECT_EQ(rest.data, "ef");
    EXPECT_EQ(rest.flags, 0u);
    EXPECT_EQ(rest.left, JL_LEFT_SOME);
    const taken last = take(box, 9);
    EXPECT_EQ(last.data, "next");
    EXPECT_EQ(last.left, JL_LEFT_NONE);
    EXPECT_EQ(box.queued_bytes(), 0u);
    EXPECT_EQ(box.taken_messages(), 2u);
}

TEST(Inbox, EmptyMessages_AreMessages) {
    inbox box(1 << 16);
    box.put({}, {});
    box.put({}, bytes("x"));
    EXPECT_EQ(take(box, 9).code, 0);
    EXPECT_EQ(take(box, 9).data, "x");
    EXPECT_EQ(take(box, 9).code, WSAEWOULDBLOCK);
}

TEST(Inbox, ConcurrentPutAndTake_LoseNothing) {
    inbox box(1 << 16);
    constexpr int count = 20000;
    std::thread producer([&] {
        for (int i = 0; i < count; ++i) {
            while (!box.has_room()) {
                std::this_thread::yield();
            }
            box.put({}, bytes(std::to_string(i)));
        }
    });
    for (int i = 0; i < count;) {
        const taken next = take(box, 16);
        if (next.code == 0) {
            ASSERT_EQ(next.data, std::to_string(i++));
        }
    }
    producer.join();
}

TEST(Gather, ScatterCollectSlice_AgreeWithTheWhole) {
    std::string a(5, '.'), b, c(7, '.');
    const std::array<iovec, 3> parts{iovec{a.data(), a.size()}, iovec{b.data(), 0}, iovec{c.data(), c.size()}};
    EXPECT_EQ(total(parts), 12u);
    EXPECT_EQ(scatter(parts, 3, bytes("12345")), 5u);
    EXPECT_EQ(a + c, "...12345....");
    EXPECT_EQ(scatter(parts, 10, bytes("xyz")), 2u) << "no more room";
    std::string out(4, ' ');
    collect(parts, 4, std::as_writable_bytes(std::span(out)));
    EXPECT_EQ(out, "2345");
    std::array<iovec, 3> cut{};
    ASSERT_EQ(slice(parts, 4, 3, cut.data()), 2u);
    EXPECT_EQ(cut[0].iov_len, 1u);
    EXPECT_EQ(cut[1].iov_len, 2u);
}

} // namespace
} // namespace joinleaf::tcp_root
