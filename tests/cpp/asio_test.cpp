// SPDX-License-Identifier: Apache-2.0
//
// asio::socket over every transport: tokens, executors, cancelling, exactly one completion.
#include <joinleaf/asio.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include "tests/cpp/cpp_fixture.hpp"

#include <atomic>

namespace joinleaf::test {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using net::use_awaitable;

// What an operation completed with, and how often.
template <class Value> struct completion {
    int times = 0;
    error_code code{};
    std::optional<Value> value{};

    auto handler() {
        return [this](error_code with, Value what) {
            ++times;
            code = with;
            value.emplace(std::move(what));
        };
    }
};

class Asio : public cpp_transport_test {
  protected:
    struct pair {
        asio::socket from;
        asio::socket to;
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
            return {asio::socket(context, std::move(from)), asio::socket(context, std::move(to)), {}};
        }
        case plan::stream: {
            auto listener = listening(ordinary_socket());
            auto from = ordinary_socket();
            EXPECT_EQ(0, from.connect(name_of(listener)).code());
            auto to = listener.accept();
            EXPECT_EQ(0, to.code());
            return {asio::socket(context, std::move(from)), asio::socket(context, std::move(*to)), {}};
        }
        case plan::rooted:
        case plan::relayed: break;
        }
        auto root = listening(root_socket());
        auto built = add_somehow(root.handle());
        pair made{
            asio::socket(context, std::move(root)), asio::socket(context, socket(built.leaf.release())), {}};
        made.rest.emplace_back(built.branch.release());
        return made;
    }
    // Runs handlers until the condition holds or the time is over.
    template <class Condition> bool run_until(Condition holds, clock::duration limit = patience) {
        for (const auto end = clock::now() + limit; !holds();) {
            if (clock::now() >= end) {
                return false;
            }
            context.restart();
            context.run_one_for(std::chrono::milliseconds(10));
        }
        return true;
    }
    template <class Value> bool over(const completion<Value>& what) {
        return run_until([&] { return what.times > 0; });
    }
    template <class Value> bool stays_pending(const completion<Value>& what) {
        return !run_until([&] { return what.times > 0; }, vigilance);
    }
    // Everything that is under way has completed.
    bool runs_out() {
        context.restart();
        context.run_for(patience);
        return context.stopped();
    }

    net::io_context context;
};

class RootedAsio : public Asio {};
class StreamAsio : public Asio {};

TEST_P(Asio, ACallbackIsCalledOnce_NeverFromInsideTheCall) {
    auto both = open();
    std::string room(100, '\0');
    completion<std::size_t> receiving;
    completion<std::size_t> sending;
    both.to.async_receive(net::buffer(room), receiving.handler());
    EXPECT_TRUE(stays_pending(receiving));
    both.from.async_send(net::buffer("news", 4), sending.handler());
    EXPECT_EQ(0, sending.times);
    ASSERT_TRUE(over(sending) && over(receiving));
    EXPECT_FALSE(sending.code) << sending.code.message();
    EXPECT_FALSE(receiving.code) << receiving.code.message();
    EXPECT_EQ("news", room.substr(0, *receiving.value));
    ASSERT_TRUE(both.from.get().send("more"));
    completion<std::size_t> again;
    ASSERT_TRUE(readable(both.to.get().descriptor()));
    both.to.async_receive(net::buffer(room), again.handler());
    EXPECT_EQ(0, again.times);
    EXPECT_TRUE(runs_out());
    EXPECT_EQ(1, again.times);
    EXPECT_EQ(1, receiving.times);
    EXPECT_EQ(1, sending.times);
}

TEST_P(Asio, AFutureHasTheValue_OrThrows) {
    auto both = open();
    std::string room(100, '\0');
    auto receiving = both.to.async_receive(net::buffer(room), net::use_future);
    auto sending = both.from.async_send(net::buffer("news", 4), net::use_future);
    ASSERT_TRUE(run_until([&] { return is_done(receiving) && is_done(sending); }));
    EXPECT_EQ(4U, receiving.get());
    EXPECT_EQ(4U, sending.get());
    auto cancelled = both.to.async_receive(net::buffer(room), net::use_future);
    both.to.close();
    ASSERT_TRUE(run_until([&] { return is_done(cancelled); }));
    try {
        cancelled.get();
        FAIL() << "no exception";
    } catch (const boost::system::system_error& thrown) {
        EXPECT_EQ(net::error::operation_aborted, thrown.code());
    }
}

TEST_P(Asio, ASequenceOfBuffersGoesAsOneMessage) {
    auto both = open();
    std::string room(100, '\0');
    completion<std::size_t> sending;
    completion<std::size_t> receiving;
    {
        const std::vector<net::const_buffer> parts{net::buffer("head ", 5), net::buffer("body", 4)};
        both.from.async_send(parts, sending.handler());
    }
    both.to.async_receive(net::buffer(room), receiving.handler());
    ASSERT_TRUE(over(sending) && over(receiving));
    EXPECT_EQ(9U, sending.value.value_or(0));
    EXPECT_EQ("head body", room.substr(0, receiving.value.value_or(0)));
}

TEST_P(Asio, MessagesComeInOrder_AwaitedOnAStrandWithSeveralThreads) {
    auto both = open();
    const int count = which().kind == plan::nonrooted ? 100 : 300; // as many as a receive buffer surely holds
    const auto strand = net::make_strand(context);
    int seen = 0;
    std::atomic<int> ended{0};
    const auto sender = [count](asio::socket& from) -> net::awaitable<void> {
        for (int i = 0; i < count; ++i) {
            const auto text = std::to_string(1000 + i);
            co_await from.async_send(net::buffer(text), use_awaitable);
        }
    };
    const auto receiver = [&](asio::socket& to) -> net::awaitable<void> {
        std::string room(4, '\0');
        for (; seen < count; ++seen) {
            std::size_t size = 0;
            while (size < room.size()) {
                size += co_await to.async_receive(net::buffer(room.data() + size, room.size() - size),
                                                  use_awaitable);
            }
            if (std::to_string(1000 + seen) != room) {
                throw std::runtime_error(room + " came as number " + std::to_string(seen));
            }
        }
    };
    const auto note_end = [&](const std::exception_ptr& thrown) { ended += thrown ? 100 : 1; };
    net::co_spawn(strand, receiver(both.to), note_end);
    net::co_spawn(strand, sender(both.from), note_end);
    std::vector<std::future<bool>> threads;
    threads.reserve(4);
    for (int i = 0; i < 4; ++i) {
        threads.push_back(in_background([&] {
            context.run_for(patience / 2);
            return true;
        }));
    }
    for (auto& thread : threads) {
        result_of(thread, "io_context::run");
    }
    EXPECT_EQ(2, ended);
    EXPECT_EQ(count, seen);
}

TEST_P(Asio, AHandlerRunsInItsOwnExecutor) {
    auto both = open();
    net::io_context other;
    std::string room(100, '\0');
    completion<std::size_t> receiving;
    both.to.async_receive(net::buffer(room), net::bind_executor(other.get_executor(), receiving.handler()));
    ASSERT_TRUE(both.from.get().send("x"));
    const auto end = clock::now() + patience;
    while (receiving.times == 0 && clock::now() < end) {
        context.restart();
        context.run_one_for(std::chrono::milliseconds(5));
        ASSERT_EQ(0, receiving.times);
        other.restart();
        other.run_one_for(std::chrono::milliseconds(5));
    }
    EXPECT_EQ(1, receiving.times);
    EXPECT_FALSE(receiving.code) << receiving.code.message();
}

TEST_P(Asio, IO_50_ACloseCompletesEverything_Once) {
    auto both = open();
    std::string one(10, '\0');
    std::string two(10, '\0');
    completion<std::size_t> first;
    completion<std::size_t> second;
    completion<int> third;
    both.to.async_receive(net::buffer(one), first.handler());
    both.to.async_receive(net::buffer(two), second.handler());
    both.to.async_wait_closed(third.handler());
    EXPECT_TRUE(stays_pending(first));
    both.to.close();
    EXPECT_FALSE(both.to.is_open());
    EXPECT_EQ(0, first.times);
    EXPECT_TRUE(runs_out());
    for (const auto* each : {&first, &second}) {
        EXPECT_EQ(1, each->times);
        EXPECT_EQ(net::error::operation_aborted, each->code);
    }
    EXPECT_EQ(1, third.times);
    EXPECT_EQ(net::error::operation_aborted, third.code);
    completion<std::size_t> late;
    both.to.async_receive(net::buffer(one), late.handler());
    EXPECT_TRUE(runs_out());
    EXPECT_EQ(1, late.times);
    EXPECT_EQ(boost::system::errc::not_a_socket, late.code);
}

// The message is there and its handler queued when the socket is cancelled: what has been received is not lost, and a
// cancelled operation takes nothing.
TEST_P(Asio, CancelLosesNoMessage) {
    auto both = open();
    std::string room(10, '\0');
    completion<std::size_t> receiving;
    both.to.async_receive(net::buffer(room), receiving.handler());
    EXPECT_TRUE(stays_pending(receiving));
    ASSERT_TRUE(both.from.get().send("x"));
    ASSERT_TRUE(readable(both.to.get().descriptor()));
    both.to.cancel();
    ASSERT_TRUE(over(receiving));
    EXPECT_EQ(net::error::operation_aborted, receiving.code);
    completion<std::size_t> next;
    both.to.async_receive(net::buffer(room), next.handler());
    ASSERT_TRUE(over(next));
    EXPECT_FALSE(next.code) << next.code.message();
    EXPECT_EQ(1U, next.value.value_or(0));
}

TEST_P(Asio, LC_20_AContextThatEndsWithOperationsUnderWay_LeavesNothing) {
    { const auto once = open(); }
    context.restart();
    const footprint before;
    {
        std::optional<net::io_context> mine(std::in_place);
        auto both = open();
        std::string room(10, '\0');
        auto to = std::make_unique<asio::socket>(*mine, both.to.release());
        auto holder = [&room](asio::socket held) -> net::awaitable<void> {
            co_await held.async_receive(net::buffer(room), use_awaitable);
        };
        net::co_spawn(*mine, holder(std::move(*to)), net::detached);
        to.reset();
        mine->run_for(std::chrono::milliseconds(50));
        mine.reset();
    }
    EXPECT_TRUE(is_back_at(before));
}

TEST_P(Asio, AReleasedSocketIsAnOrdinaryOneAgain) {
    auto both = open();
    std::string room(10, '\0');
    completion<std::size_t> receiving;
    both.to.async_receive(net::buffer(room), receiving.handler());
    EXPECT_TRUE(stays_pending(receiving));
    auto plain = both.to.release();
    ASSERT_TRUE(over(receiving));
    EXPECT_EQ(net::error::operation_aborted, receiving.code);
    ASSERT_EQ(0, plain.set_blocking(true).code());
    ASSERT_TRUE(both.from.get().send("x"));
    EXPECT_EQ(1U, plain.receive(room_of(room)).value_or(0));
}

TEST_P(RootedAsio, JL_51_ASessionOfCoroutines) {
    need(way::ask);
    asio::socket root(context, listening(root_socket()));
    const auto at = name_of(root.get());
    std::vector<std::string> heard;
    const auto lead = [&]() -> net::awaitable<void> {
        std::vector<asio::socket> branches;
        branches.reserve(2);
        for (int i = 0; i < 2; ++i) {
            branches.push_back(co_await root.async_accept(
                [](request& asked) noexcept {
                    return asked.answer("for " + std::string(asked.data())) ? verdict::accept
                                                                            : verdict::reject;
                },
                use_awaitable));
        }
        co_await root.async_send(net::buffer("hello", 5), use_awaitable);
        for (auto& each : branches) {
            if (const int code = co_await each.async_wait_closed(use_awaitable); code != 0) {
                throw failure(error(code));
            }
        }
    };
    const auto follow = [&](std::string name) -> net::awaitable<void> {
        asio::socket leaf(context, leaf_socket());
        auto options = with_data(name, 100);
        const auto in = co_await leaf.async_join(at, options, use_awaitable);
        std::string room(100, '\0');
        const auto size = co_await leaf.async_receive(net::buffer(room), use_awaitable);
        heard.push_back(in.answer + ": " + room.substr(0, size));
    };
    std::vector<std::string> thrown;
    const auto note = [&](const std::exception_ptr& what) {
        try {
            if (what) {
                std::rethrow_exception(what);
            }
        } catch (const std::exception& each) {
            thrown.emplace_back(each.what());
        }
    };
    net::co_spawn(context, lead(), note);
    net::co_spawn(context, follow("Anna"), note);
    net::co_spawn(context, follow("Bela"), note);
    EXPECT_TRUE(runs_out());
    EXPECT_TRUE(thrown.empty()) << thrown.front();
    std::sort(heard.begin(), heard.end());
    EXPECT_EQ((std::vector<std::string>{"for Anna: hello", "for Bela: hello"}), heard);
}

TEST_P(RootedAsio, JL_33_ARefusedJoinIsAnErrorCode) {
    need(way::ask);
    asio::socket root(context, listening(root_socket()));
    asio::socket leaf(context, leaf_socket());
    completion<asio::socket> refusing;
    completion<asio::joined_socket> joining;
    root.async_accept([](request&) noexcept { return verdict::reject; }, refusing.handler());
    leaf.async_join(name_of(root.get()), joining.handler());
    ASSERT_TRUE(over(joining) && over(refusing));
    EXPECT_EQ(boost::system::errc::connection_refused, joining.code);
    EXPECT_EQ(WSAECONNREFUSED, joining.code.value());
    EXPECT_STREQ("winsock", joining.code.category().name());
    EXPECT_NE(joining.code.message().find("WSAECONNREFUSED"), std::string::npos);
    EXPECT_FALSE(refusing.value->is_open());
}

TEST_P(RootedAsio, JL_54_ACancelledInvitation_CompletesOnce_AndTheRootInvitesAgain) {
    need(way::invite);
    asio::socket root(context, root_socket());
    asio::socket door(context, listening(leaf_socket()));
    const auto at = name_of(door.get());
    completion<asio::joined_socket> first;
    root.async_join(at, with_data("first", 10), first.handler());
    ASSERT_TRUE(stays_pending(first));
    root.cancel();
    ASSERT_TRUE(over(first));
    EXPECT_EQ(net::error::operation_aborted, first.code);
    completion<asio::joined_socket> second;
    root.async_join(at, second.handler());
    std::vector<asio::socket> members;
    const auto agree = [&]() -> net::awaitable<void> {
        while (second.times == 0) {
            error_code withdrawn;
            auto member = co_await door.async_accept(net::redirect_error(use_awaitable, withdrawn));
            if (!withdrawn) {
                members.push_back(std::move(member));
            }
        }
    };
    net::co_spawn(context, agree(), net::detached);
    ASSERT_TRUE(over(second));
    EXPECT_FALSE(second.code) << second.code.message();
    EXPECT_TRUE(second.value->branch.is_open());
    EXPECT_EQ(1, first.times);
    door.close();
    EXPECT_TRUE(runs_out());
}

TEST_P(RootedAsio, IO_12_TheEndOfASessionIsEof) {
    auto both = open();
    std::string room(10, '\0');
    completion<std::size_t> receiving;
    both.to.async_receive(net::buffer(room), receiving.handler());
    EXPECT_TRUE(stays_pending(receiving));
    both.from.close();
    ASSERT_TRUE(over(receiving));
    EXPECT_EQ(net::error::eof, receiving.code);
}

TEST_P(StreamAsio, IO_12_TheEndOfAStreamIsEof) {
    auto both = open();
    std::string room(10, '\0');
    completion<std::size_t> receiving;
    completion<std::size_t> nothing;
    both.to.async_receive(net::buffer(room), receiving.handler());
    EXPECT_TRUE(stays_pending(receiving));
    ASSERT_TRUE(both.from.get().shutdown(SD_SEND));
    ASSERT_TRUE(over(receiving));
    EXPECT_EQ(net::error::eof, receiving.code);
    both.to.async_receive(net::mutable_buffer(), nothing.handler());
    ASSERT_TRUE(over(nothing));
    EXPECT_FALSE(nothing.code) << nothing.code.message();
}

TEST_P(StreamAsio, JL_36_AConnectIsAnOperation) {
    asio::socket at(context, listening(ordinary_socket()));
    asio::socket client(context, ordinary_socket());
    completion<asio::socket> admitting;
    at.async_accept(admitting.handler());
    auto connecting = client.async_connect(name_of(at.get()), net::use_future);
    ASSERT_TRUE(run_until([&] { return is_done(connecting) && admitting.times == 1; }));
    EXPECT_NO_THROW(connecting.get());
    EXPECT_TRUE(admitting.value->is_open());
}

// A socket whose executor has a token of its own needs none in the calls.
TEST_P(Asio, TheExecutorsTokenIsTheDefault) {
    auto both = open();
    net::use_awaitable_t<>::as_default_on_t<asio::socket> to(context, both.to.release());
    std::string room(10, '\0');
    std::size_t size = 0;
    const auto receive = [&]() -> net::awaitable<void> {
        size = co_await to.async_receive(net::buffer(room));
    };
    net::co_spawn(context, receive(), net::detached);
    ASSERT_TRUE(both.from.get().send("x"));
    EXPECT_TRUE(runs_out());
    EXPECT_EQ(1U, size);
}

INSTANTIATE_TEST_SUITE_P(Transports, Asio, ::testing::ValuesIn(all_transports()), transport_name());
INSTANTIATE_TEST_SUITE_P(Transports, RootedAsio, ::testing::ValuesIn(session_transports()), transport_name());
INSTANTIATE_TEST_SUITE_P(Transports, StreamAsio, ::testing::ValuesIn(transports_of({plan::stream})),
                         transport_name());

} // namespace
} // namespace joinleaf::test
