// SPDX-License-Identifier: Apache-2.0
//
// task, loop and async_socket over every transport.
#include "tests/cpp/cpp_fixture.hpp"

#include <stdexcept>

namespace joinleaf::test {
namespace {

// Runs what the loop has until the condition holds or the time is over.
template <class Condition> bool run_until(loop& in, Condition holds, clock::duration limit = patience) {
    for (const auto end = clock::now() + limit; !holds();) {
        if (clock::now() >= end) {
            return false;
        }
        if (in.is_ready() || readable(in.descriptor(), std::chrono::milliseconds(10))) {
            in.poll();
        }
    }
    return true;
}

// Nothing keeps the loop busy.
bool is_quiet(loop& in) {
    run_until(
        in, [] { return false; }, vigilance);
    return !in.is_ready() && !readable_now(in.descriptor());
}

// Awaits one operation and says what it came to.
template <class Operation, class Value> task<> keep(Operation begin, std::optional<result<Value>>& outcome) {
    outcome.emplace(co_await begin());
}

// An operation under way in a loop, with its outcome.
template <class Value> struct awaited {
    template <class Operation> awaited(loop& in, Operation begin) : loop_(in) {
        in.spawn(keep(std::move(begin), outcome));
    }
    [[nodiscard]] bool is_over(clock::duration limit = patience) {
        return run_until(
            loop_, [&] { return outcome.has_value(); }, limit);
    }
    [[nodiscard]] int code() { return is_over() ? outcome->code() : -1; }

    loop& loop_;
    std::optional<result<Value>> outcome{};
};

class Coroutine : public cpp_transport_test {
  protected:
    // Two sockets of one session, connection or group: what the first sends the second receives.
    struct pair {
        async_socket from;
        async_socket to;
        std::vector<socket> rest;
    };
    pair open() {
        switch (which().kind) {
        case plan::nonrooted: {
            const auto session = fresh_session();
            auto to = leaf_socket();
            EXPECT_EQ(0, to.join(session).code());
            auto from = leaf_socket();
            EXPECT_EQ(0, from.join(session, join_options(direction::send)).code());
            return {async_socket(in, std::move(from)), async_socket(in, std::move(to)), {}};
        }
        case plan::stream: {
            auto listener = listening(ordinary_socket());
            auto from = ordinary_socket();
            EXPECT_EQ(0, from.connect(name_of(listener)).code());
            auto to = listener.accept();
            EXPECT_EQ(0, to.code());
            return {async_socket(in, std::move(from)), async_socket(in, std::move(*to)), {}};
        }
        case plan::rooted:
        case plan::relayed: break;
        }
        auto root = listening(root_socket());
        auto built = add_somehow(root.handle());
        pair made{async_socket(in, std::move(root)), async_socket(in, socket(built.leaf.release())), {}};
        made.rest.emplace_back(built.branch.release());
        return made;
    }
    [[nodiscard]] async_socket listener() {
        return {in, listening(which().kind == plan::stream ? ordinary_socket() : root_socket())};
    }
    [[nodiscard]] bool joins_need_a_peer() const { return which().kind != plan::nonrooted; }

    loop in;
};

class RootedCoroutine : public Coroutine {};
class GroupCoroutine : public Coroutine {};

TEST_P(Coroutine, IO_14_AReceiveWaitsForTheMessage) {
    auto both = open();
    std::string room(100, '\0');
    awaited<std::size_t> receiving(in, [&] { return both.to.receive(room_of(room)); });
    EXPECT_FALSE(receiving.is_over(vigilance));
    awaited<std::size_t> sending(in, [&] { return both.from.send("late news"); });
    ASSERT_EQ(0, sending.code());
    ASSERT_EQ(0, receiving.code());
    EXPECT_EQ("late news", room.substr(0, **receiving.outcome));
}

TEST_P(Coroutine, PartsGoAsOneMessage) {
    auto both = open();
    std::string room(100, '\0');
    const std::string head = "head ";
    const std::string body = "body";
    const std::array parts{std::as_bytes(std::span(head)), std::as_bytes(std::span(body))};
    awaited<std::size_t> sending(in, [&] { return both.from.send(parts); });
    EXPECT_EQ(0, sending.code());
    awaited<std::size_t> receiving(in, [&] { return both.to.receive(room_of(room)); });
    ASSERT_EQ(0, receiving.code());
    EXPECT_EQ("head body", room.substr(0, **receiving.outcome));
}

TEST_P(Coroutine, MessagesComeInOrder_WhetherWaitedForOrThere) {
    auto both = open();
    const int count = which().kind == plan::nonrooted ? 100 : 500; // as many as a receive buffer surely holds
    const auto sender = [count](async_socket& from) -> task<> {
        for (int i = 0; i < count; ++i) {
            const auto text = std::to_string(1000 + i);
            (co_await from.send(text)).value();
        }
    };
    int seen = 0;
    const auto receiver = [&](async_socket& to) -> task<> {
        std::string room(4, '\0');
        for (; seen < count; ++seen) {
            std::size_t size = 0;
            while (size < room.size()) { // a stream may bring less at a time
                size += (co_await to.receive(room_of(room).subspan(size))).value();
            }
            if (std::to_string(1000 + seen) != room) {
                throw std::runtime_error(room + " came as number " + std::to_string(seen));
            }
        }
    };
    in.spawn(receiver(both.to));
    in.spawn(sender(both.from));
    EXPECT_TRUE(run_until(in, [&] { return seen == count; })) << seen;
}

TEST_P(Coroutine, IO_50_ACloseEndsWhatIsAwaited_Once) {
    auto both = open();
    std::string one(10, '\0');
    std::string two(10, '\0');
    awaited<std::size_t> first(in, [&] { return both.to.receive(room_of(one)); });
    awaited<std::size_t> second(in, [&] { return both.to.receive(room_of(two)); });
    awaited<int> third(in, [&] { return both.to.closed(); });
    EXPECT_FALSE(first.is_over(vigilance));
    both.to.close();
    EXPECT_EQ(WSA_OPERATION_ABORTED, first.code());
    EXPECT_EQ(WSA_OPERATION_ABORTED, second.code());
    EXPECT_EQ(WSA_OPERATION_ABORTED, third.code());
    EXPECT_TRUE(first.outcome->error().is_cancelled());
    awaited<std::size_t> late(in, [&] { return both.to.receive(room_of(one)); });
    EXPECT_EQ(WSAENOTSOCK, late.code());
}

TEST_P(Coroutine, CancelEndsWhatIsAwaited_AndTheSocketGoesOn) {
    auto both = open();
    std::string room(10, '\0');
    awaited<std::size_t> first(in, [&] { return both.to.receive(room_of(room)); });
    EXPECT_FALSE(first.is_over(vigilance));
    both.to.cancel();
    EXPECT_EQ(WSA_OPERATION_ABORTED, first.code());
    awaited<std::size_t> second(in, [&] { return both.to.receive(room_of(room)); });
    EXPECT_FALSE(second.is_over(vigilance));
    ASSERT_TRUE(both.from.get().send("x"));
    EXPECT_EQ(0, second.code());
}

TEST_P(Coroutine, AReleasedSocketIsAnOrdinaryOneAgain) {
    auto both = open();
    std::string room(10, '\0');
    awaited<std::size_t> receiving(in, [&] { return both.to.receive(room_of(room)); });
    EXPECT_FALSE(receiving.is_over(vigilance));
    auto plain = both.to.release();
    EXPECT_EQ(WSA_OPERATION_ABORTED, receiving.code());
    EXPECT_TRUE(plain.is_nonblocking());
    ASSERT_EQ(0, plain.set_blocking(true).code()); // no registration stands in the way (EV-05)
    ASSERT_TRUE(both.from.get().send("x"));
    EXPECT_EQ(1U, plain.receive(room_of(room)).value_or(0));
}

// The coroutine goes before the loop and its socket do; and the loop with tasks that wait.
TEST_P(Coroutine, LC_20_ATaskThatIsDroppedLeavesNothing) {
    { const auto once = open(); }
    std::string room(10, '\0');
    const footprint before;
    {
        auto both = open();
        std::optional<result<std::size_t>> outcome;
        {
            auto dropped = keep([&] { return both.to.receive(room_of(room)); }, outcome);
            auto outer = [](task<>& inner) -> task<> { co_await inner; }(dropped);
            loop other;
            other.spawn(std::move(outer));
            other.poll();
        }
        ASSERT_TRUE(both.from.get().send("x"));
        EXPECT_TRUE(is_quiet(in));
        EXPECT_FALSE(outcome.has_value());
        awaited<std::size_t> heir(in, [&] { return both.to.receive(room_of(room)); });
        EXPECT_EQ(0, heir.code());
        both.to.close();
    }
    EXPECT_TRUE(is_back_at(before));
}

TEST_P(RootedCoroutine, JL_51_ASessionIsBuiltAndUsed_InOneThread) {
    need(way::ask);
    auto root = listener();
    const auto at = name_of(root.get());
    std::vector<async_socket> branches;
    const auto admit_two = [&]() -> task<int> {
        for (int i = 0; i < 2; ++i) {
            auto branch = co_await root.accept([](request& asked) noexcept {
                return asked.answer("for " + std::string(asked.data())) ? verdict::accept : verdict::reject;
            });
            branches.emplace_back(in, std::move(branch).value());
        }
        co_return static_cast<int>(branches.size());
    };
    const auto member = [&](async_socket& leaf, std::string name) -> task<std::string> {
        const auto joined = (co_await leaf.join(at, with_data(name, 100))).value();
        std::string room(100, '\0');
        const auto size = (co_await leaf.receive(room_of(room))).value();
        (co_await leaf.send(name + " thanks")).value();
        co_return joined.answer + ": " + room.substr(0, size);
    };
    async_socket anna(in, leaf_socket());
    async_socket bela(in, leaf_socket());
    std::vector<std::string> heard;
    const auto whole = [&](async_socket& leaf, std::string name) -> task<> {
        heard.push_back(co_await member(leaf, name));
    };
    std::vector<std::string> answers;
    const auto lead = [&]() -> task<> {
        const int admitted = co_await admit_two();
        (co_await root.send("hello")).value();
        for (int i = 0; i < admitted; ++i) {
            std::string room(100, '\0');
            const auto size = (co_await root.receive(room_of(room))).value();
            answers.push_back(room.substr(0, size));
        }
    };
    in.spawn(lead());
    in.spawn(whole(anna, "Anna"));
    in.spawn(whole(bela, "Bela"));
    ASSERT_TRUE(run_until(in, [&] { return answers.size() == 2 && heard.size() == 2; }));
    std::sort(answers.begin(), answers.end());
    std::sort(heard.begin(), heard.end());
    EXPECT_EQ((std::vector<std::string>{"Anna thanks", "Bela thanks"}), answers);
    EXPECT_EQ((std::vector<std::string>{"for Anna: hello", "for Bela: hello"}), heard);
}

TEST_P(RootedCoroutine, JL_33_ARefusedJoinIsAnError_AndCanBeTriedAgain) {
    need(way::ask);
    auto root = listener();
    const auto at = name_of(root.get());
    async_socket leaf(in, leaf_socket());
    awaited<socket> refusing(in,
                             [&] { return root.accept([](request&) noexcept { return verdict::reject; }); });
    awaited<joined> first(in, [&] { return leaf.join(at, with_data("x", 10)); });
    EXPECT_EQ(WSAECONNREFUSED, first.code());
    EXPECT_EQ(WSAECONNREFUSED, refusing.code());
    awaited<socket> admitting(in, [&] { return root.accept(); });
    awaited<joined> second(in, [&] { return leaf.join(at); });
    EXPECT_EQ(0, second.code());
    EXPECT_EQ(0, admitting.code());
    awaited<joined> third(in, [&] { return leaf.join(at); });
    EXPECT_EQ(WSAEISCONN, third.code()); // JL-31
}

TEST_P(RootedCoroutine, JL_30_ASecondJoinMeanwhile_IsRefused_TheFirstGoesOn) {
    need(way::ask);
    auto root = listener();
    const auto at = name_of(root.get());
    async_socket leaf(in, leaf_socket());
    awaited<joined> first(in, [&] { return leaf.join(at); });
    EXPECT_FALSE(first.is_over(vigilance));
    awaited<joined> second(in, [&] { return leaf.join(at); });
    EXPECT_EQ(WSAEALREADY, second.code());
    awaited<socket> admitting(in, [&] { return root.accept(); });
    EXPECT_EQ(0, first.code());
    EXPECT_EQ(0, admitting.code());
}

TEST_P(RootedCoroutine, JL_54_ACancelledInvitationIsWithdrawn_AndTheRootInvitesAgain) {
    need(way::invite);
    async_socket root(in, root_socket());
    async_socket door(in, listening(leaf_socket()));
    const auto at = name_of(door.get());
    awaited<joined> first(in, [&] { return root.join(at, with_data("first", 20)); });
    EXPECT_FALSE(first.is_over(vigilance));
    root.cancel();
    std::string invited_with;
    awaited<joined> second(in, [&] { return root.join(at, with_data("second", 20)); }); // at once
    EXPECT_EQ(WSA_OPERATION_ABORTED, first.code());
    const auto agree = [&]() -> task<> {
        while (invited_with != "second") { // the first may still stand there (AC-16)
            auto member = co_await door.accept([&](request& asked) noexcept {
                invited_with = asked.data();
                asked.answer("gladly");
                return verdict::accept;
            });
            if (member && invited_with == "second") {
                std::string room(20, '\0');
                async_socket mine(in, std::move(*member));
                const auto size = (co_await mine.receive(room_of(room))).value();
                invited_with += " " + room.substr(0, size);
                co_return;
            }
        }
    };
    in.spawn(agree());
    ASSERT_EQ(0, second.code());
    EXPECT_TRUE((*second.outcome)->branch);
    EXPECT_EQ("gladly", (*second.outcome)->answer);
    ASSERT_TRUE(root.get().send("welcome"));
    EXPECT_TRUE(run_until(in, [&] { return invited_with == "second welcome"; })) << invited_with;
}

TEST_P(RootedCoroutine, LC_15_AClosedLeafTakesItsJoinBack) {
    need(way::ask);
    auto root = listener();
    const auto at = name_of(root.get());
    async_socket leaf(in, leaf_socket());
    awaited<joined> joining(in, [&] { return leaf.join(at, with_data("x", 10)); });
    EXPECT_FALSE(joining.is_over(vigilance));
    leaf.close();
    EXPECT_EQ(WSA_OPERATION_ABORTED, joining.code());
}

// A root's descriptor is readable for requests and for data alike; who waits for the one is not woken by the other
// without end.
TEST_P(RootedCoroutine, EV_51_ARequestThatNobodyAccepts_DoesNotKeepAReceiverBusy) {
    need(way::ask);
    auto root = listener();
    const auto at = name_of(root.get());
    std::string room(100, '\0');
    async_socket leaf(in, leaf_socket());
    awaited<socket> admitting(in, [&] { return root.accept(); });
    awaited<joined> joining(in, [&] { return leaf.join(at); });
    ASSERT_EQ(0, admitting.code());
    ASSERT_EQ(0, joining.code());
    awaited<std::size_t> receiving(in, [&] { return root.receive(room_of(room)); });
    async_socket other(in, leaf_socket());
    awaited<joined> waiting(in, [&] { return other.join(at); });
    EXPECT_FALSE(waiting.is_over(vigilance));
    ASSERT_TRUE(readable(root.get().descriptor()));
    EXPECT_TRUE(is_quiet(in));
    ASSERT_TRUE(leaf.get().send("data"));
    EXPECT_EQ(0, receiving.code());
    awaited<socket> second(in, [&] { return root.accept(); });
    EXPECT_EQ(0, second.code());
    EXPECT_EQ(0, waiting.code());
}

TEST_P(RootedCoroutine, IO_07_ASendWaitsForRoom) {
    auto both = open();
    const std::string part(60000, 'x');
    std::size_t sent = 0;
    const auto sender = [&]() -> task<> {
        for (;;) {
            if (!(co_await both.from.send(part))) {
                co_return;
            }
            ++sent;
        }
    };
    in.spawn(sender());
    std::size_t before = 1;
    ASSERT_TRUE(run_until(in, [&] { // until a while has passed without a further message
        const bool full = sent == before && is_quiet(in) && sent == before;
        before = sent;
        return full;
    }));
    std::size_t arrived = 0;
    const auto receiver = [&]() -> task<> {
        std::string room(part.size(), '\0');
        for (; arrived < before + 10; ++arrived) {
            EXPECT_EQ(part.size(), (co_await both.to.receive(room_of(room))).value());
        }
    };
    in.spawn(receiver());
    EXPECT_TRUE(run_until(in, [&] { return arrived == before + 10; })) << arrived << " of " << before;
    EXPECT_GT(sent, before);
    both.from.close();
}

TEST_P(RootedCoroutine, LC_01_EV_45_ABranchAwaitsThatItsLeafLeaves) {
    auto both = open();
    async_socket branch(in, std::move(both.rest.front()));
    awaited<int> leaving(in, [&] { return branch.closed(); });
    EXPECT_FALSE(leaving.is_over(vigilance));
    both.to.close();
    ASSERT_EQ(0, leaving.code());
    EXPECT_EQ(0, **leaving.outcome);
    awaited<int> again(in, [&] { return branch.closed(); });
    EXPECT_EQ(0, again.code());
}

TEST_P(RootedCoroutine, IO_12_AReceiveEndsWithTheSession) {
    auto both = open();
    std::string room(10, '\0');
    awaited<std::size_t> receiving(in, [&] { return both.to.receive(room_of(room)); });
    EXPECT_FALSE(receiving.is_over(vigilance));
    both.from.close();
    EXPECT_EQ(WSAEDISCON, receiving.code());
}

TEST_P(RootedCoroutine, AC_09_ADeferredRequestIsAskedAgain) {
    need(way::ask);
    auto root = listener();
    const auto at = name_of(root.get());
    async_socket leaf(in, leaf_socket());
    awaited<socket> deferring(in,
                              [&] { return root.accept([](request&) noexcept { return verdict::defer; }); });
    awaited<joined> joining(in, [&] { return leaf.join(at); });
    EXPECT_EQ(WSATRY_AGAIN, deferring.code());
    EXPECT_FALSE(joining.is_over(vigilance));
    awaited<socket> admitting(in, [&] { return root.accept(); });
    EXPECT_EQ(0, admitting.code());
    EXPECT_EQ(0, joining.code());
}

TEST_P(RootedCoroutine, QS_19_AnotherQualityIsAwaited) {
    if (!has(XP1_QOS_SUPPORTED)) {
        GTEST_SKIP() << "XP1_QOS_SUPPORTED";
    }
    auto both = open();
    awaited<int> change(in, [&] { return both.to.quality_changed(); });
    EXPECT_FALSE(change.is_over(vigilance));
    const auto wanted = flow(SERVICETYPE_GUARANTEED, 100000, 5000);
    ASSERT_EQ(0, both.rest.front().set_quality(quality(wanted, wanted)).code());
    ASSERT_EQ(0, change.code());
    EXPECT_EQ(100000U, both.to.get().quality().value_or(QOS{}).SendingFlowspec.TokenRate);
}

TEST_P(GroupCoroutine, JL_58_AJoinThatIsOverAtOnce_IsAwaitedLikeOthers) {
    const auto session = fresh_session();
    async_socket member(in, leaf_socket());
    awaited<joined> joining(in, [&] { return member.join(session); });
    ASSERT_EQ(0, joining.code());
    std::array<std::byte, 100> room{};
    awaited<received> receiving(in, [&] { return member.receive_from(room); });
    awaited<std::size_t> sending(
        in, [&] { return member.send_to(session, std::as_bytes(std::span("hello", 5))); });
    ASSERT_EQ(0, sending.code());
    ASSERT_EQ(0, receiving.code());
    EXPECT_EQ(5U, (*receiving.outcome)->size);
    EXPECT_EQ(name_of(member.get()).port(), (*receiving.outcome)->from.port());
}

class StreamCoroutine : public Coroutine {};

TEST_P(StreamCoroutine, JL_36_AConnectIsAwaited) {
    auto at = listener();
    const auto name = name_of(at.get());
    async_socket client(in, ordinary_socket());
    awaited<void> connecting(in, [&] { return client.connect(name); });
    awaited<socket> admitting(in, [&] { return at.accept(); });
    EXPECT_EQ(0, connecting.code());
    EXPECT_EQ(0, admitting.code());
    at.close();
    async_socket late(in, ordinary_socket());
    awaited<void> refused_one(in, [&] { return late.connect(name); });
    EXPECT_EQ(WSAECONNREFUSED, refused_one.code());
}

TEST(Loop, GivesTheValueOfATask) {
    loop in;
    EXPECT_EQ(7, in.run([]() -> task<int> { co_return 7; }()));
    const auto nested = [](auto&& self, int depth) -> task<int> {
        if (depth == 0) {
            co_return 0;
        }
        co_return 1 + co_await self(self, depth - 1);
    };
    EXPECT_EQ(50, in.run(nested(nested, 50)));
}

TEST(Loop, AnExceptionComesOutOfRun_TheOthersGoOn) {
    loop in;
    int done = 0;
    const auto fails = [](const char* why) -> task<> {
        throw std::runtime_error(why);
        co_return;
    };
    const auto works = [&]() -> task<> {
        ++done;
        co_return;
    };
    in.spawn(fails("one"));
    in.spawn(works());
    in.spawn(fails("two"));
    EXPECT_THROW(in.run(), std::runtime_error);
    EXPECT_THROW(in.run(), std::runtime_error);
    EXPECT_NO_THROW(in.run());
    EXPECT_EQ(1, done);
    EXPECT_THROW(in.run(fails("three")), std::runtime_error);
    const auto catches = [&]() -> task<> {
        try {
            co_await fails("four");
        } catch (const std::runtime_error&) {
            ++done;
        }
    };
    in.run(catches());
    EXPECT_EQ(2, done);
}

class LoopInRuntime : public runtime_test {};

// A socket that always has something lets others in.
TEST_F(LoopInRuntime, IsFair) {
    loop in;
    std::string why;
    if (!has_multicast(why)) {
        GTEST_SKIP() << "no multicast: " << why;
    }
    const auto session = cpp_address(fresh_group(AF_INET));
    async_socket busy(in, group::join(session, direction::send).value());
    bool stop = false;
    int turns = 0;
    const auto never_waits = [&]() -> task<> {
        while (!stop) {
            (co_await busy.send("x")).value();
            ++turns;
        }
    };
    const auto other = [&]() -> task<> {
        stop = true;
        co_return;
    };
    const auto starts_it = [&]() -> task<> {
        in.spawn(other());
        co_return;
    };
    in.spawn(never_waits());
    in.spawn(starts_it());
    EXPECT_TRUE(run_until(in, [&] { return stop; }));
    EXPECT_GT(turns, 0);
}

TEST_F(LoopInRuntime, AnEmptySocketIsNoSocket) {
    loop in;
    EXPECT_EQ(WSAENOTSOCK, async_socket::begin(in, socket()).code());
    EXPECT_THROW(async_socket(in, socket()), failure);
}

INSTANTIATE_TEST_SUITE_P(Transports, Coroutine, ::testing::ValuesIn(all_transports()), transport_name());
INSTANTIATE_TEST_SUITE_P(Transports, RootedCoroutine, ::testing::ValuesIn(session_transports()),
                         transport_name());
INSTANTIATE_TEST_SUITE_P(Transports, GroupCoroutine, ::testing::ValuesIn(transports_of({plan::nonrooted})),
                         transport_name());
INSTANTIATE_TEST_SUITE_P(Transports, StreamCoroutine, ::testing::ValuesIn(transports_of({plan::stream})),
                         transport_name());

} // namespace
} // namespace joinleaf::test
