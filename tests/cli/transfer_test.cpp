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

struct over {
    const char* name;
    const char* yaml;
    const char* address; // of the sender; the port is filled in
    bool needs_multicast;
};

const over tcp{"TcpRoot", "version: 1\nproviders:\n  - name: it\n    library: tcp-root\n", "127.0.0.1:0",
               false};
const over udp{
    "UdpMcast", "version: 1\nproviders:\n  - name: it\n    library: udp-mcast\n    options: {interface: lo, rcvbuf: 1MiB}\n",
    "239.255.7.31:0", true};

class Transfer : public ::testing::TestWithParam<over> {
  protected:
    void SetUp() override {
        if (GetParam().needs_multicast && !private_network_refusal().empty()) {
            GTEST_SKIP() << "needs multicast on lo: " << private_network_refusal();
        }
    }

    [[nodiscard]] std::vector<std::string> words(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), {"--config", config});
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

// Enough that a slow transfer of it is still going on when a test looks.
std::string part_of_it(const scratch& folder) {
    return folder.write("part", read_file(some_file()).substr(0, 1500000));
}

TEST_P(Transfer, AFile_ReachesTwoReceivers_WithEqualContent) {
    command sender(folder, words({"send", some_file(), "--address", GetParam().address, "--leaves", "2",
                                  "--rate", "40MiB"}));
    const auto at = address_of(sender);
    ASSERT_FALSE(at.empty()) << sender.messages();
    command one(folder, words({"recv", "--address", at, "-o", folder.path("one")}));
    command two(folder, words({"recv", "--address", at, "--provider", "it", "--output", folder.path("two")}));
    EXPECT_EQ(sender.wait(), 0) << sender.messages();
    EXPECT_EQ(one.wait(), 0) << one.messages();
    EXPECT_EQ(two.wait(), 0) << two.messages();
    EXPECT_TRUE(read_file(folder.path("one")) == read_file(some_file()));
    EXPECT_TRUE(read_file(folder.path("two")) == read_file(some_file()));
    EXPECT_FALSE(std::filesystem::exists(folder.path("one.part")));
    EXPECT_NE(sender.messages().find("2 leaves have everything"), std::string::npos) << sender.messages();
    EXPECT_NE(one.messages().find("SHA-256 equal"), std::string::npos) << one.messages();
    EXPECT_NE(one.messages().find("MiB/s"), std::string::npos)
        << "a rate line without a terminal: " << one.messages();
}

TEST_P(Transfer, StandardInput_ReachesStandardOutput) {
    const std::string text = read_file(some_file()).substr(0, 300000);
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
    const std::string text = "first\n\n" + std::string(200000, 'x') + "\nno line feed at the end";
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

TEST_P(Transfer, AProviderThatIsNotThere_IsNamedWithThoseThatAre) {
    command sender(folder,
                   words({"send", some_file(), "--provider", "nobody", "--address", GetParam().address}));
    EXPECT_EQ(sender.wait(), 4);
    EXPECT_NE(sender.messages().find("there is no provider 'nobody'; configured are: it"), std::string::npos)
        << sender.messages();
}

TEST_P(Transfer, AFileThatIsNotThere_IsNamed) {
    command sender(folder, words({"send", folder.path("missing"), "--address", GetParam().address}));
    EXPECT_EQ(sender.wait(), 4);
    EXPECT_NE(sender.messages().find("No such file"), std::string::npos) << sender.messages();
}

INSTANTIATE_TEST_SUITE_P(Cli, Transfer, ::testing::Values(tcp, udp),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(TransferOverTcp, NobodyThere_IsStatus4_AndLeavesNoFile) {
    const scratch folder;
    const auto config = folder.write("it.yaml", tcp.yaml);
    const auto at = "127.0.0.1:" + std::to_string(free_port(AF_INET, SOCK_STREAM));
    command receiver(folder, joinleaf({"--config", config, "recv", "--address", at, "-o", folder.path("copy"),
                                       "--timeout", "0.5"}));
    EXPECT_EQ(receiver.wait(), 4);
    EXPECT_NE(receiver.messages().find("WSAECONNREFUSED"), std::string::npos) << receiver.messages();
    EXPECT_FALSE(std::filesystem::exists(folder.path("copy.part")));
}

} // namespace
} // namespace joinleaf::test
