// SPDX-License-Identifier: Apache-2.0
//
// The examples in C++, run as by hand.
#include "command.hpp"

#include "tests/support/private_network.hpp"
#include "tests/support/waiting.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstring>

namespace joinleaf::test {
namespace {

[[maybe_unused]] const bool in_private_network = use_private_network();

std::string example(const std::string& name) {
    return std::string(JOINLEAF_TEST_EXAMPLES "/") + name;
}

command::environment configured(const char* yaml) {
    return {{"JOINLEAF_CONFIG", std::string(JOINLEAF_TEST_SOURCES "/examples/") + yaml}};
}

bool has(const command& what, const std::string& text) {
    return eventually([&] { return what.output().find(text) != std::string::npos; });
}

TEST(CppExamples, APublisherReachesItsSubscribers) {
    if (!private_network_refusal().empty()) {
        GTEST_SKIP() << "needs multicast on lo: " << private_network_refusal();
    }
    const scratch folder;
    const auto config = configured("udp.yaml");
    const std::string group = "239.255.33.1:" + std::to_string(20000 + ::getpid() % 20000);
    command one(folder, {example("cpp-subscriber"), "group", group}, "", config);
    command two(folder, {example("cpp-subscriber"), "group", group}, "", config);
    ASSERT_TRUE(one.wait_for_message("joined " + group) && two.wait_for_message("joined " + group));
    command publisher(folder, {example("cpp-publisher"), group}, "one to many\nlast words\n", config);
    EXPECT_EQ(publisher.wait(), 0) << publisher.messages();
    for (auto* each : {&one, &two}) {
        EXPECT_TRUE(has(*each, "last words\n"));
        each->kill(SIGKILL);
        EXPECT_EQ(each->wait(), 128 + SIGKILL);
        EXPECT_EQ(each->output(), "one to many\nlast words\n");
    }
}

class CppExamplesOver : public ::testing::TestWithParam<const char*> {};

TEST_P(CppExamplesOver, AnAsioRootTellsItsLeavesOfEachOther_AndEndsTheSession) {
    const scratch folder;
    const auto config = configured(GetParam());
    command root(folder, {example("cpp-asio-root"), "127.0.0.1:0"}, "", config);
    ASSERT_TRUE(has(root, "listening at 127.0.0.1:")) << root.messages();
    const auto at = between(root.output(), "listening at ", "\n");
    command anna(folder, {example("cpp-subscriber"), "leaf", at, "Anna"}, "", config);
    ASSERT_TRUE(has(anna, "Anna is here\n")) << anna.messages();
    command nameless(folder, {example("cpp-subscriber"), "leaf", at}, "", config);
    EXPECT_EQ(nameless.wait(), 1);
    EXPECT_NE(nameless.messages().find("WSAECONNREFUSED"), std::string::npos) << nameless.messages();
    command bela(folder, {example("cpp-subscriber"), "leaf", at, "Bela"}, "", config);
    ASSERT_TRUE(has(anna, "Bela is here\n")) << anna.messages();
    bela.kill(SIGTERM);
    EXPECT_TRUE(has(anna, "Bela has left\n")) << anna.output();
    root.kill(SIGINT);
    EXPECT_EQ(root.wait(), 0) << root.messages();
    EXPECT_EQ(anna.wait(), 0) << anna.messages();
    EXPECT_EQ(anna.output(), "Anna is here\nBela is here\nBela has left\n");
}

INSTANTIATE_TEST_SUITE_P(Transports, CppExamplesOver, ::testing::Values("tcp.yaml", "rdma.yaml"),
                         [](const auto& each) {
                             return std::string(each.param, std::strcspn(each.param, "."));
                         });

TEST(CppExamples, WhatTheyCannotDo_TheySay) {
    const scratch folder;
    command wrong(folder, {example("cpp-subscriber"), "leaf", "nowhere"}, "", configured("tcp.yaml"));
    EXPECT_EQ(wrong.wait(), 1);
    EXPECT_NE(wrong.messages().find("'nowhere'"), std::string::npos) << wrong.messages();
    for (const char* name : {"cpp-publisher", "cpp-subscriber", "cpp-asio-root"}) {
        command none(folder, {example(name)}, "", configured("tcp.yaml"));
        EXPECT_EQ(none.wait(), 2);
        EXPECT_NE(none.messages().find("usage: " + std::string(name)), std::string::npos) << none.messages();
    }
}

} // namespace
} // namespace joinleaf::test
