// SPDX-License-Identifier: Apache-2.0
//
// What an entry claims in dwServiceFlags1 is backed by behaviour, and what it does not claim is refused.
#include "tests/support/event_watch.hpp"
#include "tests/support/session_fixture.hpp"

namespace joinleaf::test {
namespace {

class Capability : public transport_test {};

TEST_P(Capability, IO_32_XP1_SUPPORT_BROADCAST) {
    const auto s = make(has(XP1_SUPPORT_MULTIPOINT) ? leaf_flags : DWORD{WSA_FLAG_OVERLAPPED});
    address found;
    DWORD bytes = 0;
    const int answer = WSAIoctl(s.get(), SIO_GET_BROADCAST_ADDRESS, nullptr, 0, &found.storage,
                                sizeof found.storage, &bytes, nullptr, nullptr);
    if (!has(XP1_SUPPORT_BROADCAST)) {
        EXPECT_TRUE(refused(answer, {WSAENOPROTOOPT, WSAEINVAL, WSAEOPNOTSUPP}));
        return;
    }
    ASSERT_TRUE(worked(answer));
    EXPECT_EQ(static_cast<DWORD>(loopback(family()).length), bytes);
    EXPECT_EQ("255.255.255.255", found.text().substr(0, 15));
    EXPECT_TRUE(set_flag(s.get(), SOL_SOCKET, SO_BROADCAST, 1));
}

TEST_P(Capability, IO_30_IO_31_QueueingAndFlushAreKnownOrRefusedAsUnsupported) {
    const auto s = make(has(XP1_SUPPORT_MULTIPOINT) ? leaf_flags : DWORD{WSA_FLAG_OVERLAPPED});
    for (const DWORD code : {SIO_ENABLE_CIRCULAR_QUEUEING, SIO_FLUSH}) {
        DWORD bytes = 0;
        const int answer = WSAIoctl(s.get(), code, nullptr, 0, nullptr, 0, &bytes, nullptr, nullptr);
        const int error = WSAGetLastError();
        EXPECT_TRUE(answer == 0 || error == WSAENOPROTOOPT || error == WSAEOPNOTSUPP || error == WSAEINVAL)
            << code_name(error);
        if (code == SIO_ENABLE_CIRCULAR_QUEUEING && has(XP1_GUARANTEED_DELIVERY)) {
            EXPECT_NE(0, answer) << "what is guaranteed to arrive is not dropped";
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Transports, Capability, ::testing::ValuesIn(all_transports()), transport_name());

class SessionCapability : public session_test {};

TEST_P(SessionCapability, IO_10_XP1_PARTIAL_MESSAGE) {
    const auto root = make_listening_root();
    const auto one = add_leaf(root);
    char piece[] = "part";
    WSABUF buffer{4, piece};
    DWORD bytes = 0;
    if (!has(XP1_PARTIAL_MESSAGE)) {
        const int answer = WSASend(root.get(), &buffer, 1, &bytes, MSG_PARTIAL, nullptr, nullptr);
        EXPECT_TRUE(answer == 0 || WSAGetLastError() == WSAEOPNOTSUPP || WSAGetLastError() == WSAEINVAL)
            << last_failure();
        GTEST_SKIP() << "the entry has no XP1_PARTIAL_MESSAGE";
    }
    ASSERT_TRUE(worked(WSASend(root.get(), &buffer, 1, &bytes, MSG_PARTIAL, nullptr, nullptr)));
    ASSERT_TRUE(worked(WSASend(root.get(), &buffer, 1, &bytes, 0, nullptr, nullptr)));
    std::string whole;
    char room[3] = "";
    WSABUF small{sizeof room, room};
    for (DWORD flags = MSG_PARTIAL; (flags & MSG_PARTIAL) != 0;) {
        flags = 0;
        ASSERT_TRUE(readable(one.leaf.fd()));
        const int answer = WSARecv(one.leaf.get(), &small, 1, &bytes, &flags, nullptr, nullptr);
        ASSERT_TRUE(answer == 0 || WSAGetLastError() == WSAEMSGSIZE) << last_failure();
        flags = answer == 0 ? flags : DWORD{MSG_PARTIAL};
        whole.append(room, answer == 0 ? bytes : sizeof room);
    }
    EXPECT_EQ("partpart", whole);
}

TEST_P(SessionCapability, XP1_DISCONNECT_DATA) {
    const auto root = make_listening_root();
    const auto one = add_leaf(root);
    char text[] = "goodbye";
    WSABUF data{7, text};
    if (!has(XP1_DISCONNECT_DATA)) {
        EXPECT_TRUE(refused(WSASendDisconnect(one.leaf.get(), &data), WSAENOPROTOOPT));
    }
    const event_watch watch(one.branch.get(), FD_CLOSE);
    ASSERT_TRUE(worked(WSASendDisconnect(one.leaf.get(), nullptr)));
    EXPECT_EQ(0, watch.code(FD_CLOSE)) << "LC-14: it ends the sending side";
    EXPECT_TRUE(refused(send_text(one.leaf.get(), "x"), WSAESHUTDOWN));
}

TEST_P(SessionCapability, EV_41_XP1_EXPEDITED_DATA) {
    const auto root = make_listening_root();
    const auto one = add_leaf(root);
    if (has(XP1_EXPEDITED_DATA)) {
        GTEST_SKIP() << "the entry has XP1_EXPEDITED_DATA";
    }
    EXPECT_TRUE(refused(jl_send(root.get(), "!", 1, MSG_OOB), WSAEOPNOTSUPP));
    const event_watch watch(one.leaf.get(), FD_OOB);
    ASSERT_EQ(1, send_text(root.get(), "x"));
    EXPECT_TRUE(watch.stays_away(FD_OOB));
}

TEST_P(SessionCapability, JL_71_TheModeOfTheParentIsInherited) {
    const auto root = make_listening_root();
    ASSERT_TRUE(set_nonblocking(root.get()));
    if (built() == way::invite) {
        const auto door = make_listening_leaf();
        ASSERT_TRUE(set_nonblocking(door.get()));
        const owned_socket branch(plain_join(root.get(), local_name(door.get())));
        const auto leaf = admit(door.get());
        char byte = 0;
        EXPECT_TRUE(refused(jl_recv(leaf.get(), &byte, 1, 0), WSAEWOULDBLOCK)) << "AC-07";
        return;
    }
    const auto leaf = make_leaf();
    ASSERT_TRUE(set_nonblocking(leaf.get()));
    ASSERT_TRUE(worked(plain_join(leaf.get(), local_name(root.get()))));
    const auto branch = admit(root.get());
    char byte = 0;
    EXPECT_TRUE(refused(jl_recv(branch.get(), &byte, 1, 0), {WSAEWOULDBLOCK, WSAEOPNOTSUPP}));
}

INSTANTIATE_TEST_SUITE_P(Transports, SessionCapability,
                         ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

class StreamCapability : public transport_test {};

TEST_P(StreamCapability, EV_41_XP1_EXPEDITED_DATA) {
    const auto listener = make_ordinary();
    ASSERT_TRUE(listen_on_loopback(listener.get(), family()));
    const auto client = make_ordinary();
    const auto to = local_name(listener.get());
    ASSERT_TRUE(worked(jl_connect(client.get(), to.get(), to.length)));
    ASSERT_TRUE(readable(listener.fd()));
    const owned_socket server(jl_accept(listener.get(), nullptr, nullptr));
    const event_watch watch(server.get(), FD_OOB | FD_READ);
    if (!has(XP1_EXPEDITED_DATA)) {
        EXPECT_TRUE(refused(jl_send(client.get(), "!", 1, MSG_OOB), WSAEOPNOTSUPP));
        GTEST_SKIP() << "the entry has no XP1_EXPEDITED_DATA";
    }
    ASSERT_EQ(1, jl_send(client.get(), "!", 1, MSG_OOB)) << last_failure();
    EXPECT_EQ(0, watch.code(FD_OOB));
    char byte = 0;
    ASSERT_EQ(1, jl_recv(server.get(), &byte, 1, MSG_OOB)) << last_failure();
    EXPECT_EQ('!', byte);
    ASSERT_EQ(1, jl_send(client.get(), "?", 1, MSG_OOB));
    EXPECT_EQ(0, watch.code(FD_OOB)) << "the receive has re-enabled it";
}

INSTANTIATE_TEST_SUITE_P(Transports, StreamCapability, ::testing::ValuesIn(transports_of({plan::stream})),
                         transport_name());

} // namespace
} // namespace joinleaf::test
