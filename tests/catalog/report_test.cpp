// SPDX-License-Identifier: Apache-2.0
#include "catalog_fixture.hpp"

#include "runtime/catalog/report.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace joinleaf::catalog_test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

struct Report : catalog_fixture {};

TEST_F(Report, Catalog_HasEveryProviderWithItsState) {
    const auto& made = load("reactor: {threads: 3}\n"
                            "providers:\n"
                            "  - {name: tree, library: rooted}\n"
                            "  - {name: bad, library: abi}\n"
                            "  - {name: off, library: mcast, enabled: false}\n");
    const auto text = json::parse(made.json());
    EXPECT_EQ(text["configuration"]["reactor"]["threads"], 3);
    EXPECT_EQ(text["configuration"]["provider_path"][0]["folder"], CATALOG_PLUGIN_FOLDER);
    EXPECT_EQ(text["configuration"]["provider_path"][0]["origin"], "JOINLEAF_PROVIDER_PATH");
    const auto& providers = text["providers"];
    ASSERT_EQ(providers.size(), 3U);
    EXPECT_EQ(providers[0]["state"], "loaded");
    EXPECT_TRUE(providers[0]["reason"].is_null());
    EXPECT_EQ(providers[0]["path"], plugin("rooted"));
    EXPECT_EQ(providers[0]["version"], "1.2.3");
    EXPECT_EQ(providers[0]["where"], "/etc/test.yaml:4:5");
    EXPECT_EQ(providers[1]["state"], "refused");
    EXPECT_THAT(providers[1]["reason"].get<std::string>(), HasSubstr("is built for ABI version 7"));
    EXPECT_EQ(providers[2]["state"], "disabled");
    EXPECT_EQ(providers[2]["where"], made.providers()[2].disabled_where.text());
}

TEST_F(Report, Catalog_EntriesHaveTheirFactsInWords) {
    const auto text = json::parse(load(both).json());
    const auto& rooted = text["providers"][0]["entries"][0];
    EXPECT_EQ(rooted["name"], "rooted");
    EXPECT_EQ(rooted["full_name"], "tree/rooted");
    EXPECT_EQ(rooted["family"], "inet");
    EXPECT_EQ(rooted["type"], "stream");
    EXPECT_EQ(rooted["protocol"], "tcp");
    EXPECT_EQ(rooted["control_plane"], "rooted");
    EXPECT_EQ(rooted["data_plane"], "rooted");
    EXPECT_EQ(rooted["flags"], json({"c_root", "c_leaf", "d_root", "d_leaf"}));
    EXPECT_EQ(rooted["ordinary"], false);
    EXPECT_EQ(rooted["abilities"], json({"invite", "ask"}));
    EXPECT_EQ(rooted["caller_data_max"], 1024);
    const auto& ordinary = text["providers"][0]["entries"][2];
    EXPECT_EQ(ordinary["control_plane"], "none");
    EXPECT_EQ(ordinary["ordinary"], true);
    EXPECT_EQ(ordinary["flags"], json::array());
    EXPECT_EQ(text["providers"][0]["entries"][3]["provider_flags"], json({"hidden"}));
    EXPECT_EQ(text["providers"][1]["entries"][0]["control_plane"], "nonrooted");
}

TEST_F(Report, Catalog_OptionsHaveValuesAndWhetherTheyWereGiven) {
    load_one("mcast", "    options: {ttl: 8, rcvbuf: 65536B}\n    match: {family: inet}\n");
    const auto text = json::parse(made().json());
    const auto& provider = text["providers"][0];
    const auto& options = provider["options"];
    ASSERT_EQ(options.size(), 8U);
    EXPECT_EQ(options[0]["key"], "loop");
    EXPECT_EQ(options[0]["type"], "bool");
    EXPECT_EQ(options[0]["value"], true);
    EXPECT_EQ(options[0]["given"], false);
    EXPECT_EQ(options[0]["where"], "default");
    EXPECT_EQ(options[1]["value"], 8);
    EXPECT_EQ(options[1]["given"], true);
    EXPECT_EQ(options[1]["where"], "/etc/test.yaml:5:20");
    EXPECT_EQ(options[1]["default"], "1");
    EXPECT_EQ(options[1]["allowed"], "1 to 255");
    EXPECT_EQ(options[1]["help"], "For tests.");
    EXPECT_EQ(options[2]["value"], "64KiB");
    EXPECT_TRUE(options[4]["value"].is_null());
    EXPECT_TRUE(options[5]["value"].is_null());
    EXPECT_EQ(options[6]["value"], "auto");
    EXPECT_EQ(options[6]["allowed"], "one of auto, verbs, ofi");
    EXPECT_EQ(options[7]["value"], json({"a", "b"}));
    EXPECT_EQ(provider["match"]["family"], json({"inet"}));
    EXPECT_EQ(provider["excluded_by_match"], json({"ipv6"}));
}

TEST_F(Report, Catalog_RefusedProviderStillShowsItsOptionTable) {
    load_one("no-device");
    const auto text = json::parse(made().json());
    EXPECT_EQ(text["providers"][0]["options"].size(), 8U);
    EXPECT_EQ(text["providers"][0]["entries"], json::array());
}

TEST_F(Report, Explain_HasChosenAndCandidates) {
    const auto& made = load(both);
    const auto good = json::parse(catalog::explain_json(made.explain({AF_INET, SOCK_DGRAM, 0, 0})));
    EXPECT_EQ(good["chosen"], "lan/ipv4");
    EXPECT_EQ(good["error"], 0);
    ASSERT_EQ(good["candidates"].size(), 6U);
    EXPECT_EQ(good["candidates"][4]["fits"], true);
    EXPECT_TRUE(good["candidates"][4]["condition"].is_null());
    EXPECT_EQ(good["candidates"][4]["facts"], json({{"instance", "lan"}, {"row", "the first"}}));
    EXPECT_EQ(good["candidates"][0]["facts"], json::object()) << "it does not fit";
    EXPECT_EQ(good["candidates"][0]["provider"], "tree");
    EXPECT_EQ(good["candidates"][0]["entry"], "rooted");
    EXPECT_EQ(good["candidates"][0]["condition"], "type");
    EXPECT_EQ(good["candidates"][0]["asked"], "dgram");
    EXPECT_EQ(good["candidates"][0]["offered"], "stream");
    EXPECT_EQ(good["candidates"][0]["where"], "/etc/test.yaml:3:5");
    const auto bad = json::parse(catalog::explain_json(made.explain({AF_INET, SOCK_RAW, 0, 0})));
    EXPECT_TRUE(bad["chosen"].is_null());
    EXPECT_EQ(bad["error"], WSAESOCKTNOSUPPORT);
    EXPECT_EQ(bad["error_name"], "WSAESOCKTNOSUPPORT");
    EXPECT_THAT(bad["sentence"].get<std::string>(), HasSubstr("nothing fits"));
}

struct Check : testing::Test {
    Check()
        : path_((std::filesystem::temp_directory_path() / fmt::format("joinleaf-check-{}.yaml", ::getpid()))
                    .string()) {}
    ~Check() override { std::filesystem::remove(path_); }
    json check(const std::string& yaml) {
        std::ofstream{path_} << yaml;
        return json::parse(catalog::check_json(path_.c_str()));
    }
    std::string path_;
};

TEST_F(Check, GoodFile_ListsItsProvidersAndLoadsNothing) {
    const auto text =
        check("version: 1\nproviders:\n  - {name: a, library: absent, options: {x: 1, y: [2, 3]}}\n");
    EXPECT_EQ(text["problems"], json::array());
    EXPECT_EQ(text["files"], json({path_}));
    EXPECT_EQ(text["providers"][0]["name"], "a");
    EXPECT_EQ(text["providers"][0]["library"], "absent");
    EXPECT_EQ(text["providers"][0]["options"][0]["value"], "1");
    EXPECT_EQ(text["providers"][0]["options"][1]["value"], json({"2", "3"}));
}

TEST_F(Check, BadFile_ListsEveryProblemWithItsPlace) {
    const auto text = check("version: 1\nproviders:\n  - {name: a, libary: x}\n");
    ASSERT_FALSE(text["problems"].empty());
    EXPECT_THAT(text["problems"][0]["where"].get<std::string>(), HasSubstr(path_ + ":3:"));
    EXPECT_THAT(text["problems"][0].dump(), HasSubstr("library"));
    EXPECT_EQ(text["files"], json({path_}));
}

TEST_F(Check, MissingFile_IsAProblem) {
    const auto text = json::parse(catalog::check_json("/nowhere/joinleaf.yaml"));
    EXPECT_EQ(text["problems"].size(), 1U);
}

} // namespace
} // namespace joinleaf::catalog_test
