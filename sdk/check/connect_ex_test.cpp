// SPDX-License-Identifier: Apache-2.0
//
// ConnectEx and DisconnectEx over ordinary streams, and how a program finds the extension functions (IO-33).
#include "tests/support/completion_port.hpp"
#include "tests/support/event_watch.hpp"
#include "tests/support/overlapped_call.hpp"
#include "tests/support/stream_fixture.hpp"

namespace joinleaf::test {
namespace {

class ConnectEx : public stream_test {
  protected:
    [[nodiscard]] owned_socket make_bound() {
        auto made = make_ordinary();
        EXPECT_TRUE(worked(bind_to(made.get(), loopback(family()))));
        return made;
    }
};

TEST_P(ConnectEx, IO_43_EV_30_ItConnects_SendsAndTellsTheBytes) {
    const auto listener = make_listener();
    const auto client = make_bound();
    const event_watch watch(client.get(), FD_CONNECT | FD_WRITE);
    overlapped_call call("first words");
    const auto to = local_name(listener.get());
    ASSERT_EQ(WSA_IO_PENDING, call.connect(client.get(), to.get(), to.length)) << last_failure();
    EXPECT_EQ((overlapped_end{0, 11, 0}), call.wait(client.get()));
    EXPECT_EQ(0, watch.code(FD_CONNECT));
    EXPECT_TRUE(worked(jl_setsockopt(client.get(), SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, nullptr, 0)));
    EXPECT_EQ(to, peer_name(client.get()));
    const auto server = admit(listener.get());
    EXPECT_EQ("first words", next_text(server.get()).value_or("nothing"));
}

TEST_P(ConnectEx, IO_53_WithoutDataOnePacketTellsTheConnection) {
    const owned_port port;
    const auto listener = make_listener();
    const auto client = make_bound();
    ASSERT_TRUE(port.take_in(client.get(), 5));
    const auto to = local_name(listener.get());
    WSAOVERLAPPED state{};
    ASSERT_FALSE(jl_connect_ex(client.get(), to.get(), to.length, nullptr, 0, nullptr, &state));
    ASSERT_EQ(WSA_IO_PENDING, WSAGetLastError());
    const auto got = next_packet(port.get());
    EXPECT_TRUE(got.good) << code_name(got.code);
    EXPECT_EQ(&state, got.state);
    EXPECT_EQ(0U, got.bytes);
    EXPECT_EQ(5, send_text(client.get(), "works")) << last_failure();
    EXPECT_FALSE(readable(port.fd(), vigilance));
}

TEST_P(ConnectEx, JL_41_ARefusalIsTheOperationsCode_AndTheSocketMayTryAgain) {
    const auto client = make_bound();
    const auto nobody = loopback(family(), free_port(family(), SOCK_STREAM));
    overlapped_call call("unheard");
    ASSERT_EQ(WSA_IO_PENDING, call.connect(client.get(), nobody.get(), nobody.length));
    EXPECT_EQ((overlapped_end{WSAECONNREFUSED, 0, 0}), call.wait(client.get()));
    const auto listener = make_listener();
    const auto to = local_name(listener.get());
    overlapped_call again("heard");
    ASSERT_EQ(WSA_IO_PENDING, again.connect(client.get(), to.get(), to.length)) << last_failure();
    EXPECT_EQ((overlapped_end{0, 5, 0}), again.wait(client.get()));
}

TEST_P(ConnectEx, BadArgumentsAreTold) {
    const auto listener = make_listener();
    const auto to = local_name(listener.get());
    const auto unbound = make_ordinary();
    const auto client = make_bound();
    overlapped_call call(std::size_t{0});
    EXPECT_EQ(WSAEINVAL, call.connect(unbound.get(), to.get(), to.length)) << "not bound";
    EXPECT_EQ(WSAEINVAL, call.connect(listener.get(), to.get(), to.length)) << "listening";
    EXPECT_EQ(WSAEFAULT, call.connect(client.get(), to.get(), 3));
    EXPECT_EQ(WSAENOTSOCK, call.connect(INVALID_SOCKET, to.get(), to.length));
    const auto nobody = any_address(family(), 9);
    EXPECT_EQ(WSAEADDRNOTAVAIL, call.connect(client.get(), nobody.get(), nobody.length));
    EXPECT_FALSE(jl_connect_ex(client.get(), to.get(), to.length, nullptr, 0, nullptr, nullptr));
    EXPECT_EQ(WSA_INVALID_PARAMETER, WSAGetLastError());
    EXPECT_TRUE(
        refused(jl_setsockopt(client.get(), SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, nullptr, 0), WSAENOTCONN));
    ASSERT_EQ(WSA_IO_PENDING, call.connect(client.get(), to.get(), to.length));
    EXPECT_EQ((overlapped_end{0, 0, 0}), call.wait(client.get()));
    overlapped_call again(std::size_t{0});
    EXPECT_EQ(WSAEISCONN, again.connect(client.get(), to.get(), to.length));
}

TEST_P(ConnectEx, IO_46_DisconnectExEndsSendingBehindWhatWaits) {
    const auto listener = make_listener();
    const auto client = connect_to(listener.get());
    const auto server = admit(listener.get());
    const std::string much(8U << 20U, 'x'); // more than the kernel takes at once
    overlapped_call send(much);
    const int begun = send.send(client.get());
    EXPECT_TRUE(begun == WSA_IO_PENDING || begun == 0) << code_name(begun);
    overlapped_call end;
    const int ended = end.disconnect(client.get());
    EXPECT_TRUE(ended == WSA_IO_PENDING || ended == 0) << code_name(ended);
    EXPECT_TRUE(refused(send_text(client.get(), "x"), WSAESHUTDOWN));
    std::size_t got = 0;
    std::string room(1U << 20U, '\0');
    for (int size = 1; size > 0; got += static_cast<std::size_t>(std::max(size, 0))) {
        size = jl_recv(server.get(), room.data(), static_cast<int>(room.size()), 0);
        EXPECT_LE(0, size) << last_failure();
    }
    EXPECT_EQ(much.size(), got) << "all of it, then the end";
    EXPECT_EQ((overlapped_end{0, static_cast<DWORD>(much.size()), 0}), send.wait(client.get()));
    EXPECT_EQ((overlapped_end{0, 0, 0}), end.wait(client.get()));
}

TEST_P(ConnectEx, DisconnectExWithoutAStructureReturnsWhenItIsDone) {
    const auto listener = make_listener();
    const auto client = connect_to(listener.get());
    const auto server = admit(listener.get());
    EXPECT_TRUE(jl_disconnect_ex(client.get(), nullptr, 0, 0)) << last_failure();
    EXPECT_EQ("", next_text(server.get()).value_or("nothing"));
    overlapped_call call;
    EXPECT_EQ(WSAEOPNOTSUPP, call.disconnect(server.get(), TF_REUSE_SOCKET));
    EXPECT_EQ(WSAEINVAL, call.disconnect(server.get(), 0x8000));
    const auto unconnected = make_ordinary();
    EXPECT_EQ(WSAENOTCONN, call.disconnect(unconnected.get()));
}

INSTANTIATE_TEST_SUITE_P(Transports, ConnectEx, ::testing::ValuesIn(transports_of({plan::stream})),
                         transport_name());

class ExtensionFunction : public transport_test {
  protected:
    owned_socket make() { return which().kind == plan::stream ? make_ordinary() : make_leaf(); }
};

TEST_P(ExtensionFunction, IO_33_TheFunctionsAreFoundByTheirNumbers) {
    const auto s = make();
    const auto find = [&](GUID id) {
        void* found = nullptr;
        DWORD bytes = 0;
        EXPECT_TRUE(worked(WSAIoctl(s.get(), SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, &found,
                                    sizeof found, &bytes, nullptr, nullptr)));
        EXPECT_EQ(sizeof found, bytes);
        return found;
    };
    EXPECT_EQ(reinterpret_cast<void*>(jl_accept_ex), find(WSAID_ACCEPTEX));
    EXPECT_EQ(reinterpret_cast<void*>(jl_get_accept_ex_sockaddrs), find(WSAID_GETACCEPTEXSOCKADDRS));
    EXPECT_EQ(reinterpret_cast<void*>(jl_connect_ex), find(WSAID_CONNECTEX));
    EXPECT_EQ(reinterpret_cast<void*>(jl_disconnect_ex), find(WSAID_DISCONNECTEX));
    EXPECT_EQ(reinterpret_cast<void*>(jl_transmit_file), find(WSAID_TRANSMITFILE));
    EXPECT_EQ(reinterpret_cast<void*>(jl_transmit_packets), find(WSAID_TRANSMITPACKETS));
    EXPECT_EQ(reinterpret_cast<void*>(jl_recv_msg), find(WSAID_WSARECVMSG));
    EXPECT_EQ(reinterpret_cast<void*>(WSASendMsg), find(WSAID_WSASENDMSG));
}

TEST_P(ExtensionFunction, IO_33_TooLittleRoomIsWsaefault) {
    const auto s = make();
    GUID id = WSAID_ACCEPTEX;
    void* found = nullptr;
    DWORD bytes = 0;
    EXPECT_TRUE(refused(WSAIoctl(s.get(), SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, &found,
                                 sizeof found - 1, &bytes, nullptr, nullptr),
                        WSAEFAULT));
    EXPECT_TRUE(refused(WSAIoctl(s.get(), SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id - 1, &found,
                                 sizeof found, &bytes, nullptr, nullptr),
                        WSAEFAULT));
}

TEST_P(ExtensionFunction, SessionsAndDatagramsHaveOtherCalls) {
    if (which().kind == plan::stream) {
        GTEST_SKIP() << "lacks a session";
    }
    const auto s = make();
    const auto other = make();
    EXPECT_TRUE(worked(
        bind_to(s.get(), which().kind == plan::nonrooted ? any_address(family()) : loopback(family()))));
    overlapped_call accept(2 * std::size_t{overlapped_call::address_room(family())});
    EXPECT_EQ(WSAEOPNOTSUPP, accept.accept(s.get(), other.get(), family()));
    overlapped_call connect(std::size_t{0});
    const auto to = loopback(family(), 9);
    EXPECT_EQ(WSAEOPNOTSUPP, connect.connect(s.get(), to.get(), to.length));
}

INSTANTIATE_TEST_SUITE_P(Transports, ExtensionFunction, ::testing::ValuesIn(all_transports()),
                         transport_name());

} // namespace
} // namespace joinleaf::test
