// SPDX-License-Identifier: Apache-2.0
//
// The session layer over engine verbs and real devices: rdma_a and rdma_b of tests/rdma, where this runs.
#include "engine_module.hpp"
#include "session_fixture.hpp"

#include <cstdlib>
#include <memory>

#include <arpa/inet.h>
#include <sys/wait.h>
#include <unistd.h>

namespace joinleaf::rdma::test {
namespace {

address address_of(const std::string& text) {
    sockaddr_in four{};
    sockaddr_in6 six{};
    if (::inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
        four.sin_family = AF_INET;
        return address::of(reinterpret_cast<const sockaddr*>(&four), sizeof four);
    }
    six.sin6_family = AF_INET6;
    EXPECT_EQ(1, ::inet_pton(AF_INET6, text.c_str(), &six.sin6_addr)) << text;
    return address::of(reinterpret_cast<const sockaddr*>(&six), sizeof six);
}

std::string given(const char* name) {
    const char* const value = std::getenv(name);
    return value != nullptr ? value : "";
}

class Device : public Session {
  protected:
    void SetUp() override {
        limits_.engine = "verbs";
        limits_.slice = 8192;
        auto made = load_engine("verbs", limits_, VERBS_LIBRARY);
        ASSERT_TRUE(made) << made.error().sentence;
        engine_ = std::move(*made);
        a_ = address_of(given("RDMA_A4"));
        b_ = address_of(given("RDMA_B4"));
    }
    engine& way() override { return *engine_; }
    int family() override { return a_.family(); }

    node leaf_at(const address& at) {
        node made = make_leaf();
        EXPECT_EQ(0, made.get()->bind(at.raw(), at.size));
        return made;
    }
    pair ask_from(const address& from, node& at, const address& name) {
        pair made{leaf_at(from), {}};
        made.leaf.start_join(name);
        const auto request = at.next_request();
        EXPECT_TRUE(request.has_value());
        if (request) {
            made.branch = make_branch(at);
            EXPECT_EQ(0, at.answer(*request, &made.branch));
            const auto outcome = made.leaf.outcome();
            EXPECT_EQ(0, outcome.code) << outcome.sentence;
        }
        return made;
    }

    std::unique_ptr<engine> engine_;
    address a_;
    address b_;
};

TEST_F(Device, SaysWhatItIs) {
    EXPECT_EQ("librdmacm and libibverbs, devices rdma_a, rdma_b", engine_->description());
}

TEST_F(Device, JL_77_JL_81_ALeafAsksWithDataInBothDirections) {
    auto at = make_root();
    const auto name = at.listen(16, a_);
    auto one = leaf_at(b_);
    const std::string caller(4096, 'c');
    const std::string callee(4096, 'r');
    one.start_join(name, nullptr, caller, 4096);
    const auto request = at.next_request();
    ASSERT_TRUE(request);
    EXPECT_EQ(caller, request->caller_data);
    auto side = make_branch(at);
    EXPECT_EQ(0, at.answer(*request, &side, callee));
    const auto outcome = one.outcome();
    EXPECT_EQ(0, outcome.code) << outcome.sentence;
    EXPECT_EQ(callee, outcome.callee_data);
    EXPECT_EQ(1U, at.stats().leaves);
}

TEST_F(Device, JL_77_ARootInvites) {
    auto at = make_root();
    ASSERT_EQ(0, at.get()->bind(a_.raw(), a_.size));
    auto door = make_leaf();
    const auto name = door.listen(16, b_);
    auto side = make_branch(at);
    at.start_join(name, &side, "come", 10);
    const auto request = door.next_request();
    ASSERT_TRUE(request);
    auto one = make_member(door);
    EXPECT_EQ(0, door.answer(*request, &one, "gladly"));
    EXPECT_EQ("gladly", at.outcome().callee_data);
    EXPECT_EQ(0, at.send("hello"));
    std::string text;
    EXPECT_EQ(0, one.receive(text));
    EXPECT_EQ("hello", text);
}

TEST_F(Device, NobodyListens_IsConnRefused) {
    auto one = leaf_at(b_);
    one.start_join(a_.with_port(9));
    const auto outcome = one.outcome();
    EXPECT_EQ(WSAECONNREFUSED, outcome.code);
    EXPECT_NE(std::string::npos, outcome.sentence.find("nobody listens there")) << outcome.sentence;
}

TEST_F(Device, AC_13_ARefusalArrives) {
    auto at = make_root();
    auto one = leaf_at(b_);
    one.start_join(at.listen(16, a_));
    EXPECT_EQ(0, at.answer(*at.next_request(), nullptr));
    at.close();
    const auto outcome = one.outcome();
    EXPECT_EQ(WSAECONNREFUSED, outcome.code);
    EXPECT_NE(std::string::npos, outcome.sentence.find("the peer's application rejected it"))
        << outcome.sentence;
}

TEST_F(Device, AnAddressWithoutADevice_IsNotAvailable) {
    auto one = make_leaf();
    const address foreign = address_of("203.0.113.1");
    EXPECT_EQ(WSAEADDRNOTAVAIL, one.get()->bind(foreign.raw(), foreign.size));
}

TEST_F(Device, IO_02_EverythingComesOnceAndInOrderBothWays) {
    auto at = make_root();
    const auto name = at.listen(16, a_);
    std::vector<pair> leaves;
    leaves.push_back(ask_from(b_, at, name));
    leaves.push_back(ask_from(b_, at, name));
    leaves.push_back(ask_from(a_, at, name));
    constexpr int count = 200;
    const auto size_of = [](int i) {
        return i % 50 == 0 ? std::size_t{90000} : static_cast<std::size_t>(i % 30) * 50;
    };
    std::thread sender([&] {
        for (int i = 0; i < count; ++i) {
            ASSERT_EQ(0, at.send(message_number(i, size_of(i))));
        }
    });
    std::vector<std::thread> members;
    for (auto& each : leaves) {
        members.emplace_back([&] {
            for (int i = 0; i < count; ++i) {
                std::string text;
                ASSERT_EQ(0, each.leaf.receive(text));
                ASSERT_EQ(message_number(i, size_of(i)), text);
                if (i % 4 == 0) {
                    ASSERT_EQ(0, each.leaf.send(text));
                }
            }
        });
    }
    for (std::size_t i = 0; i < leaves.size() * count / 4; ++i) {
        std::string text;
        ASSERT_EQ(0, at.receive(text));
    }
    sender.join();
    for (auto& each : members) {
        each.join();
    }
}

TEST_F(Device, LC_09_WhatWasTakenStillArrivesAfterAGracefulClose) {
    auto at = make_root();
    auto one = ask_from(b_, at, at.listen(16, a_));
    for (int i = 0; i < 30; ++i) {
        ASSERT_EQ(0, at.send(message_number(i, 700)));
    }
    at.start_close(JL_CLOSE_GRACEFUL);
    for (int i = 0; i < 30; ++i) {
        std::string text;
        ASSERT_EQ(0, one.leaf.receive(text));
        ASSERT_EQ(message_number(i, 700), text);
    }
    EXPECT_EQ(0, one.leaf.wait_end());
    at.wait_closed();
}

TEST_F(Device, LC_04_AnAbortIsAResetOnTheOtherSide) {
    auto at = make_root();
    const auto name = at.listen(16, a_);
    auto one = ask_from(b_, at, name);
    auto two = ask_from(b_, at, name);
    one.leaf.close(JL_CLOSE_ABORT);
    EXPECT_EQ(WSAECONNRESET, one.branch.wait_end());
    at.close(JL_CLOSE_ABORT);
    EXPECT_EQ(WSAECONNRESET, two.leaf.wait_end());
}

TEST_F(Device, ALeafThatDoesNotRead_HoldsTheRootUpAndIsDroppedAfterTheTimeout) {
    limits_.leaf_timeout = 1s;
    auto at = make_root();
    const auto name = at.listen(16, a_);
    auto idle = ask_from(b_, at, name);
    auto busy = ask_from(b_, at, name);
    std::thread reader([&] {
        std::string text;
        for (int i = 0; i < 200; ++i) {
            ASSERT_EQ(0, busy.leaf.receive(text));
        }
    });
    for (int i = 0; i < 200; ++i) {
        ASSERT_EQ(0, at.send(std::string(1000, 'x'))) << i;
    }
    reader.join();
    EXPECT_EQ(WSAECONNABORTED, idle.branch.wait_end());
}

} // namespace
} // namespace joinleaf::rdma::test
