// SPDX-License-Identifier: Apache-2.0
//
// The example program: the same arguments over each transport, and the demonstration as it is run by hand.
#include "command.hpp"

#include "tests/support/private_network.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace joinleaf::test {
namespace {

[[maybe_unused]] const bool in_private_network = use_private_network();

struct run_over {
    const char* name;
    const char* yaml; // in examples/
    const char* mode;
    bool needs_multicast;
};

void PrintTo(const run_over& transport, std::ostream* out) {
    *out << transport.name;
}

class Distribute : public ::testing::TestWithParam<run_over> {};

std::string value_of(const std::string& result, const std::string& key) {
    return between("\n" + result, "\n" + key + "=", "\n");
}

TEST_P(Distribute, ReachesThreeLeaves_WithNothingButTheConfigurationToSayHow) {
    if (GetParam().needs_multicast && !private_network_refusal().empty()) {
        GTEST_SKIP() << "needs multicast on lo: " << private_network_refusal();
    }
    const scratch folder;
    const std::string what = JOINLEAF_TEST_SOURCES "/LICENSE";
    const command::environment config{
        {"JOINLEAF_CONFIG", std::string(JOINLEAF_TEST_SOURCES "/examples/") + GetParam().yaml}};
    std::vector<std::unique_ptr<command>> leaves;
    for (const std::string name : {"leaf1", "leaf2", "leaf3"}) {
        leaves.push_back(std::make_unique<command>(folder,
                                                   distribute({"leaf", GetParam().mode, folder.path(name),
                                                               "--name", name, "--meet", folder.path("")}),
                                                   "", config));
    }
    command root(folder,
                 distribute({"root", GetParam().mode, what, "--leaves", "3", "--meet", folder.path("")}), "",
                 config);
    EXPECT_EQ(root.wait(), 0) << root.messages();
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        EXPECT_EQ(leaves[i]->wait(), 0) << leaves[i]->messages();
        EXPECT_EQ(value_of(leaves[i]->output(), "lost"), "0");
        EXPECT_EQ(value_of(leaves[i]->output(), "sha256"), "equal");
        EXPECT_EQ(value_of(leaves[i]->output(), "messages"), value_of(root.output(), "messages"));
        EXPECT_EQ(read_file(folder.path("leaf" + std::to_string(i + 1))), read_file(what));
    }
}

INSTANTIATE_TEST_SUITE_P(Examples, Distribute,
                         ::testing::Values(run_over{"FileOverTcp", "tcp.yaml", "file", false},
                                           run_over{"FeedOverTcp", "tcp.yaml", "feed", false},
                                           run_over{"FileOverRdma", "rdma.yaml", "file", false},
                                           run_over{"FeedOverRdma", "rdma.yaml", "feed", false},
                                           run_over{"FileOverUdp", "udp.yaml", "file", true},
                                           run_over{"FeedOverUdp", "udp.yaml", "feed", true}),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(Demo, EndsByItself_AsPromised_AndLeavesNothing) {
    if (!private_network_refusal().empty()) {
        GTEST_SKIP() << "needs multicast on lo: " << private_network_refusal();
    }
    const scratch folder;
    const scratch temporary;
    command demo(folder,
                 {"bash", JOINLEAF_TEST_SOURCES "/examples/demo/demo.sh", JOINLEAF_TEST_SOURCES "/LICENSE"},
                 "", {{"JOINLEAF_BUILD", JOINLEAF_TEST_BUILD}, {"TMPDIR", temporary.path("")}});
    EXPECT_EQ(demo.wait(std::chrono::seconds(100)), 0) << demo.output() << demo.messages();
    EXPECT_NE(demo.output().find("Everything as promised."), std::string::npos) << demo.output();
    EXPECT_TRUE(std::filesystem::is_empty(temporary.path("")));
}

TEST(Demo, AFileThatIsNotThere_IsRefused) {
    const scratch folder;
    command demo(folder, {"bash", JOINLEAF_TEST_SOURCES "/examples/demo/demo.sh", folder.path("missing")}, "",
                 {{"JOINLEAF_BUILD", JOINLEAF_TEST_BUILD}});
    EXPECT_EQ(demo.wait(), 2) << demo.output();
    EXPECT_NE(demo.messages().find("missing"), std::string::npos) << demo.messages();
}

} // namespace
} // namespace joinleaf::test
