// SPDX-License-Identifier: Apache-2.0
//
// Lost, repeated, reordered and foreign messages at `joinleaf recv` over udp-mcast. The sender is the test itself: it writes the
// messages byte by byte as cli/message.hpp describes them, so that nothing depends on what the network happens to do.
#include "command.hpp"

#include "tests/support/address.hpp"
#include "tests/support/private_network.hpp"
#include "tests/support/waiting.hpp"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <optional>

namespace joinleaf::test {
namespace {

[[maybe_unused]] const bool in_private_network = use_private_network();

enum kind : char { here = 1, begin = 2, data = 3, end = 4, report = 5, bye = 6 };

constexpr std::uint64_t session = 77;

std::string number(std::uint64_t value) {
    std::string bytes(8, '\0');
    for (std::size_t i = 8; i > 0; --i, value >>= 8U) {
        bytes[i - 1] = static_cast<char>(value & 0xFFU);
    }
    return bytes;
}

std::string message(kind what, std::uint64_t which, const std::string& body, std::uint64_t of = session) {
    return std::string("JLTR\1") + static_cast<char>(what) + std::string(2, '\0') + number(of) +
           number(which) + number(body.size()) + body;
}

std::string end_of(const std::string& everything, std::uint64_t messages) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(everything.data()), everything.size(), digest);
    return message(end, messages,
                   number(everything.size()) +
                       std::string(reinterpret_cast<const char*>(digest), sizeof digest));
}

// A member of the group by the kernel's own calls.
class group_member {
  public:
    explicit group_member(const address& group)
        : group_(group), fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        const int on = 1;
        ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        EXPECT_EQ(::bind(fd_, group_.get(), static_cast<socklen_t>(group_.length)), 0);
        ip_mreqn membership{group_.four().sin_addr, {}, static_cast<int>(if_nametoindex("lo"))};
        EXPECT_EQ(::setsockopt(fd_, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership), 0);
        ::setsockopt(fd_, IPPROTO_IP, IP_MULTICAST_IF, &membership, sizeof membership);
    }
    group_member(const group_member&) = delete;
    group_member& operator=(const group_member&) = delete;
    ~group_member() { ::close(fd_); }

    void send(const std::string& bytes) const {
        ::sendto(fd_, bytes.data(), bytes.size(), 0, group_.get(), static_cast<socklen_t>(group_.length));
    }

    // The next message of that kind, waited for as long as anything may take.
    [[nodiscard]] std::optional<std::string> next(kind wanted) const {
        pollfd entry{fd_, POLLIN, 0};
        constexpr int limit = std::chrono::milliseconds(patience).count();
        while (::poll(&entry, 1, limit) > 0) {
            char bytes[2048];
            const auto size = ::recv(fd_, bytes, sizeof bytes, 0);
            if (size >= 32 && bytes[5] == wanted) {
                return std::string(bytes, static_cast<std::size_t>(size));
            }
        }
        return std::nullopt;
    }

  private:
    address group_;
    int fd_;
};

class Loss : public ::testing::Test {
  protected:
    void SetUp() override {
        if (!private_network_refusal().empty()) {
            GTEST_SKIP() << "needs multicast on lo: " << private_network_refusal();
        }
        const auto config = folder.write(
            "it.yaml",
            "version: 1\nproviders:\n  - name: it\n    library: udp-mcast\n    options: {interface: lo}\n");
        const auto group = fresh_group(AF_INET);
        sender = std::make_unique<group_member>(group);
        auto at = group.text();
        at[at.find(',')] = ':';
        receiver = std::make_unique<command>(
            folder, joinleaf({"--config", config, "recv", "--address", at, "--timeout", "20"}));
        ASSERT_TRUE(sender->next(here)) << receiver->messages();
    }

    // The end, and what the receiver makes of it: its report is whole or not.
    void finish(const std::string& everything, std::uint64_t messages, bool whole) {
        sender->send(end_of(everything, messages));
        const auto said = sender->next(report);
        ASSERT_TRUE(said) << receiver->messages();
        EXPECT_EQ((*said)[32], whole ? 1 : 0);
        sender->send(message(bye, 0, ""));
        EXPECT_EQ(receiver->wait(), whole ? 0 : 5) << receiver->messages();
    }

    scratch folder;
    std::unique_ptr<group_member> sender;
    std::unique_ptr<command> receiver;
};

TEST_F(Loss, AMissingMessage_IsCounted_AndStatus5) {
    for (const char* each : {"a", "b", "d"}) {
        sender->send(message(data, static_cast<std::uint64_t>(each[0] - 'a'), each));
    }
    finish("abcd", 4, false);
    EXPECT_EQ(receiver->output(), "abd");
    EXPECT_NE(receiver->messages().find("3 of 4 bytes came, 1 of 4 messages were lost"), std::string::npos)
        << receiver->messages();
}

TEST_F(Loss, TheLastMessageMissing_IsCounted) {
    sender->send(message(data, 0, "a"));
    finish("ab", 2, false);
    EXPECT_NE(receiver->messages().find("1 of 2 messages were lost"), std::string::npos)
        << receiver->messages();
}

TEST_F(Loss, ReorderedAndRepeatedMessages_ComeOutInOrderOnce) {
    for (const std::uint64_t each : {2U, 0U, 0U, 3U, 1U, 2U}) {
        sender->send(message(data, each, std::string(1, static_cast<char>('a' + each))));
    }
    finish("abcd", 4, true);
    EXPECT_EQ(receiver->output(), "abcd");
}

TEST_F(Loss, DifferentContent_IsFoundByItsDigest) {
    sender->send(message(data, 0, "axc"));
    finish("abc", 1, false);
    EXPECT_NE(receiver->messages().find("SHA-256 differs"), std::string::npos) << receiver->messages();
}

TEST_F(Loss, ForeignAndBrokenMessages_ChangeNothing) {
    sender->send(message(data, 0, "a"));
    sender->send("");
    sender->send("not one of ours, but longer than a header would be");
    sender->send(message(data, 1, "x", session + 1));
    sender->send(message(data, 1, "x").substr(0, 20));
    sender->send(message(data, 1, "x") + "longer than it says");
    sender->send(message(static_cast<kind>(99), 1, "x"));
    sender->send(message(end, 1, "too short for an end"));
    sender->send(message(begin, 0, "short"));
    sender->send(message(here, 1, "x"));
    sender->send(message(data, 1, "b"));
    finish("ab", 2, true);
    EXPECT_EQ(receiver->output(), "ab");
}

} // namespace
} // namespace joinleaf::test
