// SPDX-License-Identifier: Apache-2.0
//
// Sessions without a root, over networks that lose, reorder and repeat datagrams, refuse joins and end memberships. What
// comes is whole and in its sender's order, and what is missing is counted.
#include "group_fixture.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <thread>

#include <sys/eventfd.h>

namespace joinleaf::rdma::test {
namespace {

class GroupSocket : public GroupSession {};

TEST_F(GroupSocket, IO_04_JL_78_JL_94_WhatOneMemberSendsReachesAllOthers) {
    const auto session = fresh_session();
    auto one = member(session);
    auto two = member(session);
    auto three = member(session);
    ASSERT_EQ(0, one.send("hello"));
    for (node* const each : {&two, &three}) {
        const auto got = take(*each);
        EXPECT_EQ("hello", got.text);
        EXPECT_EQ(JL_MSG_GROUP, got.flags);
        EXPECT_EQ(one.name().text(), got.from.text());
    }
    ASSERT_EQ(0, three.send("answer"));
    EXPECT_EQ("hello", take(one).text) << "its own, IO-24";
    EXPECT_EQ("answer", take(one).text);
    address peer;
    peer.size = address::room;
    EXPECT_EQ(0, one.get()->name(1, peer.raw(), &peer.size));
    EXPECT_EQ(session.text(), peer.text());
    EXPECT_EQ(session.port(), one.name().port()) << "JL-23";
}

TEST_F(GroupSocket, IO_23_IO_24_OnesOwnSendsComeBackUnlessSwitchedOff) {
    auto s = member(fresh_session());
    ASSERT_EQ(0, s.send("echo"));
    EXPECT_EQ("echo", try_take(s).text);
    set_loopback(s, 0);
    ASSERT_EQ(0, s.send("gone"));
    EXPECT_EQ(WSAEWOULDBLOCK, try_take(s).code);
    set_loopback(s, 1);
    ASSERT_EQ(0, s.send("back"));
    EXPECT_EQ("back", take(s).text);
}

TEST_F(GroupSocket, IO_25_LoopbackIsTheReceivers_AndWhatItKeepsOutIsNotMissing) {
    const auto session = fresh_session();
    auto on = member(session);
    auto off = quiet_member(session);
    ASSERT_EQ(0, on.send("one"));
    EXPECT_EQ("one", take(on).text);
    EXPECT_EQ(WSAEWOULDBLOCK, try_take(off).code) << "they are on one host";
    set_loopback(off, 1);
    ASSERT_EQ(0, on.send("two"));
    EXPECT_EQ("two", take(off).text);
    set_loopback(off, 0);
    ASSERT_EQ(0, on.send("three"));
    EXPECT_EQ(WSAEWOULDBLOCK, try_take(off).code);
    set_loopback(off, 1);
    ASSERT_EQ(0, on.send("four"));
    EXPECT_EQ("four", take(off).text);
    EXPECT_EQ(0U, off.stats().gaps);
}

TEST_F(GroupSocket, EveryLengthComesWhole) {
    const auto session = fresh_session();
    auto sender = member(session, JL_SENDER_ONLY);
    auto receiver = member(session, JL_RECEIVER_ONLY);
    for (const std::size_t size : {0U, 1U, 451U, 452U, 453U, 904U, 905U, 5000U, 65535U, 65536U}) {
        std::string text(size, 'x');
        for (std::size_t i = 0; i < size; ++i) {
            text[i] = static_cast<char>('a' + i % 23);
        }
        ASSERT_EQ(0, sender.send(text)) << size;
        EXPECT_EQ(text, take(receiver).text) << size;
    }
    EXPECT_EQ(WSAEMSGSIZE, sender.try_send(std::string(65537, 'x'))) << "IO-16";
    EXPECT_EQ(0U, receiver.stats().gaps);
    EXPECT_EQ(10U, receiver.stats().received_messages);
}

// sent - delivered = gaps, whatever the network does.
TEST_F(GroupSocket, LossReorderingAndDuplicates_LeaveOrderAndAnExactCount) {
    limits_.recv_buffer = 1u << 20;
    for (const std::size_t size : {100U, 1500U}) {
        const auto session = fresh_session();
        auto sender = member(session, JL_SENDER_ONLY);
        auto receiver = member(session, JL_RECEIVER_ONLY);
        ASSERT_EQ(0, sender.send("first"));
        ASSERT_EQ("first", take(receiver).text);
        change([](auto& now) {
            now.lose = 10;
            now.copy = 7;
            now.delay = true;
            now.crowded = 5;
        });
        constexpr int count = 400;
        for (int i = 0; i < count; ++i) {
            ASSERT_EQ(0, sender.send(message_number(i, size)));
        }
        change([](auto& now) {
            now = {};
            now.slice = 1056;
        });
        ASSERT_EQ(0, sender.send("last"));
        int delivered = 0;
        int last = -1;
        std::uint64_t told = 0;
        for (item got = take(receiver); got.text != "last"; got = take(receiver)) {
            ASSERT_EQ(0, got.code);
            if ((got.flags & JL_MSG_GAP) != 0) {
                told += got.gap;
                continue;
            }
            const int number = std::stoi(got.text);
            EXPECT_EQ(message_number(number, size), got.text);
            ASSERT_LT(last, number);
            last = number;
            ++delivered;
        }
        EXPECT_GT(delivered, 0);
        EXPECT_LT(delivered, count);
        EXPECT_EQ(static_cast<std::uint64_t>(count - delivered), receiver.stats().gaps);
        EXPECT_EQ(receiver.stats().gaps, told) << "JLP-19: each in its place";
        std::array<jl_leaf_stats, 2> heard{};
        std::uint32_t senders = 0;
        ASSERT_EQ(0, receiver.get()->leaves(heard.data(), 2, &senders));
        ASSERT_EQ(1U, senders);
        EXPECT_EQ(receiver.stats().gaps, heard[0].gaps);
        EXPECT_EQ(receiver.stats().received_messages, heard[0].received_messages);
    }
}

TEST_F(GroupSocket, AFullBoxLosesTheNewest_AndCountsThem) {
    limits_.recv_buffer = 64u << 10;
    const auto session = fresh_session();
    auto sender = member(session, JL_SENDER_ONLY);
    auto receiver = member(session, JL_RECEIVER_ONLY);
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(0, sender.send(message_number(i, 1000)));
    }
    wait_dropped(receiver, 35);
    int delivered = 0;
    for (item got = take(receiver); got.code == 0; got = try_take(receiver)) {
        EXPECT_EQ(message_number(delivered, 1000), got.text);
        ++delivered;
    }
    EXPECT_EQ(65, delivered);
    EXPECT_EQ(35U, receiver.stats().dropped_messages);
    ASSERT_EQ(0, sender.send("next"));
    EXPECT_EQ(35U, take(receiver).gap);
    EXPECT_EQ("next", take(receiver).text);
    EXPECT_EQ(35U, receiver.stats().gaps);
}

TEST_F(GroupSocket, IO_30_ACircularQueueLosesTheOldest) {
    const auto session = fresh_session();
    auto sender = member(session, JL_SENDER_ONLY);
    auto receiver = member(session, JL_RECEIVER_ONLY);
    std::uint32_t bytes = 0;
    EXPECT_EQ(0, receiver.get()->ioctl(SIO_ENABLE_CIRCULAR_QUEUEING, nullptr, 0, nullptr, 0, &bytes));
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(0, sender.send(message_number(i, 1000)));
    }
    wait_dropped(receiver, 35);
    const item gap = take(receiver);
    EXPECT_EQ(JL_MSG_GAP, gap.flags);
    EXPECT_EQ(35U, gap.gap);
    for (int i = 35; i < 100; ++i) {
        ASSERT_EQ(message_number(i, 1000), try_take(receiver).text);
    }
    EXPECT_EQ(35U, receiver.stats().gaps);
    EXPECT_EQ(35U, receiver.stats().dropped_messages);
}

TEST_F(GroupSocket, IO_10_AShortBufferLosesTheRest_AndAPeekNothing) {
    const auto session = fresh_session();
    auto s = member(session);
    ASSERT_EQ(0, s.send("0123456789"));
    ASSERT_EQ(0, s.send("next"));
    std::uint32_t bytes = 0;
    std::uint32_t queued = 0;
    EXPECT_EQ(0, s.get()->ioctl(FIONREAD, nullptr, 0, &queued, sizeof queued, &bytes));
    EXPECT_EQ(10U, queued);
    EXPECT_EQ("0123456789", try_take(s, 100, JL_MSG_PEEK).text);
    const auto cut = try_take(s, 4);
    EXPECT_EQ("0123", cut.text);
    EXPECT_EQ(JL_MSG_GROUP | JL_MSG_CUT, cut.flags);
    EXPECT_EQ("next", try_take(s).text);
}

TEST_F(GroupSocket, JL_33_ARefusedJoinSaysWhy_AndTheSocketMayTryAgain) {
    for (const bool at_once : {true, false}) {
        change([&](auto& now) {
            now.no_group = WSAEOPNOTSUPP;
            now.no_group_at_once = at_once;
        });
        auto s = make();
        s.start_join(fresh_session());
        const auto refused = s.outcome();
        EXPECT_EQ(WSAEOPNOTSUPP, refused.code);
        EXPECT_EQ("the network has no such group", refused.sentence);
        EXPECT_EQ(WSAENOTCONN, s.try_send("x"));
        change([](auto& now) { now.no_group = 0; });
        s.start_join(fresh_session());
        EXPECT_EQ(0, s.outcome().code);
        EXPECT_EQ(0, s.try_send("x"));
    }
}

TEST_F(GroupSocket, JL_07_JL_08_OnlyASessionCanBeJoinedOrSentTo) {
    auto s = make();
    jl_join join{};
    join.struct_size = sizeof join;
    join.direction = JL_BOTH;
    for (const auto& name : {address::parse("192.0.2.7").with_port(7000), address::parse("239.1.2.3"),
                             any_of(AF_INET).with_port(7000)}) {
        join.name = name.raw();
        join.name_len = name.size;
        EXPECT_EQ(WSAEADDRNOTAVAIL, s.get()->join(&join)) << name.text();
        EXPECT_EQ(WSAEADDRNOTAVAIL, send_to(s, name, "x")) << name.text();
    }
    const auto six = address::parse("ff15::77").with_port(7000);
    join.name = six.raw();
    join.name_len = six.size;
    EXPECT_EQ(WSAEAFNOSUPPORT, s.get()->join(&join));
}

TEST_F(GroupSocket, JL_94_ANonmemberMaySendToo) {
    const auto session = fresh_session();
    auto receiver = member(session, JL_RECEIVER_ONLY);
    auto stranger = make();
    const auto until = std::chrono::steady_clock::now() + deadline;
    int code = 0;
    while ((code = send_to(stranger, session, "yo")) == WSAEWOULDBLOCK &&
           std::chrono::steady_clock::now() < until) {
        std::int32_t ignored = 0;
        stranger.get()->arm(JL_OUT, &ignored);
        std::this_thread::sleep_for(1ms);
    }
    EXPECT_EQ(0, code);
    const auto got = take(receiver);
    EXPECT_EQ("yo", got.text);
    EXPECT_EQ(stranger.name().port(), got.from.port());
    EXPECT_NE(0, got.from.port());
    EXPECT_EQ(WSAENOTCONN, stranger.try_send("no destination"));
}

TEST_F(GroupSocket, ANonmemberSendsToMoreSessionsThanItKeeps) {
    std::vector<node> receivers;
    std::vector<address> sessions;
    for (int i = 0; i < 20; ++i) {
        sessions.push_back(fresh_session());
        receivers.push_back(member(sessions.back(), JL_RECEIVER_ONLY));
    }
    auto stranger = make();
    for (int round = 0; round < 2; ++round) {
        for (std::size_t i = 0; i < sessions.size(); ++i) {
            while (send_to(stranger, sessions[i], "x") == WSAEWOULDBLOCK) {
                std::this_thread::sleep_for(1ms);
            }
            EXPECT_EQ("x", take(receivers[i]).text);
        }
    }
    EXPECT_EQ(36U, [&] {
        const std::lock_guard hold(net_.mutex);
        return net_.groups.size();
    }());
}

TEST_F(GroupSocket, JL_36_ConnectChangesTheDestinationOnly) {
    const auto session = fresh_session();
    const auto elsewhere = fresh_session();
    auto s = member(session);
    auto other = member(session);
    auto there = member(elsewhere, JL_RECEIVER_ONLY);
    jl_join join{};
    join.struct_size = sizeof join;
    join.op = 77;
    join.name = elsewhere.raw();
    join.name_len = elsewhere.size;
    EXPECT_EQ(0, s.get()->connect(&join));
    EXPECT_EQ(0, s.send("there"));
    EXPECT_EQ("there", take(there).text);
    ASSERT_EQ(0, other.send("news"));
    EXPECT_EQ("news", take(s).text);
    EXPECT_EQ("news", take(other).text) << "its own";
    const auto nobody = any_of(AF_INET);
    join.name = nobody.raw();
    join.op = 78;
    EXPECT_EQ(0, s.get()->connect(&join));
    EXPECT_EQ(0, s.send("here"));
    EXPECT_EQ("here", take(other).text);
}

TEST_F(GroupSocket, AMembershipThatTheNetworkEnds_IsToldOnceAndForAll) {
    auto s = member(fresh_session());
    ASSERT_EQ(0, s.send("before"));
    net_.end_membership(0);
    ASSERT_EQ("before", take(s).text);
    std::int32_t code = 0;
    const auto lost = take(s);
    EXPECT_EQ(WSAENETDOWN, lost.code);
    EXPECT_EQ(JL_ENDED, s.get()->arm(JL_IN, &code));
    EXPECT_EQ(WSAENETDOWN, code);
    EXPECT_EQ(WSAENETDOWN, s.try_send("x"));
    EXPECT_TRUE(fake_host::wait_for_log("the network has lost the group"));
}

TEST_F(GroupSocket, LC_04_WhatWasAcceptedGoesBeforeTheClose) {
    const auto session = fresh_session();
    auto receiver = member(session, JL_RECEIVER_ONLY);
    for (int i = 0; i < 20; ++i) {
        auto sender = member(session, JL_SENDER_ONLY);
        change([](auto& now) { now.crowded = 2; }); // a long message does not leave in one go
        const std::string text = message_number(i, 20000);
        ASSERT_EQ(0, sender.send(text));
        sender.close();
        EXPECT_EQ(text, take(receiver).text);
        change([](auto& now) { now.crowded = 0; });
    }
}

// A network that never answers a join.
class silent_station final : public station {
  public:
    silent_station()
        : control_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
          data_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

    std::int32_t bind(const address& name) override {
        name_ = name.with_port(4711);
        return 0;
    }
    [[nodiscard]] address local_name() const override { return name_; }
    std::int32_t listen() override { return WSAEOPNOTSUPP; }
    void stop_listening() override {}
    link* connect(const address&, bool, link_owner&) override { return nullptr; }
    std::int32_t set_option(std::int32_t, std::int32_t, const void*, std::uint32_t) override {
        return WSAENOPROTOOPT;
    }
    std::int32_t get_option(std::int32_t, std::int32_t, void*, std::uint32_t*) override {
        return WSAENOPROTOOPT;
    }
    tl::expected<void, failure> lend(std::span<std::byte>) override { return {}; }
    void take_back(std::span<std::byte>, std::shared_ptr<void>) override {}
    [[nodiscard]] std::size_t slice_size() const override { return 1024; }
    tl::expected<void, failure> add_slots(link&, std::size_t) override { return {}; }
    void drop_slots(std::size_t) override {}
    void give_back(std::uint32_t) override {}
    tl::expected<std::unique_ptr<group>, failure> join_group(const address&, group_use,
                                                             group_owner&) override {
        return std::make_unique<membership>();
    }
    bool poll_control() override { return false; }
    bool poll_data() override { return false; }
    [[nodiscard]] int control_fd() const override { return control_.get(); }
    [[nodiscard]] int data_fd() const override { return data_.get(); }
    bool arm_data() override { return true; }

  private:
    struct membership final : group {
        [[nodiscard]] std::size_t datagram_size() const override { return 1024; }
        posted post(std::span<const std::byte>, std::span<const std::byte>, std::uint64_t) override {
            return posted::broken;
        }
    };
    provider::descriptor control_, data_;
    address name_;
};

class silent_engine final : public engine {
  public:
    tl::expected<std::unique_ptr<station>, failure> open(int, station_owner&) override {
        return std::make_unique<silent_station>();
    }
    [[nodiscard]] std::string description() const override { return "silence"; }
};

class SilentGroups : public GroupSession {
  protected:
    engine& way() override { return silence_; }
    silent_engine silence_;
};

TEST_F(SilentGroups, JL_41_AJoinThatNobodyAnswers_TimesOut) {
    limits_.join_timeout = 50ms;
    auto s = make();
    for (int round = 0; round < 2; ++round) {
        s.start_join(fresh_session());
        const auto late = s.outcome();
        EXPECT_EQ(WSAETIMEDOUT, late.code) << "JL-33";
        EXPECT_EQ("the network has not answered within join_timeout", late.sentence);
    }
    std::int32_t code = 0;
    const auto session = fresh_session();
    const auto until = std::chrono::steady_clock::now() + deadline;
    while ((code = send_to(s, session, "x")) == WSAEWOULDBLOCK && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(1ms);
    }
    EXPECT_EQ(WSAETIMEDOUT, code);
}

TEST_F(SilentGroups, JL_30_JL_54_APendingJoinIsAloneAndCanBeCancelled) {
    auto s = make();
    s.start_join(fresh_session());
    jl_join join{};
    join.struct_size = sizeof join;
    join.direction = JL_BOTH;
    const auto session = fresh_session();
    join.name = session.raw();
    join.name_len = session.size;
    EXPECT_EQ(WSAEALREADY, s.get()->join(&join));
    s.cancel();
    EXPECT_EQ(WSA_OPERATION_ABORTED, s.outcome().code);
    s.start_join(session);
    s.close(); // a pending join is no reason to wait
}

// Somebody who sends to the group what no member would.
class stranger final : public group_owner, station_owner {
  public:
    stranger(engine& way, const address& to) : station_(*way.open(AF_INET, *this)) {
        EXPECT_EQ(0, station_->bind(any_of(AF_INET)));
        group_ = std::move(*station_->join_group(to, group_use::send, *this));
        station_->poll_control();
    }
    void say(std::span<const std::byte> bytes) {
        EXPECT_NE(posted::broken, group_->post(bytes, {}, 0));
        station_->poll_data();
    }
    void on_joined() override {}
    void on_datagram(std::span<const std::byte>) override {}
    void on_posted(std::uint64_t) override {}
    void on_lost(const failure&) override {}
    link_owner* on_incoming(link&) override { return nullptr; }
    void on_parcel(const parcel&) override {}
    void on_trouble(const address&, const failure&) override {}

  private:
    std::unique_ptr<station> station_;
    std::unique_ptr<group> group_;
};

TEST_F(GroupSocket, HostileDatagramsAreDroppedAndCounted) {
    const auto session = fresh_session();
    auto receiver = member(session, JL_RECEIVER_ONLY);
    stranger liar(engine_, session);
    wire::piece_head good;
    good.port = session.port();
    good.sender = 1;
    good.from = session;
    good.size = 3;
    good.unit = 100;
    std::vector<wire::piece_head> bad(6, good);
    bad[0].size = 2;                        // shorter than what follows
    bad[1].size = 0xFFFFFFFF;               // longer than a message may be
    bad[2].size = 500, bad[2].offset = 7;   // no piece begins there
    bad[3].size = 500, bad[3].unit = 0;     // pieces of nothing
    bad[4].size = 500, bad[4].offset = 600; // behind the end
    bad[5].flags = 0x80;                    // a flag that does not exist
    const std::array<std::byte, 3> body{std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
    const auto say = [&](const wire::piece_head& head) {
        const auto bytes = wire::encode(head);
        std::vector<std::byte> whole(bytes.begin(), bytes.end());
        whole.insert(whole.end(), body.begin(), body.end());
        liar.say(whole);
    };
    for (const auto& each : bad) {
        say(each);
    }
    liar.say(std::as_bytes(std::span("GET / HTTP/1.1\r\n")));
    liar.say(body);
    auto elsewhere = good;
    elsewhere.port = 1; // another session of the group: nothing is wrong with it
    say(elsewhere);
    say(good);
    EXPECT_EQ("abc", take(receiver).text);
    EXPECT_EQ(8U, receiver.stats().dropped_messages);
    EXPECT_EQ(0U, receiver.stats().gaps);
}

TEST_F(GroupSocket, ASenderOfAnotherHostThatStaysOnIts_IsNotHeard) {
    const auto session = fresh_session();
    auto receiver = member(session, JL_RECEIVER_ONLY);
    stranger far(engine_, session);
    wire::piece_head head;
    head.port = session.port();
    head.sender = 9;
    head.host = 4711;
    head.from = session;
    head.flags = wire::flag_host_only;
    far.say(wire::encode(head));
    head.flags = 0;
    head.number = 1;
    far.say(wire::encode(head));
    EXPECT_EQ(0, take(receiver).code);
    EXPECT_EQ(1U, receiver.stats().received_messages);
    EXPECT_EQ(0U, receiver.stats().gaps) << "IO-27";
}

TEST_F(GroupSocket, ManySendersAreHeardWithBoundedMemory) {
    const auto session = fresh_session();
    auto receiver = member(session, JL_RECEIVER_ONLY);
    stranger crowd(engine_, session);
    wire::piece_head head;
    head.port = session.port();
    head.from = session;
    for (std::uint64_t i = 0; i < 1000; ++i) {
        head.sender = i;
        crowd.say(wire::encode(head));
        EXPECT_EQ(0, take(receiver).code);
    }
    std::uint32_t senders = 0;
    EXPECT_EQ(0, receiver.get()->leaves(nullptr, 0, &senders));
    EXPECT_EQ(256U, senders);
}

TEST_F(GroupSocket, RandomDatagramsHarmNobody) {
    const auto session = fresh_session();
    auto receiver = member(session, JL_RECEIVER_ONLY);
    stranger liar(engine_, session);
    wire::piece_head good;
    good.port = session.port();
    good.sender = 1;
    good.from = session;
    good.unit = 100;
    std::mt19937 lot(7);
    for (int i = 0; i < 5000; ++i) {
        good.size = static_cast<std::uint32_t>(lot() % 400);
        const auto head = wire::encode(good);
        std::vector<std::byte> whole(head.begin(), head.end());
        whole.resize(whole.size() + std::min<std::size_t>(good.size, 100));
        for (auto changes = lot() % 4; changes != 0; --changes) {
            whole[8 + lot() % (whole.size() - 8)] = static_cast<std::byte>(lot());
        }
        liar.say(whole);
    }
    auto honest = member(session, JL_SENDER_ONLY);
    ASSERT_EQ(0, honest.send("still there"));
    item got = take(receiver);
    while (got.code == 0 && got.text != "still there") {
        got = take(receiver);
    }
    EXPECT_EQ(0, got.code);
}

} // namespace
} // namespace joinleaf::rdma::test
