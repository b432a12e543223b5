// SPDX-License-Identifier: Apache-2.0
//
// reactor.spin: blocking calls that poll before they sleep behave as those that do not.
#include "tests/support/private_network.hpp"
#include "tests/support/runtime_fixture.hpp"
#include "tests/support/waiting.hpp"

#include <arpa/inet.h>

#include <array>

namespace joinleaf::test {
namespace {

class Spin : public ::testing::TestWithParam<const char*>, protected runtime_guard {
  protected:
    void SetUp() override {
        const std::string reactor = std::string("reactor: {spin: ") + GetParam() + "}\n";
        auto yaml = configuration();
        yaml.insert(yaml.find("providers:"), reactor);
        ASSERT_TRUE(start_runtime(yaml));
        at_.sin_family = AF_INET;
        at_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        s_ = jl_socket(AF_INET, SOCK_DGRAM, 0);
        int length = sizeof at_;
        ASSERT_EQ(jl_bind(s_, reinterpret_cast<sockaddr*>(&at_), length), 0);
        ASSERT_EQ(jl_getsockname(s_, reinterpret_cast<sockaddr*>(&at_), &length), 0);
    }
    void TearDown() override { end(); }

    int receive() {
        std::array<char, 16> room{};
        return jl_recv(s_, room.data(), static_cast<int>(room.size()), 0);
    }
    void send_from(SOCKET s) {
        EXPECT_EQ(jl_sendto(s, "spin", 4, 0, reinterpret_cast<sockaddr*>(&at_), sizeof at_), 4);
    }

    SOCKET s_ = INVALID_SOCKET;
    sockaddr_in at_{};
};

TEST_P(Spin, IO_14_BlockedReceive_TakesTheMessageThatComes) {
    auto waiting = in_background([&] { return receive(); });
    const SOCKET sender = jl_socket(AF_INET, SOCK_DGRAM, 0);
    for (int i = 0; i < 20; ++i) {
        send_from(sender);
        ASSERT_EQ(result_of(waiting, "recv"), 4);
        waiting = in_background([&] { return receive(); });
    }
    send_from(sender);
    ASSERT_EQ(result_of(waiting, "recv"), 4);
    EXPECT_EQ(jl_closesocket(sender), 0);
    EXPECT_EQ(jl_closesocket(s_), 0);
}

TEST_P(Spin, ReceiveTimeout_Holds) {
    const timeval soon{0, 20'000};
    ASSERT_EQ(jl_setsockopt(s_, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon), 0);
    EXPECT_EQ(receive(), SOCKET_ERROR);
    EXPECT_EQ(WSAGetLastError(), WSAETIMEDOUT);
    EXPECT_EQ(jl_closesocket(s_), 0);
}

TEST_P(Spin, Closesocket_EndsABlockedReceive) {
    auto waiting = in_background([&] { return receive() == SOCKET_ERROR ? WSAGetLastError() : 0; });
    std::this_thread::sleep_for(vigilance);
    ASSERT_FALSE(is_done(waiting));
    EXPECT_EQ(jl_closesocket(s_), 0);
    const int code = result_of(waiting, "recv");
    EXPECT_TRUE(code == WSAEINTR || code == WSAENOTSOCK) << code_name(code);
}

// Never, for shorter than the calls take, for longer.
INSTANTIATE_TEST_SUITE_P(Times, Spin, ::testing::Values("0us", "50us", "1s"),
                         [](const auto& which) { return std::string("For") + which.param; });

} // namespace
} // namespace joinleaf::test
