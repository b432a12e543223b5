// SPDX-License-Identifier: Apache-2.0
//
// What a correct file becomes.
#include "support.hpp"

namespace {

using namespace joinleaf::config;
using namespace joinleaf::config::test;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Read, FullFile_EveryKeyArrives) {
    const auto file = fixture("full.yaml");
    const auto loaded = load_file(file);
    ASSERT_THAT(texts(loaded), IsEmpty());
    EXPECT_EQ(loaded->reactor.threads, 4U);
    EXPECT_EQ(loaded->reactor.spin, 50us);
    EXPECT_THAT(loaded->reactor.cpus, ElementsAre(2, 3));
    ASSERT_EQ(loaded->providers.size(), 2U);

    const auto& lan = loaded->providers[0];
    EXPECT_EQ(lan.name, "lan");
    EXPECT_EQ(lan.library, "udp-mcast");
    EXPECT_TRUE(lan.enabled);
    EXPECT_THAT(lan.match.family, ElementsAre("inet", "inet6"));
    EXPECT_THAT(lan.match.type, ElementsAre("dgram"));
    EXPECT_THAT(lan.match.protocol, ElementsAre("udp", "17"));
    EXPECT_THAT(lan.match.flags, ElementsAre("c_leaf", "d_leaf"));
    EXPECT_EQ(lan.qos.capacity_bits_per_second, 1000000000U);
    EXPECT_EQ(lan.qos.on_unsatisfied, qos_rule::unsatisfied::best_effort);

    const auto& relay = loaded->providers[1];
    EXPECT_EQ(relay.name, "relay_2.b-c");
    EXPECT_EQ(relay.library, fixture("plugins/relay.so"));
    EXPECT_FALSE(relay.enabled);
    EXPECT_THAT(relay.match.family, IsEmpty());
    EXPECT_EQ(relay.qos.capacity_bits_per_second, std::nullopt);
    EXPECT_EQ(relay.qos.on_unsatisfied, qos_rule::unsatisfied::fail);
    EXPECT_THAT(loaded->files, ElementsAre(file));
}

TEST(Read, FullFile_EveryPositionIsWhereItStands) {
    const auto file = fixture("full.yaml");
    const auto loaded = load_file(file);
    ASSERT_THAT(texts(loaded), IsEmpty());
    const auto& lan = loaded->providers.at(0);
    EXPECT_EQ(lan.where, (position{file, 4, 5}));
    EXPECT_EQ(lan.name_where, (position{file, 4, 11}));
    EXPECT_EQ(lan.library_where, (position{file, 5, 14}));
    EXPECT_EQ(lan.match.where, (position{file, 6, 12}));
    EXPECT_EQ(lan.enabled_where, position{});
    EXPECT_EQ(lan.qos.where, (position{file, 13, 10}));
    const auto& relay = loaded->providers.at(1);
    EXPECT_EQ(relay.enabled_where, (position{file, 16, 14}));
    EXPECT_EQ(relay.match.where, position{});
    EXPECT_EQ(relay.where.text(), file + ":14:5");
}

TEST(Read, Options_KeepTheirWordsAndOrder) {
    const auto file = fixture("full.yaml");
    const auto loaded = load_file(file);
    ASSERT_THAT(texts(loaded), IsEmpty());
    const auto& options = loaded->providers.at(0).options;
    ASSERT_EQ(options.size(), 5U);
    EXPECT_EQ(options[0].key, "interface");
    EXPECT_THAT(options[0].values, ElementsAre("eth0"));
    EXPECT_FALSE(options[0].is_list);
    EXPECT_EQ(options[0].where, (position{file, 8, 7}));
    EXPECT_EQ(options[0].value_where, (position{file, 8, 18}));
    EXPECT_THAT(options[1].values, ElementsAre("8"));
    EXPECT_THAT(options[2].values, ElementsAre("4MiB"));
    EXPECT_EQ(options[3].key, "sources");
    EXPECT_TRUE(options[3].is_list);
    EXPECT_THAT(options[3].values, ElementsAre("192.0.2.1", "true", ""));
    EXPECT_EQ(options[3].value_where, (position{file, 11, 16}));
    EXPECT_TRUE(options[4].is_list);
    EXPECT_THAT(options[4].values, IsEmpty());
}

TEST(Read, SmallestFile_HasTheDefaults) {
    const auto loaded = parse_text("version: 1", "f.yaml");
    ASSERT_THAT(texts(loaded), IsEmpty());
    EXPECT_EQ(loaded->reactor.threads, 1U);
    EXPECT_EQ(loaded->reactor.spin, 0ns);
    EXPECT_THAT(loaded->reactor.cpus, IsEmpty());
    EXPECT_THAT(loaded->providers, IsEmpty());
    EXPECT_THAT(loaded->files, ElementsAre("f.yaml"));
}

TEST(Read, DefaultText_HasTheThreeProvidersInOrder) {
    const auto loaded = parse_text(default_text(), "built-in");
    ASSERT_THAT(texts(loaded), IsEmpty());
    std::vector<std::string> found;
    for (const auto& each : loaded->providers) {
        found.push_back(each.name + "=" + each.library);
        EXPECT_TRUE(each.enabled);
    }
    EXPECT_THAT(found, ElementsAre("udp=udp-mcast", "tcp=tcp-root", "rdma=rdma"));
    EXPECT_EQ(loaded->reactor.threads, 1U);
    EXPECT_THAT(loaded->files, ElementsAre("built-in"));
}

TEST(Read, DefaultText_IsTheFileByteForByte) {
    EXPECT_EQ(default_text(), read_whole(std::string(JOINLEAF_CONFIG_FOLDER) + "/default.yaml"));
}

// What the comments of default.yaml show is part of it: the same text with those lines uncommented is correct too.
TEST(Read, DefaultText_ItsExamplesAreCorrect) {
    std::string text(default_text());
    for (const std::string line : {"match:", "  family:", "  type:", "  protocol:", "  flags:", "options: {",
                                   "qos: {", "include: ["}) {
        const auto at = text.find("# " + line);
        ASSERT_NE(at, std::string::npos) << line;
        text.erase(at, 2);
    }
    const auto loaded = parse_text(text, "/nonexistent/joinleaf.yaml");
    ASSERT_THAT(texts(loaded), IsEmpty());
    const auto& udp = loaded->providers.at(0);
    EXPECT_THAT(udp.match.family, ElementsAre("inet", "inet6"));
    EXPECT_THAT(udp.match.flags, ElementsAre("c_leaf", "d_leaf"));
    EXPECT_EQ(udp.options.size(), 3U);
    EXPECT_EQ(udp.qos.capacity_bits_per_second, 1000000000U);
}

TEST(Read, RelativeLibrary_StartsInTheFilesFolder_AndIsAbsolute) {
    const auto library = [](const std::string& written, const std::string& file) {
        const auto loaded =
            parse_text(fmt::format("version: 1\nproviders: [{{name: a, library: '{}'}}]", written), file);
        return loaded ? loaded->providers.at(0).library : texts(loaded).at(0);
    };
    const auto here = std::filesystem::current_path().string();
    EXPECT_EQ(library("udp-mcast", "/etc/joinleaf/joinleaf.yaml"), "udp-mcast");
    EXPECT_EQ(library("./x.so", "/etc/joinleaf/joinleaf.yaml"), "/etc/joinleaf/x.so");
    EXPECT_EQ(library("../x.so", "/etc/joinleaf/joinleaf.yaml"), "/etc/joinleaf/../x.so");
    EXPECT_EQ(library("sub/x.so", "conf/joinleaf.yaml"), here + "/conf/sub/x.so");
    EXPECT_EQ(library("./x.so", "joinleaf.yaml"), here + "/x.so");
    EXPECT_EQ(library("/opt/x.so", "joinleaf.yaml"), "/opt/x.so");
}

TEST(Read, LineEndsAndByteOrderMark_MakeNoDifference) {
    const auto loaded =
        parse_text("\xEF\xBB\xBFversion: 1\r\nproviders:\r\n  - {name: a, library: b}\r\n", "f.yaml");
    ASSERT_THAT(texts(loaded), IsEmpty());
    EXPECT_EQ(loaded->providers.at(0).where, (position{"f.yaml", 3, 5}));
    EXPECT_EQ(loaded->providers.at(0).library, "b");
}

TEST(Read, Columns_CountCharactersNotBytes) {
    const auto loaded = parse_text("version: 1\n"
                                   "providers: [{name: a, library: '/ö/日本/𝄞.so', options: {k: 'é', l: x}}]",
                                   "f.yaml");
    ASSERT_THAT(texts(loaded), IsEmpty());
    const auto& options = loaded->providers.at(0).options;
    EXPECT_EQ(options.at(0).where, (position{"f.yaml", 2, 56}));
    EXPECT_EQ(options.at(1).where, (position{"f.yaml", 2, 64}));
    EXPECT_EQ(options.at(1).value_where, (position{"f.yaml", 2, 67}));
}

TEST(Read, QuotedText_EndsAtItsQuote) {
    const auto loaded = parse_text(
        "version: 1\n"
        "providers: [{name: 'a', \"library\": \"b\", options: {x: 'it''s', y: \"\\\"\\\\\", z: ''}}]\n",
        "f.yaml");
    ASSERT_THAT(texts(loaded), IsEmpty());
    const auto& options = loaded->providers.at(0).options;
    EXPECT_THAT(options.at(0).values, ElementsAre("it's"));
    EXPECT_THAT(options.at(1).values, ElementsAre("\"\\"));
    EXPECT_THAT(options.at(2).values, ElementsAre(""));
}

TEST(Read, JsonIsYaml) {
    const auto loaded = parse_text(R"({"version": 1, "reactor": {"threads": 2, "spin": "1ms", "cpus": [0]},
        "providers": [{"name": "a", "library": "b", "enabled": false, "options": {"ttl": 8}}], "include": []})",
                                   "f.json");
    ASSERT_THAT(texts(loaded), IsEmpty());
    EXPECT_EQ(loaded->reactor.threads, 2U);
    EXPECT_EQ(loaded->reactor.spin, 1ms);
    EXPECT_FALSE(loaded->providers.at(0).enabled);
}

TEST(Read, Position_Text_IsFileLineColumn) {
    EXPECT_EQ((position{"a.yaml", 3, 5}).text(), "a.yaml:3:5");
    EXPECT_EQ((problem{{"a.yaml", 3, 5}, "wrong"}).text(), "a.yaml:3:5: wrong");
}

} // namespace
