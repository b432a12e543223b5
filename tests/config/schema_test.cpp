// SPDX-License-Identifier: Apache-2.0
//
// The JSON Schema and the reader agree: the same keys, the same words, the same verdict on the same files.
#include "config/keywords.hpp"
#include "config/limits.hpp"
#include "config/yaml_document.hpp"
#include "schema.hpp"
#include "support.hpp"

#include <nlohmann/json.hpp>

#include <span>

namespace {

using namespace joinleaf::config;
using namespace joinleaf::config::test;
using nlohmann::json;
using testing::IsEmpty;

const json& schema() {
    static const json parsed =
        json::parse(read_whole(std::string(JOINLEAF_CONFIG_FOLDER) + "/joinleaf.schema.json"));
    return parsed;
}

std::vector<std::string> keys_at(const std::string& pointer) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : schema().at(json::json_pointer(pointer)).items())
        keys.push_back(key);
    return keys;
}

std::vector<std::string> words_at(const std::string& pointer) {
    return schema().at(json::json_pointer(pointer)).get<std::vector<std::string>>();
}

std::vector<std::string> strings(std::span<const std::string_view> words) {
    return {words.begin(), words.end()};
}

TEST(Schema, HasExactlyTheReadersKeys) {
    using testing::UnorderedElementsAreArray;
    EXPECT_THAT(keys_at("/properties"), UnorderedElementsAreArray(strings(keywords::main_file)));
    EXPECT_THAT(keys_at("/definitions/statistics/properties"),
                UnorderedElementsAreArray(strings(keywords::statistics)));
    EXPECT_THAT(keys_at("/definitions/reactor/properties"),
                UnorderedElementsAreArray(strings(keywords::reactor)));
    EXPECT_THAT(keys_at("/definitions/provider/properties"),
                UnorderedElementsAreArray(strings(keywords::provider)));
    EXPECT_THAT(keys_at("/definitions/match/properties"), UnorderedElementsAreArray(strings(keywords::match)));
    EXPECT_THAT(keys_at("/definitions/qos/properties"), UnorderedElementsAreArray(strings(keywords::qos)));
}

TEST(Schema, HasExactlyTheReadersWords) {
    EXPECT_EQ(words_at("/definitions/family/enum"), strings(keywords::family));
    EXPECT_EQ(words_at("/definitions/type/enum"), strings(keywords::type));
    EXPECT_EQ(words_at("/definitions/protocol/anyOf/0/enum"), strings(keywords::protocol));
    EXPECT_EQ(words_at("/definitions/flag/enum"), strings(keywords::flags));
    EXPECT_EQ(words_at("/definitions/qos/properties/on_unsatisfied/enum"), strings(keywords::on_unsatisfied));
}

TEST(Schema, HasTheReadersLimits) {
    EXPECT_EQ(schema().at("properties").at("providers").at("maxItems"), limits::providers);
    const auto& reactor = schema().at("definitions").at("reactor").at("properties");
    EXPECT_EQ(reactor.at("threads").at("maximum"), limits::threads);
    EXPECT_EQ(reactor.at("cpus").at("items").at("maximum"), limits::cpus - 1);
}

// What an editor would take a YAML value for.
json as_json(const yaml_node& node) {
    switch (node.what) {
    case yaml_node::kind::nothing: return nullptr;
    case yaml_node::kind::list: {
        json list = json::array();
        for (const auto& item : node.items)
            list.push_back(as_json(item));
        return list;
    }
    case yaml_node::kind::map: {
        json map = json::object();
        for (const auto& [key, value] : node.entries)
            map[key.text] = as_json(value);
        return map;
    }
    case yaml_node::kind::text: break;
    }
    const auto parsed = node.quoted ? json(json::value_t::discarded) : json::parse(node.text, nullptr, false);
    return parsed.is_number() || parsed.is_boolean() ? parsed : json(node.text);
}

std::vector<std::string> complaints(std::string_view text) {
    const auto document = parse_yaml(text, "f.yaml", limits::total_nodes);
    EXPECT_TRUE(document.complete) << text;
    return schema_complaints(schema(), as_json(document.root));
}

TEST(Schema, AcceptsTheDefaultFile_AndEveryKeyInItIsKnown) {
    EXPECT_THAT(complaints(default_text()), IsEmpty());
}

TEST(Schema, AcceptsTheFixtures) {
    for (const auto* name :
         {"full.yaml", "tree/joinleaf.yaml", "tree/extra.yaml", "tree/providers.d/20-b.yaml"})
        EXPECT_THAT(complaints(read_whole(fixture(name))), IsEmpty())
            << name;
}

class Verdict : public testing::TestWithParam<std::string> {};

class Accepted : public Verdict {};
class Refused : public Verdict {};

TEST_P(Accepted, BySchemaAndReaderAlike) {
    EXPECT_THAT(complaints(GetParam()), IsEmpty()) << GetParam();
    EXPECT_THAT(texts(parse_text(GetParam(), "f.yaml")), IsEmpty()) << GetParam();
}

TEST_P(Refused, BySchemaAndReaderAlike) {
    EXPECT_THAT(complaints(GetParam()), testing::Not(IsEmpty())) << GetParam();
    EXPECT_THAT(texts(parse_text(GetParam(), "f.yaml")), testing::Not(IsEmpty())) << GetParam();
}

std::vector<std::string> with(const std::string& before, const std::vector<std::string>& parts,
                              const std::string& after) {
    std::vector<std::string> out;
    out.reserve(parts.size());
    for (const auto& part : parts)
        out.push_back(fmt::format("version: 1\n{}{}{}", before, part, after));
    return out;
}

std::vector<std::string> in_provider(const std::vector<std::string>& parts) {
    return with("providers: [{name: a, library: b, ", parts, "}]\n");
}

INSTANTIATE_TEST_SUITE_P(
    Providers, Accepted,
    testing::ValuesIn(in_provider({"enabled: false", "match: {family: any}", "match: {protocol: [0, 255, rm]}",
                                   "match: {type: [raw, rdm, seqpacket]}", "match: {}", "options: {}",
                                   "options: {a: [], b: [1, x, true], c: 1.5, d-e.f_g: '', 1: x}", "qos: {}",
                                   "qos: {capacity: 500bit}", "qos: {on_unsatisfied: best_effort}",
                                   "id: 6F1d0a52-3c8e-4b67-9a41-d2750eb358c4",
                                   "id: '{6f1d0a52-3c8e-4b67-9a41-d2750eb358c4}'",
                                   "entries: [inet/dgram/udp, inet6/seqpacket/0, 27/rdm/99999]"})));

INSTANTIATE_TEST_SUITE_P(Providers, Refused,
                         testing::ValuesIn(in_provider({"enable: false",
                                                        "enabled: 'false'",
                                                        "id: 6f1d0a52",
                                                        "id: '{6f1d0a52-3c8e-4b67-9a41-d2750eb358c4'",
                                                        "id: 6f1d0a52-3c8e-4b67-9a41-d2750eb358cg",
                                                        "id: [6f1d0a52-3c8e-4b67-9a41-d2750eb358c4]",
                                                        "entries: []",
                                                        "entries: inet/dgram/udp",
                                                        "entries: [inet/dgram]",
                                                        "entries: [any/dgram/udp]",
                                                        "entries: [inet/dgram/017]",
                                                        "entries: [inet/dgram/udp, inet/dgram/udp]",
                                                        "enabled: 1",
                                                        "enabled: ",
                                                        "match: []",
                                                        "match: {family: []}",
                                                        "match: {family: [inet, inet]}",
                                                        "match: {family: ipv4}",
                                                        "match: {protocol: 256}",
                                                        "match: {protocol: -1}",
                                                        "match: {protocol: '17'}",
                                                        "match: {type: datagram}",
                                                        "match: {flags: c_root, flag: c_leaf}",
                                                        "options: []",
                                                        "options: {a: {}}",
                                                        "options: {a: [[]]}",
                                                        "options: {a: ~}",
                                                        "options: {'a b': 1}",
                                                        "qos: {capacity: 5}",
                                                        "qos: {capacity: 5gbit}",
                                                        "qos: {capacity: 0bit}",
                                                        "qos: {capacity: 00Gbit}",
                                                        "qos: {on_unsatisfied: ignore}",
                                                        "qos: fail"})));

INSTANTIATE_TEST_SUITE_P(Names, Accepted,
                         testing::ValuesIn(with("providers: [{name: ",
                                                {"a, library: x", "A_1.b-c, library: ./x",
                                                 "a, library: /x/y.so", "a, library: ../x y",
                                                 std::string(64, 'n') + ", library: x~/y"},
                                                "}]")));

INSTANTIATE_TEST_SUITE_P(Names, Refused,
                         testing::ValuesIn(with("providers: [{name: ",
                                                {"a", "a, library: ", "a, library: ''", "a, library: x y",
                                                 "a, library: x/", "a, library: /", "a, library: ~/x",
                                                 "a, library: \"./x\\t\"", "'', library: x", "a/b, library: x",
                                                 "[a], library: x", std::string(65, 'n') + ", library: x"},
                                                "}]")));

INSTANTIATE_TEST_SUITE_P(TopLevel, Accepted,
                         testing::ValuesIn(with("",
                                                {"", "providers: []", "include: []",
                                                 "include: [none.d/*.yaml, '*.none']", "reactor: {}",
                                                 "order: []", "order: [gone, a.b/c-d_e]",
                                                 "reactor: {threads: 256, spin: 0ns, cpus: [0, 1023]}",
                                                 "reactor: {spin: 1s, cpus: []}"},
                                                "\n")));

INSTANTIATE_TEST_SUITE_P(TopLevel, Refused,
                         testing::ValuesIn(with("",
                                                {"provider: []",
                                                 "providers: {}",
                                                 "providers: [a]",
                                                 "include: x",
                                                 "order: a",
                                                 "order: [a, a]",
                                                 "order: [a/b/c]",
                                                 "order: [a/]",
                                                 "order: [/a]",
                                                 "order: ['a b']",
                                                 "include: ['']",
                                                 "include: [x/]",
                                                 "include: [~/x]",
                                                 "include: [[]]",
                                                 "reactor: []",
                                                 "reactor: {threads: 0}",
                                                 "reactor: {threads: 257}",
                                                 "reactor: {threads: 1.5}",
                                                 "reactor: {threads: '1'}",
                                                 "reactor: {spin: 5}",
                                                 "reactor: {spin: 5sec}",
                                                 "reactor: {cpus: 1}",
                                                 "reactor: {cpus: [-1]}",
                                                 "reactor: {cpus: [1024]}",
                                                 "reactor: {cpus: [1, 1]}",
                                                 "reactor: {cpu: [1]}"},
                                                "\n")));

INSTANTIATE_TEST_SUITE_P(Version, Refused,
                         testing::Values("providers: []", "version: 2", "version: '1'", "version: one",
                                         "version: 1.5", "version: ", "[]", "text", "~"));

} // namespace
