// SPDX-License-Identifier: Apache-2.0
//
// providers, options, check and explain: what they show, and their exit status.
#include "command.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace joinleaf::test {
namespace {

constexpr const char* both = "version: 1\n"
                             "providers:\n"
                             "  - name: lan\n"
                             "    library: udp-mcast\n"
                             "    options: {ttl: 3}\n"
                             "  - name: tcp\n"
                             "    library: tcp-root\n"
                             "  - name: none\n"
                             "    library: no-such-library\n"
                             "  - name: off\n"
                             "    library: tcp-root\n"
                             "    enabled: false\n";

class Questions : public ::testing::Test {
  protected:
    int ask(std::vector<std::string> words) {
        words.insert(words.begin(), {"--config", config});
        command run(folder, joinleaf(std::move(words)));
        const int status = run.wait();
        output = run.output();
        messages = run.messages();
        return status;
    }

    [[nodiscard]] bool shows(const std::string& text) const { return output.find(text) != std::string::npos; }

    scratch folder;
    std::string config = folder.write("both.yaml", both);
    std::string output;
    std::string messages;
};

nlohmann::json named(const nlohmann::json& list, const std::string& name) {
    for (const auto& each : list) {
        if (each.value("name", "") == name) {
            return each;
        }
    }
    return {};
}

TEST_F(Questions, Providers_AsJson_HaveEveryProviderWithItsState) {
    ASSERT_EQ(ask({"providers", "--json"}), 0) << messages;
    const auto catalog = nlohmann::json::parse(output, nullptr, false);
    ASSERT_FALSE(catalog.is_discarded()) << output;
    const auto& providers = catalog.at("providers");
    ASSERT_EQ(providers.size(), 4U);
    EXPECT_EQ(named(providers, "lan").at("state"), "loaded");
    EXPECT_EQ(named(providers, "tcp").at("state"), "loaded");
    EXPECT_EQ(named(providers, "none").at("state"), "refused");
    EXPECT_NE(named(providers, "none").at("reason").get<std::string>().find("no-such-library"),
              std::string::npos);
    EXPECT_EQ(named(providers, "off").at("state"), "disabled");
    EXPECT_GT(named(providers, "lan").at("entries").size(), 0U);
    EXPECT_GT(named(providers, "tcp").at("entries").size(), 0U);
}

TEST_F(Questions, Providers_TellWhatSocketsMeetWithHere) {
    ASSERT_EQ(ask({"providers"}), 0) << messages;
    EXPECT_TRUE(shows("    sending     ")) << output;
    ASSERT_EQ(ask({"providers", "--json"}), 0) << messages;
    const auto catalog = nlohmann::json::parse(output, nullptr, false);
    for (const auto& entry : named(catalog.at("providers"), "lan").at("entries")) {
        EXPECT_TRUE(entry.at("facts").contains("sending")) << entry.dump();
    }
    for (const auto& entry : named(catalog.at("providers"), "tcp").at("entries")) {
        EXPECT_TRUE(entry.at("facts").empty()) << entry.dump();
    }
}

TEST_F(Questions, Providers_TellWhichEngineOfRdmaIsTakenAndWhy) {
    config = folder.write("rdma.yaml",
                          "version: 1\nproviders:\n  - {name: fabric, library: rdma}\n"
                          "  - {name: lost, library: rdma, options: {engine: ofi, fabric: nowhere}}\n");
    ASSERT_EQ(ask({"providers", "--json"}), 0) << messages;
    const auto catalog = nlohmann::json::parse(output, nullptr, false);
    const auto fabric = named(catalog.at("providers"), "fabric");
    EXPECT_EQ(fabric.at("state"), "loaded") << "with a device or without";
    for (const auto& entry : fabric.at("entries")) {
        const auto engine = entry.at("facts").at("engine").get<std::string>();
        const bool verbs = engine.starts_with("engine verbs: ");
        const bool instead =
            engine.starts_with("engine ofi: ") && engine.find("(auto: engine verbs: ") != engine.npos;
        const bool none = engine.starts_with("none: engine verbs: ");
        EXPECT_TRUE(verbs || instead || none) << engine;
        EXPECT_NE(entry.at("facts").at("devices").get<std::string>().find("RDMA device"), std::string::npos);
    }
    const auto lost = named(catalog.at("providers"), "lost");
    EXPECT_EQ(lost.at("state"), "loaded");
    EXPECT_TRUE(lost.at("entries").at(0).at("facts").at("engine").get<std::string>().starts_with(
        "none: engine ofi: "));
    ASSERT_EQ(ask({"providers"}), 0) << messages;
    EXPECT_TRUE(shows("    engine      engine ") || shows("    engine      none: ")) << output;
}

TEST_F(Questions, Providers_AsText_ShowEachEntryAndWhyOneIsMissing) {
    ASSERT_EQ(ask({"providers"}), 0) << messages;
    EXPECT_TRUE(shows("lan: loaded")) << output;
    EXPECT_TRUE(shows("none: refused")) << output;
    EXPECT_TRUE(shows("off: disabled")) << output;
    EXPECT_TRUE(shows("no-such-library")) << output;
    EXPECT_TRUE(shows("inet/dgram/udp")) << output;
    EXPECT_TRUE(shows("nonrooted/nonrooted")) << output;
    EXPECT_TRUE(shows("rooted/rooted")) << output;
    EXPECT_TRUE(shows("c_root, c_leaf, d_root, d_leaf")) << output;
    EXPECT_TRUE(shows(config + ":3:")) << output;
}

TEST_F(Questions, Providers_OfABrokenFile_AreRefusedWithItsPlace) {
    config = folder.write("broken.yaml", "version: 1\nproviders:\n  - nam: x\n");
    EXPECT_EQ(ask({"providers"}), 3);
    EXPECT_NE(messages.find(config + ":3:5: "), std::string::npos) << messages;
}

TEST_F(Questions, Options_OfAConfiguredProvider_ShowItsValues) {
    ASSERT_EQ(ask({"options", "lan", "--json"}), 0) << messages;
    const auto options = nlohmann::json::parse(output, nullptr, false);
    ASSERT_TRUE(options.is_array()) << output;
    bool seen = false;
    for (const auto& option : options) {
        EXPECT_FALSE(option.value("help", "").empty()) << option;
        if (option.at("key") == "ttl") {
            seen = true;
            EXPECT_EQ(option.at("value"), 3);
            EXPECT_EQ(option.at("default"), "1");
        }
    }
    EXPECT_TRUE(seen);
    ASSERT_EQ(ask({"options", "lan"}), 0);
    EXPECT_TRUE(shows("KEY")) << output;
    EXPECT_TRUE(shows("rcvbuf")) << output;
    EXPECT_TRUE(shows(config + ":5:")) << output;
}

TEST_F(Questions, Options_OfALibraryThatNoFileMentions_AreItsDefaults) {
    config = folder.write("empty.yaml", "version: 1\nproviders: []\n");
    ASSERT_EQ(ask({"options", "udp-mcast"}), 0) << messages;
    EXPECT_TRUE(shows("rcvbuf")) << output;
}

TEST_F(Questions, Options_OfNobody_AreStatus1) {
    EXPECT_EQ(ask({"options", "nobody"}), 1);
    EXPECT_NE(messages.find("nobody"), std::string::npos) << messages;
}

TEST_F(Questions, Check_OfAGoodFile_IsStatus0) {
    EXPECT_EQ(ask({"check", config}), 0) << output;
    EXPECT_TRUE(shows(config + ": good")) << output;
}

TEST_F(Questions, Check_OfABadFile_ShowsEachPlaceAndIsStatus1) {
    const auto bad = folder.write(
        "bad.yaml", "version: 1\nproviders:\n  - name: x\n    libary: y\n    options: {ttl: 3, ttl: 4}\n");
    EXPECT_EQ(ask({"check", bad}), 1);
    EXPECT_TRUE(shows(bad + ":4:5: ")) << output;
    EXPECT_TRUE(shows("library")) << "the nearest key: " << output;
    EXPECT_EQ(ask({"check", bad, "--json"}), 1);
    const auto answer = nlohmann::json::parse(output, nullptr, false);
    ASSERT_FALSE(answer.is_discarded()) << output;
    EXPECT_GT(answer.at("problems").size(), 0U);
}

TEST_F(Questions, Check_OfAFileThatIsNotThere_NamesIt) {
    const auto missing = folder.path("missing.yaml");
    EXPECT_EQ(ask({"check", missing}), 1);
    EXPECT_TRUE(shows(missing)) << output;
}

TEST_F(Questions, Explain_WhatFits_NamesTheEntryChosen) {
    EXPECT_EQ(ask({"explain", "--family", "inet", "--type", "dgram", "--flags", "c_leaf,d_leaf"}), 0)
        << output;
    EXPECT_TRUE(shows("chosen: lan/")) << output;
}

TEST_F(Questions, Explain_TellsHowMessagesLeave_AndWhatStandsInTheWay) {
    const std::vector<std::string> words{"explain", "--family", "inet", "--type", "dgram"};
    EXPECT_EQ(ask(words), 0) << output;
    EXPECT_TRUE(shows("  sending: ")) << output;
    config = folder.write("plain.yaml", "version: 1\nproviders:\n  - name: lan\n    library: udp-mcast\n"
                                        "    options: {interface: lo, offload: false}\n");
    EXPECT_EQ(ask(words), 0) << output;
    EXPECT_TRUE(
        shows("  sending: arrays of messages by one system call (sendmmsg): the option 'offload' is off"))
        << output;
    EXPECT_TRUE(shows("  pacing: the runtime")) << output;
    auto more = words;
    more.emplace_back("--json");
    EXPECT_EQ(ask(more), 0);
    const auto answer = nlohmann::json::parse(output, nullptr, false);
    ASSERT_FALSE(answer.is_discarded()) << output;
    EXPECT_NE(
        answer.at("candidates").at(0).at("facts").at("receiving").get<std::string>().find("'offload' is off"),
        std::string::npos);
}

TEST_F(Questions, CT_49_Explain_WhatNothingFits_ShowsEachConditionAndIsStatus1) {
    EXPECT_EQ(ask({"explain", "--family", "inet", "--type", "dgram", "--flags", "c_root,d_root"}), 1);
    EXPECT_TRUE(shows("chosen: none")) << output;
    EXPECT_TRUE(shows("WSAEINVAL")) << output;
    EXPECT_TRUE(shows("c_root, d_root")) << output;
    EXPECT_TRUE(shows("c_leaf, d_leaf")) << output;
    EXPECT_TRUE(shows("type")) << "of tcp-root: " << output;
    EXPECT_TRUE(shows(config + ":3:")) << output;
    EXPECT_EQ(ask({"explain", "--family", "inet", "--type", "dgram", "--flags", "c_root,d_root", "--json"}),
              1);
    const auto answer = nlohmann::json::parse(output, nullptr, false);
    ASSERT_FALSE(answer.is_discarded()) << output;
    EXPECT_TRUE(answer.at("chosen").is_null());
}

TEST_F(Questions, OutputThatCannotBeWritten_IsNoSuccess) {
    command run(folder, {"sh", "-c",
                         "exec " + joinleaf({}).front() + " --config " + config + " providers >/dev/full"});
    EXPECT_NE(run.wait(), 0);
}

} // namespace
} // namespace joinleaf::test
