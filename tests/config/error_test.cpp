// SPDX-License-Identifier: Apache-2.0
//
// Each thing that can be wrong in one file: where the message points and what it says.
#include "support.hpp"

namespace {

using namespace joinleaf::config;
using namespace joinleaf::config::test;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct wrong_text {
    std::string name;
    std::string text;
    std::string where;
    std::vector<std::string> parts;
};

void PrintTo(const wrong_text& each, std::ostream* out) {
    *out << each.name;
}

class OneProblem : public testing::TestWithParam<wrong_text> {};

TEST_P(OneProblem, IsReportedOnce_AtItsPlace) {
    const auto& wrong = GetParam();
    EXPECT_THAT(texts(parse_text(wrong.text, "f.yaml")),
                ElementsAre(says("f.yaml:" + wrong.where, wrong.parts)));
}

std::string name_of(const testing::TestParamInfo<wrong_text>& info) {
    return info.param.name;
}

const std::string head = "version: 1\n";

// A provider with a further line, which stands at line 4, its key at column 5.
std::string provider_with(const std::string& line) {
    return head + "providers:\n  - {name: a, library: b,\n    " + line + "}\n";
}

INSTANTIATE_TEST_SUITE_P(
    Structure, OneProblem,
    testing::Values(
        wrong_text{"Empty", "", "1:1", {"found nothing in the file", "version: 1"}},
        wrong_text{"OnlyComments", "# nothing\n", "1:1", {"found nothing in the file"}},
        wrong_text{"RootIsList",
                   "- version: 1\n",
                   "1:1",
                   {"top level: expected a map with the keys version, reactor, statistics, providers, order, "
                    "include, "
                    "found a list"}},
        wrong_text{"RootIsText", "version 1\n", "1:1", {"found text \"version 1\""}},
        wrong_text{"VersionMissing",
                   "providers: []\n",
                   "1:1",
                   {"top level: the key \"version\" is missing; expected version: 1"}},
        wrong_text{
            "VersionUnknown", "version: 2\n", "1:10", {"version: expected the number 1, found text \"2\""}},
        wrong_text{
            "VersionQuoted", "version: '1'\n", "1:10", {"expected the number 1, found quoted text \"1\""}},
        wrong_text{"VersionIsList", "version: [1]\n", "1:10", {"expected the number 1, found a list"}},
        wrong_text{"VersionEmpty", "version:\nproviders: []\n", "1:1", {"the key \"version\" has no value"}},
        wrong_text{"UnknownKey",
                   head + "provider: []\n",
                   "2:1",
                   {"top level: unknown key \"provider\"; allowed: version, reactor, statistics, providers, "
                    "order, include; did "
                    "you mean "
                    "\"providers\"?"}},
        wrong_text{
            "UnknownKeyFarFromAll",
            head + "colour: red\n",
            "2:1",
            {"unknown key \"colour\"; allowed: version, reactor, statistics, providers, order, include"}},
        wrong_text{"DuplicateKey",
                   head + "include: []\nversion: 1\n",
                   "3:1",
                   {"found the key \"version\" a second time in one map", "the first is at f.yaml:1:1"}},
        wrong_text{"DuplicateKeyDeepInside",
                   provider_with("options: {ttl: 8, x: 1, ttl: 9}"),
                   "4:29",
                   {"found the key \"ttl\" a second time", "f.yaml:4:15"}},
        wrong_text{"KeyIsList", head + "? [a, b]\n: c\n", "2:3", {"found a key that is not a text"}},
        wrong_text{"KeyIsNothing", head + ": c\n", "2:1", {"found a key that is not a text"}},
        wrong_text{"ProvidersIsMap",
                   head + "providers: {a: b}\n",
                   "2:12",
                   {"providers: expected a list of providers, found a map"}},
        wrong_text{"ProvidersIsNothing", head + "providers:\n", "2:1", {"the key \"providers\" has no value"}},
        wrong_text{"ProviderIsText",
                   head + "providers:\n  - udp\n",
                   "3:5",
                   {"provider: expected a map with the keys name, library, id, enabled, match, entries, "
                    "options, qos, found text "
                    "\"udp\""}},
        wrong_text{"ProviderIsNothing",
                   head + "providers:\n  - \n  - {name: a, library: b}\n",
                   "4:3",
                   {"provider: expected a map", "found nothing"}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Reactor, OneProblem,
    testing::Values(
        wrong_text{"IsList",
                   head + "reactor: [1]\n",
                   "2:10",
                   {"reactor: expected a map with the keys threads, spin, cpus, found a list"}},
        wrong_text{
            "UnknownKey",
            head + "reactor: {thread: 1}\n",
            "2:11",
            {"reactor: unknown key \"thread\"; allowed: threads, spin, cpus; did you mean \"threads\"?"}},
        wrong_text{"ThreadsIsText",
                   head + "reactor: {threads: two}\n",
                   "2:20",
                   {"reactor.threads: expected a whole number from 1 to 256, found text \"two\""}},
        wrong_text{
            "ThreadsIsZero", head + "reactor: {threads: 0}\n", "2:20", {"from 1 to 256, found text \"0\""}},
        wrong_text{
            "ThreadsIsHuge", head + "reactor: {threads: 99999999999999999999}\n", "2:20", {"from 1 to 256"}},
        wrong_text{"ThreadsIsNegative", head + "reactor: {threads: -1}\n", "2:20", {"found text \"-1\""}},
        wrong_text{"ThreadsIsFraction", head + "reactor: {threads: 1.0}\n", "2:20", {"found text \"1.0\""}},
        wrong_text{"ThreadsLooksOctal", head + "reactor: {threads: 010}\n", "2:20", {"found text \"010\""}},
        wrong_text{"SpinWithoutUnit",
                   head + "reactor: {spin: 50}\n",
                   "2:17",
                   {"reactor.spin: \"50\" has no unit", "one of ns, us, ms, s, min, h"}},
        wrong_text{"SpinBadUnit",
                   head + "reactor: {spin: 50usec}\n",
                   "2:17",
                   {"reactor.spin: \"50usec\" has the unknown unit \"usec\""}},
        wrong_text{"SpinTooLong",
                   head + "reactor: {spin: 2s}\n",
                   "2:17",
                   {"expected a duration from 0us to 1s, found text \"2s\""}},
        wrong_text{
            "SpinIsMap", head + "reactor: {spin: {us: 5}}\n", "2:17", {"expected a duration", "found a map"}},
        wrong_text{"CpusIsNumber",
                   head + "reactor: {cpus: 2}\n",
                   "2:17",
                   {"reactor.cpus: expected a list of processor numbers such as [2, 3], found text \"2\""}},
        wrong_text{"CpuTooHigh", head + "reactor: {cpus: [0, 1024]}\n", "2:21", {"from 0 to 1023", "\"1024\""}},
        wrong_text{"CpuTwice", head + "reactor: {cpus: [2, 2]}\n", "2:21", {"the processor 2 a second time"}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Statistics, OneProblem,
    testing::Values(
        wrong_text{"IsText",
                   head + "statistics: yes\n",
                   "2:13",
                   {"statistics: expected a map with the keys publish, folder, found text \"yes\""}},
        wrong_text{
            "UnknownKey",
            head + "statistics: {publsh: true}\n",
            "2:14",
            {"statistics: unknown key \"publsh\"; allowed: publish, folder; did you mean \"publish\"?"}},
        wrong_text{"PublishIsNumber",
                   head + "statistics: {publish: 1}\n",
                   "2:23",
                   {"statistics.publish: expected true or false, found text \"1\""}},
        wrong_text{
            "FolderIsRelative",
            head + "statistics: {folder: run}\n",
            "2:22",
            {"statistics.folder: expected an absolute path such as /run/joinleaf, found text \"run\""}},
        wrong_text{"FolderIsTooLong",
                   head + "statistics: {folder: /" + std::string(90, 'x') + "}\n",
                   "2:22",
                   {"found one of 91 bytes; the address of a socket in it has room for 90"}},
        wrong_text{"FolderIsList",
                   head + "statistics: {folder: [/run]}\n",
                   "2:22",
                   {"statistics.folder: expected an absolute path", "found a list"}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Provider, OneProblem,
    testing::Values(
        wrong_text{"NameMissing",
                   head + "providers:\n  - library: b\n",
                   "3:5",
                   {"provider: the key \"name\" is missing; expected a name of 1 to 64 letters"}},
        wrong_text{"LibraryMissing",
                   head + "providers:\n  - name: a\n",
                   "3:5",
                   {"provider: the key \"library\" is missing; expected a library's name such as udp-mcast, "
                    "or a path"}},
        wrong_text{"LibraryWithoutValue",
                   head + "providers:\n  - name: a\n    library:\n",
                   "4:5",
                   {"the key \"library\" has no value"}},
        wrong_text{
            "NameWithBlank",
            head + "providers: [{name: a b, library: b}]\n",
            "2:20",
            {"provider.name: expected a name of 1 to 64 letters, digits, _ . and -, found text \"a b\""}},
        wrong_text{
            "NameEmpty", head + "providers: [{name: '', library: b}]\n", "2:20", {"found quoted text \"\""}},
        wrong_text{"NameTooLong",
                   head + "providers: [{library: b, name: " + std::string(65, 'n') + "}]\n",
                   "2:32",
                   {"1 to 64"}},
        wrong_text{"NameIsList", head + "providers: [{name: [a], library: b}]\n", "2:20", {"found a list"}},
        wrong_text{"NameTwice",
                   head + "providers:\n  - {name: a, library: b}\n  - {name: a, library: c}\n",
                   "4:12",
                   {"provider.name: found the name \"a\" a second time; the first is at f.yaml:3:12"}},
        wrong_text{"LibraryIsFolder",
                   head + "providers: [{name: a, library: ./x/}]\n",
                   "2:32",
                   {"provider.library: expected", "found \"./x/\", the name of a folder"}},
        wrong_text{"LibraryWithTilde",
                   head + "providers: [{name: a, library: ~/x.so}]\n",
                   "2:32",
                   {"~ is not replaced here"}},
        wrong_text{"LibraryWithBlank",
                   head + "providers: [{name: a, library: my lib}]\n",
                   "2:32",
                   {"found text \"my lib\""}},
        wrong_text{"LibraryWithEscape",
                   head + "providers: [{name: a, library: \"/x\\ey\"}]\n",
                   "2:32",
                   {"the path \"/x\\x1by\" with a control character"}},
        wrong_text{
            "LibraryEmpty", head + "providers: [{name: a, library: ''}]\n", "2:32", {"found an empty text"}},
        wrong_text{"UnknownKey",
                   provider_with("librery: c"),
                   "4:5",
                   {"provider: unknown key \"librery\"; allowed: name, library, id, enabled, match, entries, "
                    "options, qos; did you "
                    "mean \"library\"?"}},
        wrong_text{"EnabledIsYes",
                   provider_with("enabled: yes"),
                   "4:14",
                   {"provider.enabled: expected true or false, found text \"yes\""}},
        wrong_text{"EnabledIsQuoted", provider_with("enabled: 'true'"), "4:14", {"found quoted text \"true\""}},
        wrong_text{"EnabledIsNumber", provider_with("enabled: 1"), "4:14", {"found text \"1\""}},
        wrong_text{"OptionsIsList",
                   provider_with("options: [a]"),
                   "4:14",
                   {"provider.options: expected a map of the provider's options, found a list"}},
        wrong_text{"OptionIsMap",
                   provider_with("options: {ttl: {ipv4: 8}}"),
                   "4:20",
                   {"provider.options.ttl: expected a text, a number, true or false, or a list of these, "
                    "found a map"}},
        wrong_text{"OptionListInList",
                   provider_with("options: {ttl: [[8]]}"),
                   "4:21",
                   {"provider.options.ttl: expected a list of texts, numbers, true or false, found a list"}},
        wrong_text{"OptionWithoutValue",
                   provider_with("options: {ttl: }"),
                   "4:15",
                   {"provider.options.ttl: expected a text", "found nothing"}},
        wrong_text{"OptionNullInList", provider_with("options: {ttl: [~]}"), "4:21", {"found nothing"}},
        wrong_text{"OptionKeyWithBlank",
                   provider_with("options: {t t l: 8}"),
                   "4:15",
                   {"expected an option's name", "found text \"t t l\""}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Match, OneProblem,
    testing::Values(
        wrong_text{"IsText",
                   provider_with("match: inet"),
                   "4:12",
                   {"provider.match: expected a map with the keys family, type, protocol, flags, found text "
                    "\"inet\""}},
        wrong_text{"UnknownKey", provider_with("match: {familly: inet}"), "4:13", {"did you mean \"family\"?"}},
        wrong_text{
            "Family",
            provider_with("match: {family: inet4}"),
            "4:21",
            {"provider.match.family: expected one of inet, inet6, any, found text \"inet4\"; did you mean "
             "\"inet\"?"}},
        wrong_text{"FamilyIsMap", provider_with("match: {family: {a: b}}"), "4:21", {"found a map"}},
        wrong_text{
            "FamilyListInList", provider_with("match: {family: [inet, [any]]}"), "4:28", {"found a list"}},
        wrong_text{"Type",
                   provider_with("match: {type: [stream, datagram]}"),
                   "4:28",
                   {"provider.match.type: expected one of stream, dgram, raw, rdm, seqpacket, found text "
                    "\"datagram\""}},
        wrong_text{
            "Protocol",
            provider_with("match: {protocol: upd}"),
            "4:23",
            {"provider.match.protocol: expected one of tcp, udp, rm or a number from 0 to 255, found text "
             "\"upd\"; did you mean \"udp\"?"}},
        wrong_text{"ProtocolTooHigh",
                   provider_with("match: {protocol: 256}"),
                   "4:23",
                   {"a whole number from 0 to 255, found text \"256\""}},
        wrong_text{
            "ProtocolLooksOctal", provider_with("match: {protocol: 017}"), "4:23", {"found text \"017\""}},
        wrong_text{"Flags",
                   provider_with("match: {flags: [c_root, c_laef]}"),
                   "4:29",
                   {"expected one of c_root, c_leaf, d_root, d_leaf, found text \"c_laef\"; did you mean "
                    "\"c_leaf\"?"}},
        wrong_text{"FlagTwice",
                   provider_with("match: {flags: [c_root, c_root]}"),
                   "4:29",
                   {"provider.match.flags: found \"c_root\" a second time"}},
        wrong_text{"EmptyList",
                   provider_with("match: {type: []}"),
                   "4:19",
                   {"provider.match.type: found an empty list, which would match nothing"}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Qos, OneProblem,
    testing::Values(
        wrong_text{"IsText",
                   provider_with("qos: 1Gbit"),
                   "4:10",
                   {"provider.qos: expected a map with the keys capacity, on_unsatisfied"}},
        wrong_text{"UnknownKey",
                   provider_with("qos: {on-unsatisfied: fail}"),
                   "4:11",
                   {"unknown key \"on-unsatisfied\"; allowed: capacity, on_unsatisfied; did you mean "
                    "\"on_unsatisfied\"?"}},
        wrong_text{"CapacityWithoutUnit",
                   provider_with("qos: {capacity: 1000}"),
                   "4:21",
                   {"provider.qos.capacity: \"1000\" has no unit", "one of bit, kbit, Mbit, Gbit, Tbit"}},
        wrong_text{"CapacityBadUnit",
                   provider_with("qos: {capacity: 1GBit}"),
                   "4:21",
                   {"unknown unit \"GBit\"", "did you mean \"Gbit\"?"}},
        wrong_text{
            "CapacityTooLarge", provider_with("qos: {capacity: 99999999Tbit}"), "4:21", {"is too large"}},
        wrong_text{"CapacityZero", provider_with("qos: {capacity: 0bit}"), "4:21", {"expected a rate above 0"}},
        wrong_text{"CapacityIsList",
                   provider_with("qos: {capacity: [1Gbit]}"),
                   "4:21",
                   {"expected a rate such as 100Mbit, found a list"}},
        wrong_text{"OnUnsatisfied",
                   provider_with("qos: {on_unsatisfied: best-effort}"),
                   "4:27",
                   {"provider.qos.on_unsatisfied: expected one of fail, best_effort, found text "
                    "\"best-effort\"; did "
                    "you mean \"best_effort\"?"}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Include, OneProblem,
    testing::Values(
        wrong_text{"IsText",
                   head + "include: providers.d/*.yaml\n",
                   "2:10",
                   {"include: expected a list of paths such as [providers.d/*.yaml], found text "
                    "\"providers.d/*.yaml\""}},
        wrong_text{
            "ItemIsMap", head + "include: [{a: b}]\n", "2:11", {"expected a path or a pattern", "found a map"}},
        wrong_text{"ItemEmpty", head + "include: ['']\n", "2:11", {"found an empty text"}},
        wrong_text{"ItemIsFolder", head + "include: [providers.d/]\n", "2:11", {"the name of a folder"}},
        wrong_text{"ItemWithTilde", head + "include: [~/x.yaml]\n", "2:11", {"~ is not replaced"}},
        wrong_text{"WildcardInFolder",
                   head + "include: [/*/x.yaml]\n",
                   "2:11",
                   {"found \"/*/x.yaml\"; wildcards are allowed only after the last /"}},
        wrong_text{"DoesNotExist",
                   head + "include: [/nonexistent/x.yaml]\n",
                   "2:11",
                   {"include: the file \"/nonexistent/x.yaml\" does not exist"}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Yaml, OneProblem,
    testing::Values(
        wrong_text{"OpenList",
                   head + "include: [a\n",
                   "3:1",
                   {"the end of the list that begins at f.yaml:2:10 is missing; expected , or ]"}},
        wrong_text{"OpenMap",
                   head + "reactor: {threads: 1\n",
                   "3:1",
                   {"the end of the map that begins at f.yaml:2:10 is missing; expected , or }"}},
        wrong_text{
            "OpenQuote", head + "include: 'a\nproviders: []\n", "2:10", {"the file ends inside a quoted text"}},
        wrong_text{
            "OpenQuoteAfterPair", head + "include: 'it''s\n", "2:10", {"the file ends inside a quoted text"}},
        wrong_text{"OpenDoubleQuote", head + "include: \"a\\\"\n\n", "2:10", {"its closing quote is missing"}},
        wrong_text{"OpenQuoteInList", head + "include: ['a]\n", "2:11", {"its closing quote is missing"}},
        wrong_text{
            "OpenQuoteAtTheVeryEnd", head + "include: \"a", "2:12", {"the file ends inside a quoted text"}},
        wrong_text{"ColonInText", head + "include: a: b\n", "2:11", {"a text that holds \": \" needs quotes"}},
        wrong_text{"TabIndents",
                   head + "reactor:\n\tthreads: 1\n",
                   "3:1",
                   {"indented with a tab; only spaces indent"}},
        wrong_text{
            "Indentation", head + "providers:\n  - name: a\n   library: b\n", "4:4", {"the indentation fits"}},
        wrong_text{"ReservedCharacter", head + "include: @a\n", "2:10", {"cannot begin with this character"}},
        wrong_text{"StrayBracket", head + "]\n", "2:1", {"not valid YAML"}},
        wrong_text{"BadEscape",
                   head + "include: [\"\\q\"]\n",
                   "2:14",
                   {"not valid YAML", "between single quotes a \\ is only itself"}},
        wrong_text{"EscapeAtTheEnd", "\"\\", "1:3", {"between single quotes a \\ is only itself"}},
        wrong_text{"EscapeOfAWideCharacter", "\"\\é\"", "1:3", {"between single quotes a \\ is only itself"}},
        wrong_text{"EscapeOfHalfACharacter", "\"\\ud800\"", "1:8", {"not valid YAML: invalid unicode"}},
        wrong_text{"Directive", "%YAML 1.2\n---\n" + head, "1:1", {"directives are not allowed here"}},
        wrong_text{"DirectiveAtTheEnd", head + "%providers: []", "2:1", {"found a line that begins with %"}},
        wrong_text{"KeyWithoutColon", head + "include:[a]\n", "2:1", {"unknown key \"include:[a]\""}},
        wrong_text{"Anchor",
                   head + "reactor: &r {threads: 1}\n",
                   "2:10",
                   {"found the anchor \"&r\"; anchors and aliases are not allowed here"}},
        wrong_text{"AnchorOnNothing", head + "reactor: &r\n", "2:10", {"found the anchor \"&r\""}},
        wrong_text{"Alias", head + "reactor: *r\n", "2:10", {"found an alias"}},
        wrong_text{
            "UnquotedStar", head + "include: [*.yaml]\n", "2:11", {"a text that begins with * needs quotes"}},
        wrong_text{"MergeKey", head + "<<: {reactor: {}}\n", "2:1", {"unknown key \"<<\""}},
        wrong_text{
            "Tag", head + "reactor: !r {threads: 1}\n", "2:10", {"found a tag; tags are not allowed here"}},
        wrong_text{"StandardTag", "version: !!int 1\n", "1:10", {"found a tag"}},
        wrong_text{"NonSpecificTag", "version: ! 1\n", "1:10", {"found a tag"}},
        wrong_text{"TagOnList", head + "include: !!seq [a]\n", "2:10", {"found a tag"}},
        wrong_text{"TagOnKey", head + "!k reactor: {}\n", "2:1", {"found a tag"}},
        wrong_text{
            "SecondDocument", head + "---\nversion: 1\n", "2:1", {"found the beginning of a second document"}},
        wrong_text{"SecondDocumentAfterEnd", head + "...\nversion: 1\n", "3:1", {"second document"}},
        wrong_text{"SomethingAfterTheRoot", "{version: 1}\nreactor: {}\n", "2:1", {"second document"}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Text, OneProblem,
    testing::Values(
        wrong_text{"Nul", head + std::string("a\0b", 3), "2:2", {"found a NUL byte", "not binary data"}},
        wrong_text{"EscapedNul", head + "include: [\"a\\0b\"]\n", "2:11", {"found a NUL character"}},
        wrong_text{"EndOfTransmission",
                   head + "# \x04 this would end the file\nnonsense: 1\n",
                   "2:3",
                   {"control character U+0004"}},
        wrong_text{"Escape", head + "# \x1B[31m\n", "2:3", {"control character U+001B"}},
        wrong_text{"Delete", head + "# \x7F\n", "2:3", {"control character U+007F"}},
        wrong_text{
            "LoneCarriageReturn", "version: 1\rreactor: {}\r", "1:11", {"carriage return without a line feed"}},
        wrong_text{"Latin1", head + "# caf\xE9\n", "2:6", {"the byte 0xE9, which is not UTF-8"}},
        wrong_text{"Overlong", head + "# \xC0\xAF\n", "2:3", {"0xC0"}},
        wrong_text{"OverlongOfThree", head + "# \xE0\x80\xAF\n", "2:3", {"0xE0"}},
        wrong_text{"Surrogate", head + "# \xED\xA0\x80\n", "2:3", {"0xED"}},
        wrong_text{"BeyondUnicode", head + "# \xF4\x90\x80\x80\n", "2:3", {"0xF4"}},
        wrong_text{"CutOff", head + "# é\xE6\x97", "2:4", {"0xE6"}},
        wrong_text{"LoneContinuation", head + "# \x80\n", "2:3", {"0x80"}},
        wrong_text{"Utf16LittleEndian", std::string("\xFF\xFEv\0e\0", 6), "1:1", {"found UTF-16 text"}},
        wrong_text{"Utf16BigEndian", std::string("\xFE\xFF\0v\0e", 6), "1:1", {"found UTF-16 text"}},
        wrong_text{"Elf",
                   std::string("\x7F"
                               "ELF\x02\x01\x01\0",
                               8),
                   "1:1",
                   {"U+007F"}}),
    name_of);

TEST(AllProblems, OfAFile_AreReportedTogether_InItsOrder) {
    const auto loaded = parse_text("reactor: {threads: many, spin: 5}\n"
                                   "providers:\n"
                                   "  - {name: a, library: ., enabled: on}\n"
                                   "  - {name: a, libary: x}\n"
                                   "  - {name: c, library: x, qos: {capacity: fast}, qos: {}}\n"
                                   "colour: red\n",
                                   "f.yaml");
    EXPECT_THAT(texts(loaded),
                ElementsAre(says("f.yaml:1:1", {"\"version\" is missing"}),
                            says("f.yaml:1:20", {"reactor.threads"}), says("f.yaml:1:32", {"reactor.spin"}),
                            says("f.yaml:3:36", {"provider.enabled"}),
                            says("f.yaml:4:5", {"\"library\" is missing"}),
                            says("f.yaml:4:12", {"a second time", "f.yaml:3:12"}),
                            says("f.yaml:4:15", {"libary"}), says("f.yaml:5:43", {"provider.qos.capacity"}),
                            says("f.yaml:5:50", {"\"qos\" a second time"}), says("f.yaml:6:1", {"colour"})));
}

TEST(AllProblems, TooManyToList_AreCounted) {
    std::string text = head;
    for (int i = 0; i < 150; ++i)
        text += fmt::format("key_{}: 1\n", i);
    const auto found = texts(parse_text(text, "f.yaml"));
    ASSERT_THAT(found, SizeIs(101));
    EXPECT_THAT(found.front(), says("f.yaml:2:1", {"key_0"}));
    EXPECT_THAT(found.back(), says("f.yaml:102:1", {"50 more problems"}));
}

TEST(AllProblems, LongAndStrangeText_IsCutAndEscapedInMessages) {
    const auto found = texts(parse_text(head + "\"k\\n" + std::string(900, 'k') + "\": 1\n", "f.yaml"));
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_THAT(found[0], says("f.yaml:2:1", {"\"k\\x0akkk", "k...\""}));
    EXPECT_LT(found[0].size(), 400U);
    EXPECT_EQ(found[0].find('\n'), std::string::npos);
}

} // namespace
