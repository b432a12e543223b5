// SPDX-License-Identifier: Apache-2.0
//
// A receiver and a sender of one session over udp-mcast on `lo`, in a network of the test's own.
#pragma once

#include "tests/support/private_network.hpp"
#include "tests/support/runtime_fixture.hpp"
#include "tests/support/waiting.hpp"

#include <arpa/inet.h>

#include <array>
#include <string>
#include <vector>

namespace joinleaf::test {

class group_test : public ::testing::Test, protected runtime_guard {
  protected:
    void SetUp() override {
        if (!private_network_refusal().empty()) {
            GTEST_SKIP() << private_network_refusal();
        }
        group_.sin_family = AF_INET;
        group_.sin_port = htons(21601);
        ::inet_pton(AF_INET, "239.192.16.1", &group_.sin_addr);
    }
    void TearDown() override { end(); }

    // options: of the entry, as YAML, besides the interface.
    void begin(const std::string& options = {}) {
        start({"interface: lo" + (options.empty() ? "" : ", " + options), "join_timeout: 30s"});
        receiver_ = member(JL_RECEIVER_ONLY);
        sender_ = member(JL_SENDER_ONLY);
        set_patience(receiver_, {20, 0});
    }
    SOCKET member(DWORD direction, DWORD flags = WSA_FLAG_OVERLAPPED) {
        const SOCKET s = WSASocketA(AF_INET, SOCK_DGRAM, 0, nullptr, 0,
                                    flags | WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF);
        EXPECT_EQ(WSAJoinLeaf(s, reinterpret_cast<sockaddr*>(&group_), sizeof group_, nullptr, nullptr,
                              nullptr, nullptr, direction),
                  s);
        return s;
    }
    static void set_patience(SOCKET s, timeval time) {
        EXPECT_EQ(jl_setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
    }
    void send(const std::string& text) {
        EXPECT_EQ(jl_send(sender_, text.data(), static_cast<int>(text.size()), 0),
                  static_cast<int>(text.size()));
    }
    // All of them by one call; what fits into a super-packet leaves as one.
    void send_all(std::vector<std::string> texts) {
        std::vector<WSABUF> buffers;
        std::vector<jl_message> messages(texts.size());
        for (auto& text : texts) {
            buffers.push_back({static_cast<ULONG>(text.size()), text.data()});
        }
        for (std::size_t i = 0; i < texts.size(); ++i) {
            messages[i].buffers = &buffers[i];
            messages[i].buffer_count = 1;
        }
        EXPECT_EQ(jl_send_batch(sender_, messages.data(), static_cast<int>(messages.size())),
                  static_cast<int>(messages.size()));
    }
    // Its text, or the name of the code.
    [[nodiscard]] std::string receive(int flags = 0, int room = 64) const {
        std::vector<char> bytes(static_cast<std::size_t>(room));
        const int got = jl_recv(receiver_, bytes.data(), room, flags);
        return got < 0 ? jl_error_name(WSAGetLastError())
                       : std::string(bytes.data(), static_cast<std::size_t>(got));
    }
    static jl_statistics statistics_of(SOCKET s) {
        jl_statistics found{};
        found.struct_size = sizeof found;
        EXPECT_EQ(jl_socket_statistics(s, &found), 0);
        return found;
    }
    // 0, or the code.
    static int control(SOCKET s, DWORD code) {
        DWORD bytes = 0;
        return WSAIoctl(s, code, nullptr, 0, nullptr, 0, &bytes, nullptr, nullptr) == 0 ? 0
                                                                                        : WSAGetLastError();
    }
    // Receives a pile by one call, after which the receiver asks the kernel for super-packets.
    void let_it_pile() {
        constexpr int count = 32;
        send_all(std::vector<std::string>(count, "pile"));
        std::array<std::array<char, 8>, count> room{};
        std::array<WSABUF, count> buffers{};
        std::array<jl_message, count> messages{};
        for (std::size_t i = 0; i < count; ++i) {
            buffers[i] = {8, room[i].data()};
            messages[i].buffers = &buffers[i];
            messages[i].buffer_count = 1;
        }
        for (int got = 0; got < count;) {
            const int more = jl_recv_batch(receiver_, messages.data(), count - got);
            ASSERT_GT(more, 0);
            got += more;
        }
        ASSERT_EQ(statistics_of(receiver_).receive_path, JL_SENDS_SEGMENTED);
    }

    sockaddr_in group_{};
    SOCKET receiver_ = INVALID_SOCKET;
    SOCKET sender_ = INVALID_SOCKET;
};

} // namespace joinleaf::test
