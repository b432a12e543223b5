// SPDX-License-Identifier: Apache-2.0
#include "test_socket.hpp"
#include "wire.hpp"

namespace joinleaf::tcp_root::test {
namespace {

class Handshake : public testing::TestWithParam<std::uint32_t> {};

TEST_P(Handshake, JL_80_JL_81_LeafAsks_CallerAndCalleeDataTravel) {
    const library lib;
    test_socket root(lib, GetParam(), root_of(GetParam()));
    const address at = root.listen_on_loopback();
    test_socket leaf(lib, GetParam(), c_leaf_d_leaf);
    ASSERT_EQ(leaf.start_join({at, std::string("who\0am I", 8), 100}), 0);
    const auto request = root.next_request();
    ASSERT_TRUE(request);
    EXPECT_EQ(request->caller_data, std::string("who\0am I", 8)); // JL-85
    EXPECT_EQ(request->callee_room, 100u);                        // JL-84
    EXPECT_FALSE(request->has_qos);
    EXPECT_FALSE(leaf.has_outcome()) << "JL-42: in the queue is not admitted";
    const test_socket branch = root.accept(*request, "come in");
    const seen_outcome outcome = leaf.outcome();
    EXPECT_EQ(outcome.code, 0);
    EXPECT_EQ(outcome.callee_data, "come in");
    EXPECT_EQ(address::of(reinterpret_cast<const sockaddr*>(request->peer.data()),
                          static_cast<std::uint32_t>(request->peer.size()))
                  .text(),
              leaf.name().text());                           // AC-05
    EXPECT_EQ(branch.name(true).text(), leaf.name().text()); // JL-78
    EXPECT_EQ(leaf.name(true).text(), at.text());
    int code = 0;
    EXPECT_EQ(root.name(true, &code).size, address::room); // untouched
    EXPECT_EQ(code, WSAENOTCONN);
}

TEST_P(Handshake, JL_70_AC_27_RootInvites_MemberSocketIsTheAcceptedOne) {
    const library lib;
    test_socket listener(lib, GetParam(), c_leaf_d_leaf);
    const address at = listener.listen_on_loopback();
    test_socket root(lib, GetParam(), root_of(GetParam()));
    test_socket branch(lib, GetParam(), c_leaf_d_leaf, &root);
    ASSERT_EQ(root.start_join({at, "join us", 64}, &branch), 0);
    EXPECT_NE(root.name().port(), 0); // JL-20, JL-21
    EXPECT_NE(branch.name().port(), 0) << "JL-53: getsockname is allowed while the join is pending";
    EXPECT_EQ(branch.try_send("x"), WSAENOTCONN); // JL-53
    const auto request = listener.next_request();
    ASSERT_TRUE(request);
    EXPECT_EQ(request->caller_data, "join us");
    test_socket member = listener.accept(*request, "with pleasure");
    EXPECT_EQ(root.outcome().code, 0);
    EXPECT_EQ(root.outcome().callee_data, "with pleasure");
    EXPECT_EQ(branch.name(true).text(), at.text()); // JL-78
    ASSERT_EQ(member.send("from the leaf"), 0);
    EXPECT_EQ(branch.try_send("x"), WSAEOPNOTSUPP); // JL-73
    EXPECT_EQ(branch.try_receive().code, WSAEOPNOTSUPP);
    EXPECT_EQ(listener.try_send("x"), WSAENOTCONN);

    // JL-32: another leaf by the same root; LC-21: closing the listener does not end the membership.
    test_socket second(lib, GetParam(), c_leaf_d_leaf, &root);
    ASSERT_EQ(root.start_join({at}, &second), 0);
    const auto again = listener.next_request();
    ASSERT_TRUE(again);
    test_socket other = listener.accept(*again);
    EXPECT_EQ(root.outcome().code, 0);
    listener.close();
    EXPECT_EQ(root.stats().leaves, 2u);
    EXPECT_EQ(root.stats().joins, 2u);
}

TEST_P(Handshake, QS_18_QosTravelsBothWays) {
    const library lib;
    test_socket root(lib, GetParam(), root_of(GetParam()));
    const address at = root.listen_on_loopback();
    test_socket leaf(lib, GetParam(), c_leaf_d_leaf);
    QOS asked{};
    asked.SendingFlowspec.TokenRate = 1000;
    asked.ReceivingFlowspec.ServiceType = SERVICETYPE_BESTEFFORT;
    join_request what{at};
    what.qos = &asked;
    ASSERT_EQ(leaf.start_join(what), 0);
    const auto request = root.next_request();
    ASSERT_TRUE(request && request->has_qos);
    EXPECT_EQ(request->qos.SendingFlowspec.TokenRate, 1000u);
    QOS granted = request->qos;
    granted.SendingFlowspec.TokenRate = 500;
    const test_socket branch = root.accept(*request, {}, nullptr, &granted);
    const seen_outcome outcome = leaf.outcome();
    ASSERT_TRUE(outcome.has_qos);
    EXPECT_EQ(outcome.qos.SendingFlowspec.TokenRate, 500u);
}

TEST_P(Handshake, AC_08_Refused_ThenTheSameSocketSucceeds_JL_33) {
    const library lib;
    test_socket root(lib, GetParam(), root_of(GetParam()));
    const address at = root.listen_on_loopback();
    test_socket leaf(lib, GetParam(), c_leaf_d_leaf);
    ASSERT_EQ(leaf.start_join({at}), 0);
    const auto port = leaf.name().port();
    EXPECT_NE(port, 0); // JL-20
    auto request = root.next_request();
    ASSERT_TRUE(request);
    EXPECT_EQ(root.refuse(*request), 0);
    const seen_outcome refused = leaf.outcome();
    EXPECT_EQ(refused.code, WSAECONNREFUSED);
    EXPECT_NE(refused.sentence.find("rejected"), std::string::npos) << refused.sentence;
    EXPECT_EQ(leaf.name().port(), port) << "JL-21: the address survives a failed attempt";
    EXPECT_EQ(leaf.try_send("x"), WSAENOTCONN); // IO-15

    for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(leaf.start_join({at}), 0);
        request = root.next_request();
        ASSERT_TRUE(request);
        ASSERT_EQ(root.refuse(*request), 0);
        ASSERT_EQ(leaf.outcome().code, WSAECONNREFUSED);
    }
    ASSERT_EQ(leaf.start_join({at}), 0);
    request = root.next_request();
    ASSERT_TRUE(request);
    test_socket branch = root.accept(*request);
    EXPECT_EQ(leaf.outcome().code, 0);
    EXPECT_EQ(leaf.name().port(), port);
    ASSERT_EQ(root.send("at last"), 0);
    EXPECT_EQ(leaf.receive().data, "at last");
}

INSTANTIATE_TEST_SUITE_P(Entries, Handshake, testing::Values(rooted4, rooted6, relay4, relay6),
                         [](const auto& row) { return entry_name(row.param); });

TEST(HandshakeRefusal, JL_41_NobodyListens_IsRefused) {
    const library lib;
    address at;
    {
        test_socket gone(lib, rooted4, c_root_d_root);
        at = gone.listen_on_loopback();
    }
    test_socket leaf(lib, rooted4, c_leaf_d_leaf);
    EXPECT_EQ(leaf.join({at}), WSAECONNREFUSED);
    test_socket root(lib, rooted4, c_root_d_root);
    test_socket branch(lib, rooted4, c_leaf_d_leaf, &root);
    EXPECT_EQ(root.join({at}, &branch), WSAECONNREFUSED);
    EXPECT_EQ(branch.try_send("x"), WSAENOTCONN); // JL-59
}

TEST(HandshakeRefusal, JL_07_JL_08_AddressesOfNoPeer) {
    const library lib;
    test_socket leaf(lib, rooted4, c_leaf_d_leaf);
    EXPECT_EQ(leaf.start_join({any_of(AF_INET).with_port(9)}), WSAEADDRNOTAVAIL);
    EXPECT_EQ(leaf.start_join({loopback(AF_INET, 0)}), WSAEADDRNOTAVAIL);
    address group = loopback(AF_INET, 9);
    reinterpret_cast<sockaddr_in*>(group.raw())->sin_addr.s_addr = htonl(0xEF000001);
    EXPECT_EQ(leaf.start_join({group}), WSAEADDRNOTAVAIL);
    reinterpret_cast<sockaddr_in*>(group.raw())->sin_addr.s_addr = INADDR_BROADCAST;
    EXPECT_EQ(leaf.start_join({group}), WSAEADDRNOTAVAIL);
    EXPECT_EQ(leaf.start_join({loopback(AF_INET6, 9)}), WSAEAFNOSUPPORT); // JL-04
    test_socket leaf6(lib, rooted6, c_leaf_d_leaf);
    EXPECT_EQ(leaf6.start_join({any_of(AF_INET6).with_port(9)}), WSAEADDRNOTAVAIL);
}

TEST(HandshakeRefusal, AC_04_SameRoles_AreRefusedWithAReason) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    const address root_at = root.listen_on_loopback();
    test_socket inviter(lib, rooted4, c_root_d_root);
    test_socket branch(lib, rooted4, c_leaf_d_leaf, &inviter);
    EXPECT_EQ(inviter.start_join({root_at}, &branch), 0);
    EXPECT_EQ(inviter.outcome().code, WSAECONNREFUSED);
    EXPECT_NE(inviter.outcome().sentence.find("same role"), std::string::npos) << inviter.outcome().sentence;

    test_socket listener(lib, rooted4, c_leaf_d_leaf);
    const address leaf_at = listener.listen_on_loopback();
    test_socket leaf(lib, rooted4, c_leaf_d_leaf);
    EXPECT_EQ(leaf.join({leaf_at}), WSAECONNREFUSED);

    test_socket relayed(lib, relay4, c_leaf_d_leaf);
    EXPECT_EQ(relayed.join({root_at}), WSAECONNREFUSED);
    EXPECT_NE(relayed.outcome().sentence.find("data plane"), std::string::npos) << relayed.outcome().sentence;
    EXPECT_FALSE(root.next_request(0s));
    EXPECT_FALSE(listener.next_request(0s));
}

TEST(HandshakeRefusal, AC_20_BacklogFull_IsRefused) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback(2);
    test_socket a(lib, rooted4, c_leaf_d_leaf), b(lib, rooted4, c_leaf_d_leaf), c(lib, rooted4, c_leaf_d_leaf);
    ASSERT_EQ(a.start_join({at}), 0);
    ASSERT_EQ(b.start_join({at}), 0);
    const auto first = root.next_request();
    const auto second = root.next_request();
    ASSERT_TRUE(first && second);
    EXPECT_EQ(c.join({at}), WSAECONNREFUSED);
    const test_socket branch = root.accept(*first); // AC-19
    EXPECT_EQ(a.outcome().code, 0);
    EXPECT_FALSE(b.has_outcome());
    ASSERT_EQ(c.start_join({at}), 0) << "there is room again";
    const auto third = root.next_request();
    ASSERT_TRUE(third);
    EXPECT_EQ(root.listen(5), 0); // AC-24: again on a listener
}

TEST(HandshakeRefusal, AC_21_ClosingTheListener_RefusesWhatWaits) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    test_socket a(lib, rooted4, c_leaf_d_leaf), b(lib, rooted4, c_leaf_d_leaf);
    ASSERT_EQ(a.start_join({at}), 0);
    ASSERT_EQ(b.start_join({at}), 0);
    ASSERT_TRUE(root.next_request() && root.next_request());
    root.close();
    EXPECT_EQ(a.outcome().code, WSAECONNREFUSED);
    EXPECT_EQ(b.outcome().code, WSAECONNREFUSED);
    EXPECT_NE(a.outcome().sentence.find("closed"), std::string::npos) << a.outcome().sentence;
}

TEST(HandshakeRefusal, JL_41_QueuedTooLong_TimesOut_AC_16_AndIsWithdrawn) {
    const library lib({{"join_timeout", 150 * ms}});
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    test_socket leaf(lib, rooted4, c_leaf_d_leaf);
    ASSERT_EQ(leaf.start_join({at}), 0);
    const auto request = root.next_request();
    ASSERT_TRUE(request);
    EXPECT_EQ(leaf.outcome().code, WSAETIMEDOUT);
    EXPECT_TRUE(root.wait_withdrawn(*request));
    int code = 0;
    const test_socket branch = root.accept(*request, {}, &code);
    EXPECT_EQ(code, WSAECONNRESET);
}

TEST(HandshakeRefusal, JL_41_DeferredBeyondHandshakeTimeout_StaysPending) {
    // The listener says after a second that the request waits, so that its silence is not taken for a foreign
    // peer's.
    const library lib({{"handshake_timeout", 1500 * ms}, {"join_timeout", 2500 * ms}});
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    test_socket leaf(lib, rooted4, c_leaf_d_leaf);
    ASSERT_EQ(leaf.start_join({at}), 0);
    ASSERT_TRUE(root.next_request());
    const seen_outcome outcome = leaf.outcome();
    EXPECT_EQ(outcome.code, WSAETIMEDOUT);
    EXPECT_NE(outcome.sentence.find("did not accept"), std::string::npos) << outcome.sentence;
}

TEST(HandshakeRefusal, AC_04_OrdinaryPeer_Silent_IsRefusedAfterHandshakeTimeout) {
    const library lib({{"handshake_timeout", 100 * ms}});
    raw_listener foreign;
    test_socket leaf(lib, rooted4, c_leaf_d_leaf);
    EXPECT_EQ(leaf.join({foreign.name()}), WSAECONNREFUSED);
}

TEST(HandshakeRefusal, AC_04_OrdinaryPeer_Talking_IsRefusedAtOnce) {
    const library lib;
    raw_listener foreign;
    test_socket leaf(lib, rooted4, c_leaf_d_leaf);
    ASSERT_EQ(leaf.start_join({foreign.name(), "data"}), 0);
    raw_peer peer = foreign.accept();
    EXPECT_EQ(peer.read(4), "JLTR");
    ASSERT_TRUE(peer.send("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"));
    EXPECT_EQ(leaf.outcome().code, WSAECONNREFUSED);
    ASSERT_EQ(leaf.start_join({foreign.name()}), 0);
    foreign.accept().close();
    EXPECT_EQ(leaf.outcome().code, WSAECONNREFUSED);
    ASSERT_EQ(leaf.start_join({foreign.name()}), 0);
    foreign.accept().reset();
    EXPECT_EQ(leaf.outcome().code, WSAECONNREFUSED);
}

// An answer as a peer may write it.
std::string answer_bytes(std::int32_t code, std::uint32_t data_size,
                         wire::control_role role = wire::control_role::root) {
    wire::greeting answer;
    answer.what = wire::kind::answer;
    answer.who = {role, wire::data_role::root, wire::data_plane::rooted};
    answer.code = code;
    answer.data_size = data_size;
    const auto fixed = wire::encode(answer);
    return std::string(reinterpret_cast<const char*>(fixed.data()), fixed.size()) +
           std::string(data_size, 'd');
}

int join_code_for(const std::string& answer) {
    const library lib;
    raw_listener peer;
    test_socket leaf(lib, rooted4, c_leaf_d_leaf);
    EXPECT_EQ(leaf.start_join({peer.name(), {}, 10}), 0);
    raw_peer other = peer.accept();
    EXPECT_TRUE(other.send(answer));
    return leaf.outcome().code;
}

TEST(HandshakeRefusal, JL_84_TooMuchCalleeData_FailsWithFault) {
    EXPECT_EQ(join_code_for(answer_bytes(0, 10)), 0);
    EXPECT_EQ(join_code_for(answer_bytes(0, 11)), WSAEFAULT);
}

TEST(HandshakeRefusal, EV_32_OnlyDocumentedCodesPass) {
    EXPECT_EQ(join_code_for(answer_bytes(WSAEOPNOTSUPP, 0)), WSAEOPNOTSUPP);
    EXPECT_EQ(join_code_for(answer_bytes(12345, 0)), WSAECONNREFUSED);
    EXPECT_EQ(join_code_for(answer_bytes(0, 0, wire::control_role::leaf)), WSAECONNREFUSED)
        << "a leaf that admits a leaf";
}

TEST(HandshakeCancel, JL_54_JL_55_Cancel_WithdrawsAtThePeer) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    test_socket leaf(lib, rooted4, c_leaf_d_leaf);
    ASSERT_EQ(leaf.start_join({at}), 0);
    const auto request = root.next_request();
    ASSERT_TRUE(request);
    leaf.cancel();
    EXPECT_EQ(leaf.outcome().code, WSA_OPERATION_ABORTED);
    EXPECT_TRUE(root.wait_withdrawn(*request));
    EXPECT_EQ(root.refuse(*request), 0);
    ASSERT_EQ(leaf.start_join({at}), 0) << "the socket is free for the next attempt";
    const auto again = root.next_request();
    ASSERT_TRUE(again);
    const test_socket branch = root.accept(*again);
    EXPECT_EQ(leaf.outcome().code, 0);
}

TEST(HandshakeCancel, LC_15_ClosingAPendingLeaf_Withdraws) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    test_socket leaf(lib, rooted4, c_leaf_d_leaf);
    ASSERT_EQ(leaf.start_join({at}), 0);
    const auto request = root.next_request();
    ASSERT_TRUE(request);
    leaf.close();
    EXPECT_FALSE(leaf.has_outcome());
    EXPECT_TRUE(root.wait_withdrawn(*request));
}

TEST(HandshakeCancel, LC_16_ClosingTheRoot_WithdrawsItsInvitation) {
    const library lib;
    test_socket listener(lib, rooted4, c_leaf_d_leaf);
    const address at = listener.listen_on_loopback();
    test_socket root(lib, rooted4, c_root_d_root);
    test_socket branch(lib, rooted4, c_leaf_d_leaf, &root);
    ASSERT_EQ(root.start_join({at}, &branch), 0);
    const auto request = listener.next_request();
    ASSERT_TRUE(request);
    root.close();
    EXPECT_TRUE(listener.wait_withdrawn(*request));
    EXPECT_EQ(branch.try_send("x"), WSAENOTCONN);
    branch.close();
}

TEST(HandshakeCancel, JL_54_ClosingTheReturnedSocket_LeavesTheRootUsable) {
    const library lib;
    test_socket listener(lib, rooted4, c_leaf_d_leaf);
    const address at = listener.listen_on_loopback();
    test_socket root(lib, rooted4, c_root_d_root);
    test_socket branch(lib, rooted4, c_leaf_d_leaf, &root);
    ASSERT_EQ(root.start_join({at}, &branch), 0);
    const auto request = listener.next_request();
    ASSERT_TRUE(request);
    branch.close();
    test_socket member = listener.accept(*request);
    EXPECT_EQ(root.outcome().code, WSA_OPERATION_ABORTED);
    EXPECT_EQ(member.wait_end(), WSAECONNRESET);
    EXPECT_EQ(root.stats().leaves, 0u);
    test_socket second(lib, rooted4, c_leaf_d_leaf, &root);
    ASSERT_EQ(root.start_join({at}, &second), 0);
    const auto again = listener.next_request();
    ASSERT_TRUE(again);
    const test_socket other = listener.accept(*again);
    EXPECT_EQ(root.outcome().code, 0);
}

TEST(HandshakeBind, JL_16_AddressInUse_AndFreeWhenCloseReturns) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    const address at = root.listen_on_loopback();
    test_socket other(lib, rooted4, c_root_d_root);
    EXPECT_EQ(other.bind(at), WSAEADDRINUSE);
    {
        const pair member = join_leaf(lib, root, at, rooted4);
        root.start_close();
        EXPECT_EQ(other.bind(at), 0) << "no SO_REUSEADDR needed: only closed connections hold the port";
        EXPECT_EQ(other.listen(1), 0);
        EXPECT_TRUE(root.wait_closed());
    }
    test_socket third(lib, rooted4, c_root_d_root);
    EXPECT_EQ(third.bind(at), WSAEADDRINUSE);
}

TEST(HandshakeBind, AC_24_ListenUnbound_IsInvalid) {
    const library lib;
    test_socket root(lib, rooted4, c_root_d_root);
    EXPECT_EQ(root.listen(1), WSAEINVAL);
    test_socket leaf(lib, rooted4, c_leaf_d_leaf);
    EXPECT_EQ(leaf.listen(1), WSAEINVAL);
    test_socket asker(lib, rooted4, c_root_d_root);
    auto [joined, branch] = join_leaf(lib, asker, asker.listen_on_loopback(), rooted4);
    EXPECT_EQ(joined.listen(1), WSAEISCONN);
}

TEST(HandshakeBind, JL_52_ListeningRoot_MayInviteToo) {
    const library lib;
    test_socket listener(lib, rooted4, c_leaf_d_leaf);
    const address leaf_at = listener.listen_on_loopback();
    test_socket root(lib, rooted4, c_root_d_root);
    const address root_at = root.listen_on_loopback();
    test_socket branch(lib, rooted4, c_leaf_d_leaf, &root);
    ASSERT_EQ(root.start_join({leaf_at}, &branch), 0);
    const auto request = listener.next_request();
    ASSERT_TRUE(request);
    test_socket invited = listener.accept(*request);
    ASSERT_EQ(root.outcome().code, 0);
    auto [asked, other] = join_leaf(lib, root, root_at, rooted4);
    ASSERT_EQ(root.send("to both"), 0);
    EXPECT_EQ(invited.receive().data, "to both");
    EXPECT_EQ(asked.receive().data, "to both");
}

TEST(HandshakeOpen, CT_61_CT_65_FlagsThatDoNotFit) {
    const library lib;
    EXPECT_EQ(test_socket(lib, stream4, c_leaf_d_leaf).open_code(), WSAEINVAL);
    EXPECT_EQ(test_socket(lib, rooted4, 0).open_code(), WSAEINVAL);
    EXPECT_EQ(test_socket(lib, rooted4, WSA_FLAG_MULTIPOINT_C_LEAF).open_code(), WSAEINVAL);
    EXPECT_EQ(test_socket(lib, relay4, c_root_d_root).open_code(), WSAEINVAL); // CT-63
    EXPECT_EQ(test_socket(lib, relay4, c_root_d_leaf).open_code(), 0);
}

} // namespace
} // namespace joinleaf::tcp_root::test
