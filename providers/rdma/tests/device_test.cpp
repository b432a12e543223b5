// SPDX-License-Identifier: Apache-2.0
//
// The session layer over engine verbs and real devices: rdma_a and rdma_b of tests/rdma, where this runs.
#include "device_fixture.hpp"
#include "verbs/handles.hpp"
#include "verbs/intro.hpp"

#include <csignal>
#include <memory>
#include <span>

#include <sys/wait.h>
#include <unistd.h>

namespace joinleaf::rdma::test {
namespace {

class Device : public Cable {};

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
    const address foreign = address::parse("203.0.113.1");
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
    members.reserve(leaves.size());
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

TEST_F(Device, AProcessThatForks_GoesOnUsingItsSockets) {
    auto at = make_root();
    auto one = ask_from(b_, at, at.listen(16, a_));
    std::string text;
    ASSERT_EQ(0, at.send("before"));
    ASSERT_EQ(0, one.leaf.receive(text));
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        ::pause(); // holds copies of all memory until it is ended
    }
    for (int i = 0; i < 60; ++i) {
        EXPECT_EQ(0, at.send(message_number(i, 3000)));
        EXPECT_EQ(0, one.leaf.receive(text));
        EXPECT_EQ(message_number(i, 3000), text);
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_EQ(0, one.leaf.send("after"));
    EXPECT_EQ(0, at.receive(text));
    EXPECT_EQ("after", text);
}

// A program of its own making, which speaks rdma_cm and nothing else.
class stranger {
  public:
    stranger(const address& to, std::span<const std::byte> says) : channel_(rdma_create_event_channel()) {
        rdma_cm_id* made = nullptr;
        EXPECT_EQ(0, rdma_create_id(channel_.get(), &made, nullptr, RDMA_PS_TCP));
        id_.reset(made);
        address target = to;
        EXPECT_EQ(0, rdma_resolve_addr(made, nullptr, target.raw(), 2000));
        EXPECT_EQ(RDMA_CM_EVENT_ADDR_RESOLVED, next());
        EXPECT_EQ(0, rdma_resolve_route(made, 2000));
        EXPECT_EQ(RDMA_CM_EVENT_ROUTE_RESOLVED, next());
        ibv_qp_init_attr wanted{};
        wanted.qp_type = IBV_QPT_RC;
        wanted.cap = {4, 4, 1, 1, 64};
        EXPECT_EQ(0, rdma_create_qp(made, nullptr, &wanted));
        rdma_conn_param said{};
        said.private_data = says.data();
        said.private_data_len = static_cast<std::uint8_t>(says.size());
        said.retry_count = 7;
        said.rnr_retry_count = 7;
        EXPECT_EQ(0, rdma_connect(made, &said));
    }

    rdma_cm_event_type next() {
        rdma_cm_event* event = nullptr;
        if (rdma_get_cm_event(channel_.get(), &event) != 0) {
            return RDMA_CM_EVENT_CONNECT_ERROR;
        }
        const auto out = event->event;
        rdma_ack_cm_event(event);
        return out;
    }
    void send(std::string bytes, bool as_control) {
        ibv_sge part{reinterpret_cast<std::uintptr_t>(bytes.data()), static_cast<std::uint32_t>(bytes.size()),
                     0};
        ibv_send_wr what{};
        what.sg_list = &part;
        what.num_sge = 1;
        what.opcode = as_control ? IBV_WR_SEND_WITH_IMM : IBV_WR_SEND;
        what.send_flags = IBV_SEND_INLINE | IBV_SEND_SIGNALED;
        ibv_send_wr* refused = nullptr;
        EXPECT_EQ(0, ibv_post_send(id_->qp, &what, &refused));
    }

  private:
    verbs::owned<rdma_event_channel> channel_;
    verbs::owned<rdma_cm_id> id_;
};

const verbs::intro_bytes& proper_intro() {
    static const auto bytes = verbs::encode(verbs::intro{8192});
    return bytes;
}

// A control message: its length, and what a d_leaf asks.
std::string proper_hello() {
    wire::greeting hello;
    hello.role = wire::control_role::leaf;
    hello.data = wire::data_role::leaf;
    hello.channel = 42;
    hello.window = 16;
    hello.slice = 8192;
    const auto bytes = wire::encode(hello);
    return std::string("\0\0\0", 3) + static_cast<char>(bytes.size()) +
           std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

TEST_F(Device, AForeignProgram_IsRejected) {
    auto at = make_root();
    const auto name = at.listen(16, a_);
    const std::string words = "GET / HTTP/1.1";
    stranger foreign(name, std::as_bytes(std::span(words)));
    EXPECT_EQ(RDMA_CM_EVENT_REJECTED, foreign.next());
    stranger silent(name, {});
    EXPECT_EQ(RDMA_CM_EVENT_REJECTED, silent.next());
    ask_from(b_, at, name); // the listener goes on
}

TEST_F(Device, APeerThatPostsNoBuffersAndSaysNothing_IsDroppedAfterTheHandshakeTimeout) {
    limits_.handshake_timeout = 300ms;
    auto at = make_root();
    const auto name = at.listen(16, a_);
    stranger silent(name, proper_intro());
    EXPECT_EQ(RDMA_CM_EVENT_ESTABLISHED, silent.next());
    EXPECT_EQ(RDMA_CM_EVENT_DISCONNECTED, silent.next());
    EXPECT_EQ(0U, at.stats().leaves);
}

// It asks for its place properly, says that it has buffers, and has none: what is sent waits in the device.
TEST_F(Device, ALeafThatNeverPostsReceives_IsDroppedAfterTheLeafTimeout) {
    limits_.leaf_timeout = 500ms;
    auto at = make_root();
    const auto name = at.listen(16, a_);
    stranger poor(name, proper_intro());
    EXPECT_EQ(RDMA_CM_EVENT_ESTABLISHED, poor.next());
    poor.send(proper_hello(), true);
    const auto request = at.next_request();
    ASSERT_TRUE(request.has_value());
    auto side = make_branch(at);
    EXPECT_EQ(0, at.answer(*request, &side));
    EXPECT_EQ(1U, at.stats().leaves);
    int code = 0;
    for (int i = 0; i < 100 && code == 0; ++i) {
        code = at.try_send(std::string(4000, 'x'));
    }
    EXPECT_EQ(WSAEWOULDBLOCK, code);
    EXPECT_EQ(WSAECONNABORTED, side.wait_end());
    EXPECT_EQ(0U, at.stats().leaves);
    ask_from(b_, at, name);
}

TEST_F(Device, APeerThatSendsRubbish_IsDropped) {
    auto at = make_root();
    const auto name = at.listen(16, a_);
    stranger liar(name, proper_intro());
    EXPECT_EQ(RDMA_CM_EVENT_ESTABLISHED, liar.next());
    liar.send("a slice that names no channel", false);
    liar.send(std::string(64, '\xFF'), true); // a control message of 4 GiB
    EXPECT_EQ(RDMA_CM_EVENT_DISCONNECTED, liar.next());
    stranger babbler(name, proper_intro());
    EXPECT_EQ(RDMA_CM_EVENT_ESTABLISHED, babbler.next());
    babbler.send(std::string("\0\0\0\x10", 4) + std::string(16, 'x'), true);
    EXPECT_EQ(RDMA_CM_EVENT_DISCONNECTED, babbler.next());
    EXPECT_TRUE(fake_host::wait_for_log("dropped"));
    ask_from(b_, at, name);
}

// Behind the address of rdma_c are two network cards, and the second one takes over.
TEST_F(Device, DISABLED_AnAddressThatMovesToAnotherCard_EndsItsSessions) {
    const address c = address::parse(given("RDMA_C4"));
    auto at = make_root();
    auto one = ask_from(c, at, at.listen(16, c));
    ASSERT_EQ(0, std::system("ip link set team type bond active_slave team_2"));
    EXPECT_EQ(WSAENETDOWN, one.leaf.wait_end());
    EXPECT_EQ(WSAENETDOWN, one.leaf.try_send("x"));
    EXPECT_NE(0, one.branch.wait_end());
    one.leaf.close(JL_CLOSE_ABORT);
    at.close(JL_CLOSE_ABORT);
}

// Takes rdma_b away for good: tests/rdma runs it alone, and last.
TEST_F(Device, DISABLED_ADeviceThatIsRemoved_EndsItsSessions) {
    auto at = make_root();
    auto one = ask_from(b_, at, at.listen(16, a_));
    // The kernel is not through with it before this process has ended.
    ASSERT_EQ(0, std::system("rdma link delete rdma_b >/dev/null 2>&1 &"));
    EXPECT_EQ(WSAENETDOWN, one.leaf.wait_end());
    EXPECT_EQ(WSAENETDOWN, one.leaf.try_send("x"));
    one.leaf.close(JL_CLOSE_ABORT);
    EXPECT_NE(0, one.branch.wait_end());
    at.close(JL_CLOSE_ABORT);
}

} // namespace
} // namespace joinleaf::rdma::test
