// SPDX-License-Identifier: Apache-2.0
//
// send and recv between processes, over each transport.
#include "command.hpp"

#include "tests/support/address.hpp"
#include "tests/support/private_network.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace joinleaf::test {
namespace {

[[maybe_unused]] const bool in_private_network = use_private_network();

struct over {
    const char* name;
    const char* yaml;
    const char* entry;
    const char* address; // of the sender; the port is filled in
    bool needs_multicast;
};

void PrintTo(const over& transport, std::ostream* out) {
    *out << transport.name;
}

constexpr const char* rdma_yaml =
    "version: 1\nproviders:\n  - name: it\n    library: rdma\n    options: {engine: ofi}\n";
constexpr const char* shared_memory_yaml =
    "version: 1\nproviders:\n  - name: it\n    library: rdma\n    options: {engine: ofi, fabric: shm}\n";
constexpr const char* tcp_yaml = "version: 1\nproviders:\n  - name: it\n    library: tcp-root\n";
constexpr const char* udp_yaml = "version: 1\nproviders:\n  - name: it\n    library: udp-mcast\n"
                                 "    options: {interface: lo, rcvbuf: 1MiB}\n";

const over every_kind[] = {{"TcpRoot", tcp_yaml, "it/rooted-ipv4", "127.0.0.1:0", false},
                           {"TcpRootInet6", tcp_yaml, "it/rooted-ipv6", "[::1]:0", false},
                           {"Rdma", rdma_yaml, "it/rooted-ipv4", "127.0.0.1:0", false},
                           {"RdmaInet6", rdma_yaml, "it/rooted-ipv6", "[::1]:0", false},
                           {"RdmaSharedMemory", shared_memory_yaml, "it/rooted-ipv4", "127.0.0.1:0", false},
                           {"TcpRelay", tcp_yaml, "it/relay-ipv4", "127.0.0.1:0", false},
                           {"UdpMcast", udp_yaml, "it/ipv4", "239.255.7.31:0", true},
                           {"UdpMcastInet6", udp_yaml, "it/ipv6", "[ff15::6a6c:731]:0", true}};

class Transfer : public ::testing::TestWithParam<over> {
  protected:
    void SetUp() override {
        if (GetParam().needs_multicast && !private_network_refusal().empty()) {
            GTEST_SKIP() << "needs multicast on lo: " << private_network_refusal();
        }
        if (GetParam().address[0] == '[' && !has_ipv6()) {
            GTEST_SKIP() << "needs IPv6";
        }
    }

    // send or recv with what the transport needs.
    [[nodiscard]] std::vector<std::string> words(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), {"--config", config});
        arguments.insert(arguments.end(), {"--provider", GetParam().entry});
        return joinleaf(std::move(arguments));
    }

    // The address that a sender shows; empty when it does not come to that.
    static std::string address_of(command& sender) {
        return sender.wait_for_message(", waiting for") ? between(sender.messages(), "' at ", ", waiting for")
                                                        : "";
    }

    scratch folder;
    std::string config = folder.write("it.yaml", GetParam().yaml);
};

// This very program is a real file of some size.
std::string some_file() {
    return std::filesystem::read_symlink("/proc/self/exe").string();
}

// All of it, or where losses are not repaired as much as the smallest receive buffer of a Linux machine holds, so that no load of the
// machine loses any.
std::string text_for(const over& transport) {
    return read_file(some_file()).substr(0, transport.needs_multicast ? 150000 : std::string::npos);
}

// Enough that a slow transfer of it is still going on when a test looks.
std::string part_of_it(const scratch& folder) {
    return folder.write("part", read_file(some_file()).substr(0, 1500000));
}

TEST_P(Transfer, AFile_ReachesTwoReceivers_WithEqualContent) {
    const std::string content = text_for(GetParam());
    command sender(folder, words({"send", folder.write("file", content), "--address", GetParam().address,
                                  "--leaves", "2"}));
    const auto at = address_of(sender);
    ASSERT_FALSE(at.empty()) << sender.messages();
    command one(folder, words({"recv", "--address", at, "-o", folder.path("one")}));
    command two(folder, words({"recv", "--address", at, "--output", folder.path("two")}));
    EXPECT_EQ(sender.wait(), 0) << sender.messages();
    EXPECT_EQ(one.wait(), 0) << one.messages();
    EXPECT_EQ(two.wait(), 0) << two.messages();
    EXPECT_TRUE(read_file(folder.path("one")) == content);
    EXPECT_TRUE(read_file(folder.path("two")) == content);
    EXPECT_FALSE(std::filesystem::exists(folder.path("one.part")));
    EXPECT_NE(sender.messages().find("2 leaves have everything"), std::string::npos) << sender.messages();
    EXPECT_NE(one.messages().find("SHA-256 equal"), std::string::npos) << one.messages();
    EXPECT_NE(one.messages().find("received: "), std::string::npos) << "a rate line: " << one.messages();
}

TEST_P(Transfer, StandardInput_ReachesStandardOutput) {
    const std::string text = text_for(GetParam());
    command sender(folder, words({"send", "--address", GetParam().address}), text);
    const auto at = address_of(sender);
    ASSERT_FALSE(at.empty()) << sender.messages();
    command receiver(folder, words({"recv", "--address", at, "--quiet"}));
    EXPECT_EQ(receiver.wait(), 0) << receiver.messages();
    EXPECT_EQ(receiver.messages(), "");
    EXPECT_EQ(sender.wait(), 0) << sender.messages();
    EXPECT_TRUE(receiver.output() == text);
}

TEST_P(Transfer, Lines_KeepTheirBoundaries_AlsoLongAndEmptyOnes) {
    const std::string text = "first\n\n" + std::string(100000, 'x') + "\nno line feed at the end";
    command sender(folder, words({"send", "--lines", "--address", GetParam().address}), text);
    const auto at = address_of(sender);
    ASSERT_FALSE(at.empty()) << sender.messages();
    command receiver(folder, words({"recv", "--address", at}));
    EXPECT_EQ(receiver.wait(), 0) << receiver.messages();
    EXPECT_EQ(sender.wait(), 0) << sender.messages();
    EXPECT_TRUE(receiver.output() == text + "\n");
}

TEST_P(Transfer, AnEmptyFile_IsATransferLikeAnyOther) {
    const auto empty = folder.write("empty", "");
    command sender(folder, words({"send", empty, "--address", GetParam().address}));
    const auto at = address_of(sender);
    ASSERT_FALSE(at.empty()) << sender.messages();
    command receiver(folder, words({"recv", "--address", at, "-o", folder.path("copy")}));
    EXPECT_EQ(receiver.wait(), 0) << receiver.messages();
    EXPECT_EQ(sender.wait(), 0) << sender.messages();
    EXPECT_TRUE(std::filesystem::exists(folder.path("copy")));
    EXPECT_EQ(read_file(folder.path("copy")), "");
}

TEST_P(Transfer, TooFewLeaves_AreStatus4_WithinTheTimeout) {
    command sender(folder, words({"send", some_file(), "--address", GetParam().address, "--timeout", "0.5"}));
    EXPECT_EQ(sender.wait(std::chrono::seconds(10)), 4);
    EXPECT_NE(sender.messages().find("0 of 1 leaves came within 0.5 s"), std::string::npos)
        << sender.messages();
}

TEST_P(Transfer, ASenderThatIsKilled_LeavesThePartAndStatus5) {
    command sender(folder,
                   words({"send", part_of_it(folder), "--address", GetParam().address, "--rate", "300kB"}));
    const auto at = address_of(sender);
    ASSERT_FALSE(at.empty()) << sender.messages();
    command receiver(folder, words({"recv", "--address", at, "-o", folder.path("copy"), "--timeout", "2"}));
    ASSERT_TRUE(receiver.wait_for_message("received: ")) << receiver.messages();
    sender.kill(SIGKILL);
    const int status = receiver.wait();
    EXPECT_TRUE(status == 4 || status == 5) << status << receiver.messages();
    EXPECT_NE(receiver.messages().find("what came is in"), std::string::npos) << receiver.messages();
    EXPECT_FALSE(std::filesystem::exists(folder.path("copy")));
    EXPECT_TRUE(std::filesystem::exists(folder.path("copy.part")));
}

TEST_P(Transfer, AReceiverThatIsKilled_IsToldByTheSendersStatus) {
    command sender(folder, words({"send", part_of_it(folder), "--address", GetParam().address, "--rate",
                                  "300kB", "--timeout", "3"}));
    const auto at = address_of(sender);
    ASSERT_FALSE(at.empty()) << sender.messages();
    command receiver(folder, words({"recv", "--address", at, "-o", folder.path("copy")}));
    ASSERT_TRUE(receiver.wait_for_message("received: ")) << receiver.messages();
    receiver.kill(SIGKILL);
    EXPECT_EQ(sender.wait(std::chrono::seconds(60)), 4) << sender.messages();
}

TEST_P(Transfer, AFileThatIsNotThere_IsNamed) {
    command sender(folder, words({"send", folder.path("missing"), "--address", GetParam().address}));
    EXPECT_EQ(sender.wait(), 4);
    EXPECT_NE(sender.messages().find("No such file"), std::string::npos) << sender.messages();
}

INSTANTIATE_TEST_SUITE_P(Cli, Transfer, ::testing::ValuesIn(every_kind),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(TransferOverTcp, AProviderThatIsNotThere_IsNamedWithThoseThatAre) {
    const scratch folder;
    const auto config = folder.write("it.yaml", tcp_yaml);
    command sender(folder, joinleaf({"--config", config, "send", some_file(), "--provider", "nobody"}));
    EXPECT_EQ(sender.wait(), 4);
    EXPECT_NE(sender.messages().find("there is no provider 'nobody'; configured are: it"), std::string::npos)
        << sender.messages();
}

TEST(TransferOverTcp, WithoutAProvider_TheFirstEntryOfTheAddressFamilyServes) {
    const scratch folder;
    const auto config = folder.write("it.yaml", tcp_yaml);
    command sender(folder, joinleaf({"--config", config, "send", "--address", "127.0.0.1:0"}), "text");
    ASSERT_TRUE(sender.wait_for_message(", waiting for")) << sender.messages();
    const auto at = between(sender.messages(), "' at ", ", waiting for");
    command receiver(folder, joinleaf({"--config", config, "recv", "--address", at}));
    EXPECT_EQ(receiver.wait(), 0) << receiver.messages();
    EXPECT_EQ(sender.wait(), 0) << sender.messages();
    EXPECT_EQ(receiver.output(), "text");
}

TEST(TransferOverTcp, LeavesZero_IsRefused) {
    const scratch folder;
    const auto config = folder.write("it.yaml", tcp_yaml);
    command sender(folder, joinleaf({"--config", config, "send", "--leaves", "0"}), "text");
    EXPECT_EQ(sender.wait(), 2);
    EXPECT_NE(sender.messages().find("--leaves 0"), std::string::npos) << sender.messages();
}

TEST(TransferOverTcp, NobodyThere_IsStatus4_AndLeavesNoFile) {
    const scratch folder;
    const auto config = folder.write("it.yaml", tcp_yaml);
    const auto at = "127.0.0.1:" + std::to_string(free_port(AF_INET, SOCK_STREAM));
    command receiver(folder, joinleaf({"--config", config, "recv", "--address", at, "-o", folder.path("copy"),
                                       "--timeout", "0.5"}));
    EXPECT_EQ(receiver.wait(), 4);
    EXPECT_NE(receiver.messages().find("WSAECONNREFUSED"), std::string::npos) << receiver.messages();
    EXPECT_FALSE(std::filesystem::exists(folder.path("copy.part")));
}

} // namespace
} // namespace joinleaf::test
