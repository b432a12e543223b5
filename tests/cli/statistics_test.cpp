// SPDX-License-Identifier: Apache-2.0
//
// stats: what a running process publishes, and what the command says where there is nothing.
#include "command.hpp"

#include "tests/support/private_network.hpp"
#include "tests/support/waiting.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <csignal>

#include <sys/stat.h>

namespace joinleaf::test {
namespace {

[[maybe_unused]] const bool in_private_network = use_private_network();

constexpr const char* providers = "providers:\n"
                                  "  - {name: tree, library: tcp-root}\n"
                                  "  - {name: lan, library: udp-mcast, options: {interface: lo}}\n";

class Stats : public ::testing::Test {
  protected:
    // A command that publishes what it does.
    [[nodiscard]] std::vector<std::string> publishing(std::vector<std::string> words) const {
        words.insert(words.begin(), {"--config", config});
        return joinleaf(std::move(words));
    }
    int ask(std::vector<std::string> words) {
        words.insert(words.begin(), "stats");
        command run(folder, publishing(std::move(words)));
        const int status = run.wait();
        output = run.output();
        messages = run.messages();
        return status;
    }
    // The one socket of that role in all processes; null while there is none.
    nlohmann::json socket_of(const std::string& role) {
        ask({"--json"});
        const auto all = nlohmann::json::parse(output, nullptr, false);
        for (const auto& process : all.is_object() ? all.at("processes") : nlohmann::json::array()) {
            for (const auto& socket : process.at("sockets")) {
                if (socket.at("role") == role) {
                    return socket;
                }
            }
        }
        return nullptr;
    }

    scratch folder;
    std::string place = folder.path("run");
    std::string config = folder.write("it.yaml", "version: 1\nstatistics: {publish: true, folder: " + place +
                                                     "}\n" + providers);
    std::string output;
    std::string messages;
};

TEST_F(Stats, ARootedSessionShowsItsRootItsLeavesAndEndsWithThem) {
    command sender(
        folder,
        publishing({"send", "--address", "127.0.0.1:0", "--leaves", "2", "--provider", "tree/rooted-ipv4"}),
        "text");
    ASSERT_TRUE(sender.wait_for_message(", waiting for")) << sender.messages();
    const auto at = between(sender.messages(), "' at ", ", waiting for");
    command one(folder, publishing({"recv", "--address", at, "--provider", "tree/rooted-ipv4"}));
    ASSERT_TRUE(sender.wait_for_message("1 of 2")) << sender.messages();

    const auto root = socket_of("root");
    ASSERT_FALSE(root.is_null()) << output << messages;
    EXPECT_EQ(root.at("provider"), "tree");
    EXPECT_EQ(root.at("entry"), "rooted-ipv4");
    EXPECT_EQ(root.at("local"), at);
    EXPECT_EQ(root.at("members"), 1);
    EXPECT_EQ(root.at("joins"), 1);
    EXPECT_EQ(root.at("dropped_messages"), 0);
    EXPECT_EQ(root.at("gaps"), 0);
    EXPECT_TRUE(root.at("last_error").is_null());
    ASSERT_EQ(root.at("leaves").size(), 1U);
    const auto& leaf = root.at("leaves").at(0);
    EXPECT_GT(leaf.at("age_ns"), 0);
    EXPECT_GT(leaf.at("rtt_ns"), 0);
    EXPECT_EQ(socket_of("branch").at("peer"), leaf.at("address"));
    EXPECT_EQ(socket_of("leaf").at("local"), leaf.at("address"));

    ASSERT_EQ(ask({}), 0) << messages;
    EXPECT_NE(output.find("tree/rooted-ipv4"), std::string::npos) << output;
    EXPECT_NE(output.find("1 of 1"), std::string::npos) << output;
    EXPECT_NE(output.find("leaves of socket"), std::string::npos) << output;
    ASSERT_EQ(ask({"--prometheus"}), 0) << messages;
    EXPECT_NE(output.find("# TYPE joinleaf_socket_members gauge\n"), std::string::npos) << output;
    EXPECT_NE(output.find("role=\"root\"} 1\n"), std::string::npos) << output;
    EXPECT_NE(output.find("leaf=\"" + leaf.at("address").get<std::string>() + "\"} "), std::string::npos)
        << output;

    command two(folder, publishing({"recv", "--address", at, "--provider", "tree/rooted-ipv4"}));
    EXPECT_EQ(sender.wait(), 0) << sender.messages();
    EXPECT_EQ(one.wait(), 0) << one.messages();
    EXPECT_EQ(two.wait(), 0) << two.messages();
    EXPECT_EQ(ask({}), 1) << "the sockets go with their processes: " << output;
}

TEST_F(Stats, AMulticastReceiverShowsItsSocket) {
    if (!private_network_refusal().empty()) {
        GTEST_SKIP() << "needs multicast on lo: " << private_network_refusal();
    }
    command receiver(folder, publishing({"recv", "--address", "239.255.7.77:5077", "--provider", "lan/ipv4"}));
    ASSERT_TRUE(eventually([&] { return !socket_of("leaf").is_null(); })) << receiver.messages() << output;
    const auto leaf = socket_of("leaf");
    EXPECT_EQ(leaf.at("provider"), "lan");
    EXPECT_LT(leaf.at("sent_messages"), 500) << "it says every 100 ms that it is there";
    EXPECT_EQ(leaf.at("peer"), "239.255.7.77:5077");
}

TEST_F(Stats, NothingIsPublishedUnlessAskedFor) {
    const auto quiet = folder.write("quiet.yaml", std::string("version: 1\nstatistics: {folder: ") + place +
                                                      "}\n" + providers);
    command sender(folder, joinleaf({"--config", quiet, "send", "--address", "127.0.0.1:0"}), "text");
    ASSERT_TRUE(sender.wait_for_message(", waiting for")) << sender.messages();
    EXPECT_EQ(ask({}), 1);
    EXPECT_NE(messages.find("no process publishes statistics in " + place), std::string::npos) << messages;
    EXPECT_FALSE(std::filesystem::exists(place));
}

TEST_F(Stats, AProcessThatPublishesNothingIsNamed) {
    EXPECT_EQ(ask({"999999999"}), 1);
    EXPECT_NE(messages.find("process 999999999 publishes nothing at " + place), std::string::npos) << messages;
    EXPECT_EQ(ask({"-5"}), 2);
    EXPECT_EQ(ask({"--json", "--prometheus"}), 2);
}

TEST_F(Stats, WhatAKilledProcessLeftIsNoAnswer) {
    command sender(folder, publishing({"send", "--address", "127.0.0.1:0"}), "text");
    ASSERT_TRUE(sender.wait_for_message(", waiting for")) << sender.messages();
    ASSERT_EQ(ask({}), 0) << messages;
    sender.kill(SIGKILL);
    EXPECT_EQ(sender.wait(), 128 + SIGKILL);
    EXPECT_FALSE(std::filesystem::is_empty(place));
    EXPECT_EQ(ask({}), 1) << output;
}

TEST_F(Stats, AFolderThatOthersMayWriteIsNotUsed) {
    std::filesystem::create_directory(place);
    ASSERT_EQ(::chmod(place.c_str(), 0777), 0);
    command sender(folder, publishing({"send", "--address", "127.0.0.1:0"}), "text",
                   {{"JOINLEAF_LOG", "warning"}});
    ASSERT_TRUE(sender.wait_for_message(", waiting for")) << sender.messages();
    EXPECT_NE(sender.messages().find("statistics are not published: the folder " + place), std::string::npos)
        << sender.messages();
    EXPECT_TRUE(std::filesystem::is_empty(place));
}

TEST_F(Stats, AFileInTheFoldersPlaceIsNamed) {
    folder.write("run", "a file");
    EXPECT_EQ(ask({}), 4);
    EXPECT_NE(messages.find("the folder " + place + " cannot be read"), std::string::npos) << messages;
}

} // namespace
} // namespace joinleaf::test
