// SPDX-License-Identifier: Apache-2.0
//
// install, remove and order: the same code as the calls WSC*, as a person uses it.
#include "command.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace joinleaf::test {
namespace {

constexpr const char* by_hand = "version: 1\n"
                                "providers: [{name: lan, library: udp-mcast}] # mine\n"
                                "include: [providers.d/*.yaml]\n";

class Installing : public ::testing::Test {
  protected:
    int run(std::vector<std::string> words) {
        words.insert(words.begin(), {"--config", config});
        command asked(folder, joinleaf(std::move(words)));
        const int status = asked.wait();
        output = asked.output();
        messages = asked.messages();
        return status;
    }
    [[nodiscard]] std::string drop_in(const std::string& name) const {
        return read_file(folder.path("providers.d/" + name));
    }

    scratch folder;
    std::string config = folder.write("joinleaf.yaml", by_hand);
    std::string output;
    std::string messages;
};

TEST_F(Installing, Install_ShowsTheEntries_AndWritesADropInOnly) {
    ASSERT_EQ(run({"install", "tcp-root", "--name", "tree", "--option", "join_timeout=3s"}), 0) << messages;
    EXPECT_NE(output.find("tree is installed at " + folder.path("providers.d/10-tree.yaml") + ":4:5: loaded"),
              std::string::npos)
        << output;
    EXPECT_NE(output.find("  tree/"), std::string::npos) << output;
    EXPECT_NE(drop_in("10-tree.yaml").find("\"join_timeout\": \"3s\""), std::string::npos);
    EXPECT_EQ(read_file(config), by_hand);
    ASSERT_EQ(run({"providers"}), 0) << messages;
    EXPECT_NE(output.find("tree: loaded"), std::string::npos) << output;
}

TEST_F(Installing, Install_OfALibraryThatCannotBeLoaded_SaysSo) {
    EXPECT_EQ(run({"install", "./joinleaf-none.so"}), 1);
    EXPECT_NE(messages.find("none is installed, and is refused as long as this is so"), std::string::npos)
        << messages;
    EXPECT_NE(drop_in("10-none.yaml").find(std::filesystem::current_path().string()), std::string::npos)
        << "a relative path is kept as an absolute one";
    EXPECT_EQ(run({"install", "tcp-root", "--name", "lan"}), 1);
    EXPECT_NE(messages.find("\"lan\" is installed already"), std::string::npos) << messages;
}

TEST_F(Installing, Order_PutsFirstWhatIsNamed_AndShowsTheWholeOrder) {
    ASSERT_EQ(run({"install", "tcp-root", "--name", "tree"}), 0) << messages;
    ASSERT_EQ(run({"order", "tree"}), 0) << messages;
    EXPECT_TRUE(output.starts_with("tree/")) << output;
    ASSERT_EQ(run({"providers"}), 0) << messages;
    EXPECT_LT(output.find("\ntree/"), output.find("\nlan/")) << output;
    ASSERT_EQ(run({"order"}), 0) << messages;
    EXPECT_TRUE(output.starts_with("lan/")) << output;
    EXPECT_EQ(run({"order", "nobody"}), 1);
    EXPECT_NE(messages.find("no provider \"nobody\" is installed"), std::string::npos) << messages;
}

TEST_F(Installing, Remove_TakesTheDropInAway_AndLeavesWhatIsWrittenByHand) {
    ASSERT_EQ(run({"install", "tcp-root", "--name", "tree"}), 0) << messages;
    ASSERT_EQ(run({"remove", "tree"}), 0) << messages;
    EXPECT_EQ(output, "tree is removed\n");
    EXPECT_FALSE(std::filesystem::exists(folder.path("providers.d/10-tree.yaml")));
    EXPECT_EQ(run({"remove", "tree"}), 1);
    EXPECT_EQ(run({"remove", "lan"}), 1);
    EXPECT_NE(messages.find("joinleaf.yaml:2:13"), std::string::npos) << messages;
    EXPECT_EQ(read_file(config), by_hand);
}

} // namespace
} // namespace joinleaf::test
