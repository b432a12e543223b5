// SPDX-License-Identifier: Apache-2.0
//
// Ordinary TCP sockets.
#include "test_socket.hpp"

#include <poll.h>
#include <sys/resource.h>

namespace joinleaf::tcp_root::test {
namespace {

struct connection {
    test_socket client;
    test_socket server;
};

connection connect_pair(const library& lib, test_socket& listener, const address& at,
                        std::uint32_t entry = stream4) {
    connection out{test_socket(lib, entry, 0), {}};
    EXPECT_EQ(out.client.start_connect(at), 0);
    EXPECT_EQ(out.client.outcome().code, 0);
    const auto request = listener.next_connection();
    EXPECT_TRUE(request);
    out.server = listener.accept(*request);
    return out;
}

class Stream : public testing::TestWithParam<std::uint32_t> {};

TEST_P(Stream, ConnectAcceptAndBytes_IO_11) {
    const library lib;
    test_socket listener(lib, GetParam(), 0);
    const address at = listener.listen_on_loopback();
    EXPECT_EQ(listener.arm(JL_ACCEPT), JL_ARMED);
    auto client_side = connect_pair(lib, listener, at, GetParam());
    auto& client = client_side.client;
    [[maybe_unused]] auto& server = client_side.server;
    EXPECT_EQ(client.name(true).text(), at.text());
    EXPECT_EQ(server.name(true).text(), client.name().text());
    ASSERT_EQ(client.send("abc"), 0);
    ASSERT_EQ(client.send("def"), 0);
    std::string got;
    while (got.size() < 6) {
        const received next = server.receive(4);
        ASSERT_EQ(next.code, 0);
        got += next.data;
    }
    EXPECT_EQ(got, "abcdef");
    EXPECT_EQ(server.try_receive().code, WSAEWOULDBLOCK);
    EXPECT_EQ(server.arm(JL_IN), JL_ARMED);
    EXPECT_EQ(server.arm(JL_OUT), JL_READY);
}

INSTANTIATE_TEST_SUITE_P(Entries, Stream, testing::Values(stream4, stream6),
                         [](const auto& row) { return entry_name(row.param); });

TEST(StreamConnect, Refused_ThenAgainOnTheSameSocket) {
    const library lib;
    test_socket listener(lib, stream4, 0);
    ASSERT_EQ(listener.bind(loopback(AF_INET)), 0);
    const address at = listener.name();
    test_socket client(lib, stream4, 0);
    ASSERT_EQ(client.start_connect(at), 0);
    EXPECT_EQ(client.outcome().code, WSAECONNREFUSED);
    EXPECT_EQ(client.try_send("x"), WSAENOTCONN);
    EXPECT_EQ(client.try_receive().code, WSAENOTCONN);
    ASSERT_EQ(listener.listen(1), 0);
    ASSERT_EQ(client.start_connect(at), 0);
    EXPECT_EQ(client.outcome().code, 0);
    EXPECT_EQ(client.start_connect(any_of(AF_INET).with_port(1)), WSAEADDRNOTAVAIL);
    EXPECT_EQ(client.start_connect(at), WSAEISCONN);
}

TEST(StreamConnect, CancelAndClose_WhilePending) {
    const library lib;
    // A full backlog leaves further connects pending.
    test_socket listener(lib, stream4, 0);
    ASSERT_EQ(listener.bind(loopback(AF_INET)), 0);
    ASSERT_EQ(listener.listen(0), 0);
    const address at = listener.name();
    std::vector<test_socket> fillers;
    for (int i = 0; i < 3; ++i) {
        fillers.emplace_back(lib, stream4, 0);
        ASSERT_EQ(fillers.back().start_connect(at), 0);
    }
    test_socket client(lib, stream4, 0);
    ASSERT_EQ(client.start_connect(at), 0);
    EXPECT_EQ(client.start_connect(at), WSAEALREADY);
    client.cancel();
    EXPECT_EQ(client.outcome().code, WSA_OPERATION_ABORTED);
    ASSERT_EQ(client.start_connect(at), 0);
    client.close();
    EXPECT_FALSE(client.has_outcome());
}

TEST(StreamEnd, GracefulEnd_AfterTheLastByte_EV_43) {
    const library lib;
    test_socket listener(lib, stream4, 0);
    auto client_side = connect_pair(lib, listener, listener.listen_on_loopback());
    auto& client = client_side.client;
    [[maybe_unused]] auto& server = client_side.server;
    ASSERT_EQ(client.send("last"), 0);
    client.close();
    EXPECT_EQ(server.receive(2).data, "la");
    EXPECT_EQ(server.arm(JL_IN), JL_READY);
    EXPECT_EQ(server.receive().data, "st");
    EXPECT_EQ(server.wait_end(), 0);
    EXPECT_EQ(server.try_receive().code, WSAEDISCON);
}

TEST(StreamEnd, Reset_IsRemembered) {
    const library lib;
    test_socket listener(lib, stream4, 0);
    auto client_side = connect_pair(lib, listener, listener.listen_on_loopback());
    auto& client = client_side.client;
    [[maybe_unused]] auto& server = client_side.server;
    client.close(JL_CLOSE_ABORT);
    EXPECT_EQ(server.wait_end(), WSAECONNRESET);
    EXPECT_EQ(server.wait_end(), WSAECONNRESET);
    EXPECT_EQ(server.try_receive().code, WSAECONNRESET); // IO-51
}

TEST(StreamEnd, Shutdown_LC_12) {
    const library lib;
    test_socket listener(lib, stream4, 0);
    auto client_side = connect_pair(lib, listener, listener.listen_on_loopback());
    auto& client = client_side.client;
    [[maybe_unused]] auto& server = client_side.server;
    EXPECT_EQ(client.shutdown(SD_SEND), 0);
    EXPECT_EQ(client.shutdown(SD_SEND), 0);
    EXPECT_EQ(client.try_send("x"), WSAESHUTDOWN);
    EXPECT_EQ(server.wait_end(), 0);
    ASSERT_EQ(server.send("still"), 0);
    EXPECT_EQ(client.receive().data, "still");
    test_socket fresh(lib, stream4, 0);
    EXPECT_EQ(fresh.shutdown(SD_SEND), WSAENOTCONN);
}

TEST(StreamEnd, CloseWithUnsentData_SendsIt) {
    const library lib;
    test_socket listener(lib, stream4, 0);
    auto client_side = connect_pair(lib, listener, listener.listen_on_loopback());
    auto& client = client_side.client;
    [[maybe_unused]] auto& server = client_side.server;
    std::size_t sent = 0;
    const std::string block(1 << 16, 'u');
    while (client.try_send(block) == 0) {
        sent += block.size();
    }
    client.start_close();
    std::size_t got = 0;
    received next;
    while ((next = server.receive(1 << 16)).code == 0) {
        got += next.data.size();
    }
    EXPECT_EQ(next.code, WSAEDISCON);
    EXPECT_GT(got, sent / 2) << "a stream may take a part of the last block";
    EXPECT_TRUE(client.wait_closed());
}

TEST(StreamEnd, AddressIsFreeAfterClose) {
    const library lib;
    address at;
    {
        test_socket listener(lib, stream4, 0);
        at = listener.listen_on_loopback();
        auto client_side = connect_pair(lib, listener, at);
        auto& client = client_side.client;
        [[maybe_unused]] auto& server = client_side.server;
        server.close();
        EXPECT_EQ(client.wait_end(), 0);
    }
    test_socket again(lib, stream4, 0);
    EXPECT_EQ(again.bind(at), 0);
    EXPECT_EQ(again.listen(1), 0);
    test_socket other(lib, stream4, 0);
    EXPECT_EQ(other.bind(at), WSAEADDRINUSE);
}

TEST(StreamData, ExpeditedData_XP1_EXPEDITED_DATA) {
    const library lib;
    test_socket listener(lib, stream4, 0);
    auto client_side = connect_pair(lib, listener, listener.listen_on_loopback());
    auto& client = client_side.client;
    [[maybe_unused]] auto& server = client_side.server;
    EXPECT_EQ(server.arm(JL_OOB), JL_ARMED);
    ASSERT_EQ(client.send("plain"), 0);
    ASSERT_EQ(client.try_send("!", JL_MSG_OOB), 0);
    EXPECT_TRUE(wait_until([&] { return server.arm(JL_OOB) == JL_READY; }));
    const received urgent = server.try_receive(1, JL_MSG_OOB);
    EXPECT_EQ(urgent.data, "!");
    EXPECT_EQ(urgent.flags, JL_MSG_OOB);
    EXPECT_EQ(server.arm(JL_OOB), JL_ARMED);
    EXPECT_EQ(server.receive().data, "plain");
    EXPECT_EQ(server.try_receive(1, JL_MSG_OOB).code, WSAEINVAL);
}

TEST(StreamData, PeekFionreadAndArrays) {
    const library lib;
    test_socket listener(lib, stream4, 0);
    auto client_side = connect_pair(lib, listener, listener.listen_on_loopback());
    auto& client = client_side.client;
    [[maybe_unused]] auto& server = client_side.server;
    ASSERT_EQ(client.send_all({"ab", "cd", "ef"}), 0);
    EXPECT_TRUE(wait_until([&] {
        std::uint32_t count = 0;
        std::uint32_t size = 0;
        EXPECT_EQ(lib.ops().ioctl(server.endpoint(), FIONREAD, nullptr, 0, &count, sizeof count, &size), 0);
        return count == 6;
    }));
    EXPECT_EQ(server.receive(6, JL_MSG_PEEK).data, "abcdef");
    std::array<char, 8> bytes{};
    std::array<iovec, 2> parts{iovec{bytes.data(), 4}, iovec{bytes.data() + 4, 4}};
    std::array<jl_msg, 2> messages{};
    messages[0].iov = parts.data();
    messages[0].iov_count = 1;
    messages[1].iov = &parts[1];
    messages[1].iov_count = 1;
    std::uint32_t done = 0;
    std::uint32_t left = 0;
    ASSERT_EQ(lib.ops().rx(server.endpoint(), messages.data(), 2, &done, &left), 0);
    EXPECT_EQ(done, 2u);
    EXPECT_EQ(messages[0].size + messages[1].size, 6u);
}

TEST(StreamData, BackpressureAndWritability) {
    const library lib;
    test_socket listener(lib, stream4, 0);
    auto client_side = connect_pair(lib, listener, listener.listen_on_loopback());
    auto& client = client_side.client;
    [[maybe_unused]] auto& server = client_side.server;
    const std::string block(1 << 16, 'u');
    while (client.try_send(block) == 0) {}
    EXPECT_EQ(client.arm(JL_OUT), JL_ARMED);
    std::thread reader([&] {
        while (server.receive(1 << 16).code == 0) {}
    });
    for (int i = 0; i < 200; ++i) {
        ASSERT_EQ(client.send(block), 0);
    }
    client.close();
    reader.join();
}

TEST(StreamAccept, Refused_IsReset) {
    const library lib;
    test_socket listener(lib, stream4, 0);
    const address at = listener.listen_on_loopback();
    test_socket client(lib, stream4, 0);
    ASSERT_EQ(client.start_connect(at), 0);
    const auto request = listener.next_connection();
    ASSERT_TRUE(request);
    ASSERT_EQ(client.outcome().code, 0);
    EXPECT_EQ(listener.refuse(*request), 0);
    EXPECT_EQ(client.wait_end(), WSAECONNRESET);
}

TEST(StreamAccept, AC_17_NoDescriptorLeft_IsToldByOpen) {
    const library lib;
    test_socket listener(lib, stream4, 0);
    const address at = listener.listen_on_loopback();
    raw_peer peer(at);
    pollfd waiting{listener.fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&waiting, 1, 5000), 1);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit tight{static_cast<rlim_t>(open_descriptors() + 3), before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    std::vector<provider::descriptor> hogs;
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) {
        hogs.emplace_back(fd);
    }
    const auto request = listener.next_connection();
    ASSERT_TRUE(request);
    int code = 0;
    { const test_socket none = listener.accept(*request, {}, &code); }
    EXPECT_EQ(code, WSAEMFILE);
    hogs.clear();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    test_socket late = listener.accept(*request, {}, &code);
    EXPECT_EQ(code, 0);
    ASSERT_TRUE(peer.send("hi"));
    EXPECT_EQ(late.receive().data, "hi");
}

TEST(StreamAccept, ListenUnbound_IsInvalid_AC_24) {
    const library lib;
    test_socket fresh(lib, stream4, 0);
    EXPECT_EQ(fresh.listen(1), WSAEINVAL);
    int code = 0;
    EXPECT_NE(fresh.name(false, &code).size, 0u);
    EXPECT_EQ(code, WSAEINVAL);
}

} // namespace
} // namespace joinleaf::tcp_root::test
