// SPDX-License-Identifier: Apache-2.0
//
// Leaves, and strangers in the group, that break its rules.
#include "cast_fixture.hpp"
#include "raw_leaf.hpp"

namespace joinleaf::rdma::test {
namespace {

// A leaf that says what it likes.
class Liar : public Group {
  protected:
    // Seated; the root has sent ten datagrams to it.
    void seat_liar(node& at, raw_leaf& liar) {
        liar.ask(at.listen());
        wait_polling(liar, [&] {
            const std::lock_guard hold(at.handle().mutex);
            return !at.handle().requests.empty();
        });
        side_ = make_branch(at);
        ASSERT_EQ(0, at.answer(*at.next_request(), &side_));
        wait_polling(liar, [&] { return liar.call.has_value(); });
        liar.join();
        liar.say(wire::kind::joined, 100);
        wait_polling(liar, [&] { return liar.turn.has_value(); });
        ASSERT_TRUE(liar.turn);
        for (int i = 0; i < 10; ++i) {
            ASSERT_EQ(0, at.send(message_number(i, 92)));
        }
        wait_polling(liar, [&] { return liar.heard.size() == 10; });
        ASSERT_EQ(10U, liar.heard.size());
        ASSERT_EQ(100U, liar.heard[0].size) << "with the head of its record";
    }
    template <class Holds> static void wait_polling(raw_leaf& liar, const Holds& holds) {
        wait_until([&] {
            liar.poll();
            return holds();
        });
    }
    // It is dropped, and others are not.
    void expect_dropped(node& at, raw_leaf& liar, const char* why) {
        wait_polling(liar, [&] { return liar.is_down(); });
        EXPECT_TRUE(liar.is_down());
        EXPECT_TRUE(fake_host::wait_for_log(why));
        EXPECT_EQ(WSAECONNABORTED, side_.wait_end());
        EXPECT_EQ(0U, at.stats().leaves);
        auto other = ask(at, at.name());
        wait_seated(at, 1);
        send_numbered(at, 0, 5, 100);
        expect_numbered(other.leaf, 0, 5, 100);
    }

    node side_;
};

TEST_F(Liar, WhoAcknowledgesWhatWasNeverSentIsDropped) {
    for (const std::uint64_t beyond :
         {std::uint64_t{1001}, std::uint64_t{1} << 63U, ~std::uint64_t{0}, std::uint64_t{50}}) {
        auto at = make_root();
        raw_leaf liar(net_);
        seat_liar(at, liar);
        liar.say(wire::kind::taken, liar.turn->position + beyond);
        expect_dropped(at, liar, "it acknowledges what was never sent to the group");
        side_.close();
    }
}

TEST_F(Liar, WhoTakesAnAcknowledgementBackIsDropped) {
    auto at = make_root();
    raw_leaf liar(net_);
    seat_liar(at, liar);
    liar.say(wire::kind::taken, liar.turn->position + 500);
    liar.say(wire::kind::taken, liar.turn->position + 400);
    expect_dropped(at, liar, "it acknowledges what was never sent to the group");
}

TEST_F(Liar, WhoAsksForNonsenseIsDropped) {
    const std::vector<std::vector<wire::range>> nonsense{
        {{0, 1100}},            // beyond the end
        {{1000, 1100}},         // only that
        {{50, 100}},            // from within a datagram
        {{0, 150}},             // into one
        {{0, 100}, {250, 300}}, // the second one
    };
    for (const auto& each : nonsense) {
        auto at = make_root();
        raw_leaf liar(net_);
        seat_liar(at, liar);
        auto asked = each;
        for (wire::range& hole : asked) {
            hole = {hole.from + liar.turn->position, hole.to + liar.turn->position};
        }
        liar.ask_for(asked);
        expect_dropped(at, liar, "it asks for what was never sent to the group");
        side_.close();
    }
    auto at = make_root();
    raw_leaf liar(net_);
    seat_liar(at, liar);
    liar.say(wire::kind::taken, liar.turn->position + 500);
    liar.ask_for({{liar.turn->position + 400, liar.turn->position + 500}});
    expect_dropped(at, liar, "it asks for what was never sent to the group");
}

TEST_F(Liar, AFloodOfRequestsIsServedOnce) {
    auto at = make_root();
    raw_leaf liar(net_);
    seat_liar(at, liar);
    for (int i = 0; i < 2000; ++i) {
        liar.ask_for({{liar.turn->position, liar.turn->position + 1000}});
    }
    wait_polling(liar, [&] { return figures(at).requests == 2000; });
    EXPECT_EQ(2000U, figures(at).requests);
    EXPECT_EQ(10U, figures(at).repairs) << "each datagram once";
    wait_polling(liar, [&] { return liar.slices == 10; });
    EXPECT_EQ(10U, liar.slices);
    liar.say(wire::kind::taken, liar.turn->position + 1000);
    wait_polling(liar, [&] { return at.stats().queued_bytes == 0; });
    EXPECT_EQ(0U, at.stats().queued_bytes);
}

TEST_F(Liar, WhoNeverAcknowledgesIsDroppedAfterTheTimeout) {
    limits_.leaf_timeout = 300ms;
    auto at = make_root();
    raw_leaf liar(net_);
    seat_liar(at, liar);
    std::atomic<bool> over{false};
    std::thread poller([&] {
        // It asks for everything again and again, and grants what it is sent; that is no progress.
        while (!over) {
            liar.poll();
            liar.ask_for({{liar.turn->position, liar.turn->position + 1000}});
            std::this_thread::sleep_for(1ms);
        }
    });
    for (int i = 0; i < 300; ++i) {
        const int code = at.send(std::string(1000, 'x'));
        if (code != 0) {
            EXPECT_EQ(WSAENOTCONN, code);
            break;
        }
    }
    EXPECT_EQ(WSAECONNABORTED, side_.wait_end());
    EXPECT_TRUE(fake_host::wait_for_log("it took nothing for leaf_timeout"));
    over = true;
    poller.join();
}

TEST_F(Liar, WhatOnlyARootSaysDropsALeaf) {
    for (const wire::kind what : {wire::kind::sent, wire::kind::channel, wire::kind::joined}) {
        auto at = make_root();
        raw_leaf liar(net_);
        seat_liar(at, liar);
        liar.say(what, 0); // of `joined`: no room at all
        expect_dropped(at, liar, "what it sends breaks the protocol");
        side_.close();
    }
    const std::vector<std::vector<std::byte>> longer{
        wire::encode(wire::turn{1, 2, 3}),
        wire::encode(wire::group_call{address::parse("239.1.2.3"), 64, 4096}),
        wire::encode(std::vector<wire::range>{})};
    for (const auto& each : longer) {
        auto at = make_root();
        raw_leaf liar(net_);
        seat_liar(at, liar);
        liar.say(each);
        expect_dropped(at, liar, "what it sends breaks the protocol");
        side_.close();
    }
}

TEST_F(Liar, WhoIsNotSeatedSaysWhatItLikesInVain) {
    auto at = make_root();
    raw_leaf liar(net_);
    seat_liar(at, liar);
    liar.say(wire::kind::parted, 0);
    wait_seated(at, 0);
    liar.say(wire::kind::taken, 77);
    liar.ask_for({{1, 2}});
    liar.say(wire::kind::parted, WSAENETDOWN);
    auto other = ask(at, at.name());
    wait_seated(at, 1);
    send_numbered(at, 0, 5, 100);
    expect_numbered(other.leaf, 0, 5, 100);
    EXPECT_FALSE(liar.is_down());
    EXPECT_EQ(2U, at.stats().leaves);
}

TEST_F(Liar, DatagramsThatFitNowhereAreAsGoodAsNone) {
    auto at = make_root();
    raw_leaf liar(net_);
    seat_liar(at, liar);
    auto other = ask(at, at.name());
    wait_seated(at, 2);
    const std::vector<std::byte> rubbish(100, std::byte{0xAA});
    const std::uint64_t next = liar.turn->position + 1000;
    liar.forge(liar.turn->channel + 1, next, rubbish);           // of another channel
    liar.forge(liar.turn->channel, next + (1U << 30U), rubbish); // far ahead
    liar.forge(liar.turn->channel, next - 500, rubbish);         // from before its join
    for (std::uint64_t i = 0; i < 5000; ++i) {
        liar.forge(liar.turn->channel, next + 1000000 + i, rubbish); // many
    }
    liar.forge(liar.turn->channel, next + (1U << 30U), {}); // so far it has got, it says
    send_numbered(at, 0, 20, 100);
    expect_numbered(other.leaf, 0, 20, 100);
}

} // namespace
} // namespace joinleaf::rdma::test
