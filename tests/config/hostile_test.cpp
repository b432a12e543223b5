// SPDX-License-Identifier: Apache-2.0
//
// Input that is made to hurt: it ends in one clear problem, soon.
#include "config/file_reader.hpp"
#include "config/limits.hpp"
#include "support.hpp"

#include <functional>

#include <sys/time.h>

namespace {

using namespace joinleaf::config;
using namespace joinleaf::config::test;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::SizeIs;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int slowness = 20;
#elif defined(__OPTIMIZE__)
constexpr int slowness = 1;
#else
constexpr int slowness = 5;
#endif

// Ends the process when it has used a second of processor time, more where it is built to be slow. Time that other
// processes take does not count.
class processor_second {
  public:
    processor_second() { arm(slowness); }
    processor_second(const processor_second&) = delete;
    processor_second& operator=(const processor_second&) = delete;
    ~processor_second() { arm(0); }

  private:
    static void arm(int seconds) {
        const itimerval timer{{0, 0}, {seconds, 0}};
        ::setitimer(ITIMER_PROF, &timer, nullptr);
    }
};

std::vector<std::string> problems_of(const std::string& text) {
    const processor_second limit;
    return texts(parse_text(text, "f.yaml"));
}

std::string fill(std::string_view part, std::size_t bytes = limits::file_bytes) {
    return repeat(part, bytes / part.size());
}

struct hostile_text {
    std::string name;
    std::function<std::string()> text; // made when its test runs: all of them together are large
    std::string message;
};

void PrintTo(const hostile_text& each, std::ostream* out) {
    *out << each.name;
}

class Hostile : public testing::TestWithParam<hostile_text> {};

TEST_P(Hostile, EndsInOneProblem_WithinASecond) {
    EXPECT_THAT(problems_of(GetParam().text()),
                ElementsAre(testing::AllOf(MatchesRegex("f\\.yaml:[0-9]+:[0-9]+: .*"),
                                           HasSubstr(GetParam().message))));
}

// Indented one column further on every line, as deep as fits.
std::string staircase(std::string_view line) {
    std::string text;
    for (std::size_t depth = 0; text.size() + depth + line.size() < limits::file_bytes; ++depth)
        text += std::string(depth, ' ') + std::string(line) + "\n";
    return text;
}

constexpr const char* deep = "nested too deeply: lists and maps may stand inside each other 32 deep at most";
constexpr const char* flow = "too much: found more than 131072 of the characters [ { and ,";
constexpr const char* nodes =
    "too much: a configuration holds at most 65536 words, lists and maps in all its files";

INSTANTIATE_TEST_SUITE_P(
    Depth, Hostile,
    testing::Values(hostile_text{"Brackets", [] { return fill("["); }, flow},
                    hostile_text{"BracketLines", [] { return fill("[\n"); }, flow},
                    hostile_text{"Braces", [] { return fill("{"); }, flow},
                    hostile_text{"BraceKeys", [] { return fill("{a: "); }, flow},
                    hostile_text{"Mixed", [] { return fill("[{"); }, flow},
                    hostile_text{"ComplexKeys", [] { return fill("{? "); }, flow},
                    hostile_text{"FewerBrackets", [] { return fill("[", 2 * limits::total_nodes); }, deep},
                    hostile_text{"FewerBraceKeys", [] { return fill("{a: ", limits::total_nodes); }, deep},
                    hostile_text{"Dashes", [] { return fill("- "); }, deep},
                    hostile_text{"Questions", [] { return fill("? "); }, deep},
                    hostile_text{"Colons", [] { return fill(": "); }, deep},
                    hostile_text{"DashLines", [] { return staircase("-"); }, deep},
                    hostile_text{"KeyLines", [] { return staircase("a:"); }, deep},
                    hostile_text{"QuestionLines", [] { return staircase("?"); }, deep}),
    [](const auto& each) { return each.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Size, Hostile,
    testing::Values(
        hostile_text{"FlowItems", [] { return fmt::format("[{}]", fill("a,", limits::file_bytes - 2)); }, flow},
        hostile_text{"FlowCommas", [] { return fmt::format("[{}", fill(",", limits::file_bytes - 1)); }, flow},
        hostile_text{"FewerFlowItems",
                     [] { return fmt::format("[{}]", fill("a,", 2 * limits::total_nodes + 2)); }, nodes},
        hostile_text{"FlowQuotes", [] { return fmt::format("[{}]", fill("''\n", limits::file_bytes - 2)); },
                     "not valid YAML"},
        hostile_text{"FlowColons", [] { return fmt::format("[{}]", fill("a: ", limits::file_bytes - 2)); },
                     "not valid YAML"},
        hostile_text{"ListLines", [] { return fill("- a\n"); }, nodes},
        hostile_text{"LongPlainText", [] { return fill("a"); }, "top level: expected a map"},
        hostile_text{"LongPlainWords", [] { return fill("a "); }, "top level: expected a map"},
        hostile_text{"LongPlainLines", [] { return fill("a\n"); }, "top level: expected a map"},
        hostile_text{"LongQuotedText", [] { return fmt::format("\"{}", fill("\n", limits::file_bytes - 1)); },
                     "closing quote"},
        hostile_text{"LongBlock", [] { return fmt::format("|\n{}", fill(" x\n", limits::file_bytes - 2)); },
                     "top level: expected a map"},
        hostile_text{"LongName",
                     [] {
                         return "version: 1\nproviders: [{library: x, name: " +
                                std::string(limits::file_bytes - 200, 'n') + "}]";
                     },
                     "provider.name: expected a name"},
        hostile_text{"Comments", [] { return fill("#\n"); }, "found nothing"},
        hostile_text{"Blanks", [] { return fill(" "); }, "found nothing"},
        hostile_text{"Lines", [] { return fill("\n"); }, "found nothing"},
        hostile_text{"TooLong", [] { return fill("#\n", limits::file_bytes + 2); },
                     "the text is larger than 1048576 bytes"}),
    [](const auto& each) { return each.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Kind, Hostile,
    testing::Values(
        hostile_text{"Anchors", [] { return fill("&a "); }, "not valid YAML"},
        hostile_text{"FlowAnchors", [] { return fmt::format("[{}", fill("&a a\n", limits::file_bytes - 1)); },
                     "found the anchor \"&a\""},
        hostile_text{"Tags", [] { return fill("!a "); }, "not valid YAML"},
        hostile_text{"FlowAliases", [] { return fmt::format("[{}", fill("*a ", limits::file_bytes - 1)); },
                     "found an alias"},
        hostile_text{"Documents", [] { return fill("---\n"); }, "second document"},
        hostile_text{"Directives", [] { return fill("%YAML 1.2\n"); }, "directives are not allowed"},
        hostile_text{"UnknownDirectives", [] { return fill("%X\n"); }, "directives are not allowed"},
        hostile_text{"ClosingBrackets", [] { return fill("]"); }, "not valid YAML"},
        hostile_text{"ColonsOnly", [] { return fill(":"); }, "not valid YAML"},
        hostile_text{"AliasBomb",
                     [] {
                         return std::string(
                             "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\n"
                             "c: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\n");
                     },
                     "found the anchor \"&a\""},
        hostile_text{"SelfReference", [] { return std::string("a: &a [*a]\n"); }, "found the anchor \"&a\""},
        hostile_text{"Nulls", [] { return std::string(limits::file_bytes, '\0'); }, "found a NUL byte"},
        hostile_text{"HighBytes", [] { return std::string(limits::file_bytes, '\xFF'); }, "the byte 0xFF"}),
    [](const auto& each) { return each.param.name; });

TEST(HostileMany, BadKeys_AreCountedNotListed) {
    std::string text = "version: 1\n";
    for (int i = 0; i < 20000; ++i)
        text += fmt::format("on_unsatisfie{}: 1\n", i);
    EXPECT_THAT(problems_of(text), SizeIs(limits::problems + 1));
}

TEST(HostileMany, DuplicateKeys_AreCountedNotListed) {
    const auto found = problems_of("version: 1\n" + repeat("a: 1\n", 30000));
    ASSERT_THAT(found, SizeIs(limits::problems + 1));
    EXPECT_THAT(found.back(), HasSubstr("29900 more problems"));
    EXPECT_THAT(problems_of(fill("? a\n")), SizeIs(limits::problems + 1));
}

TEST(HostileMany, KeysOnOneLongLine_OfWideCharacters_KeepTheirColumns) {
    std::string text = "version: 1\nproviders: [{name: a, library: b, options: {";
    for (int i = 0; i < 30000; ++i)
        text += fmt::format("'é{}': 1, ", i);
    const auto found = problems_of(text + "}}]");
    ASSERT_THAT(found, SizeIs(limits::problems + 1));
    EXPECT_THAT(found.at(0), testing::StartsWith("f.yaml:2:45: "));
    EXPECT_THAT(found.at(10), testing::StartsWith("f.yaml:2:135: "));
}

TEST(HostileMany, ProvidersOfOneName_AreCountedNotListed) {
    EXPECT_THAT(
        problems_of("version: 1\nproviders:\n" + repeat("- {name: a, library: b}\n", limits::providers)),
        SizeIs(limits::problems + 1));
}

TEST(HostileMany, FilesThatIncludeEachOther_EndSoon) {
    const folder here;
    for (int i = 0; i < 300; ++i)
        here.write(fmt::format("{}.yaml", i), "version: 1\ninclude: ['*.yaml']\n");
    const processor_second limit;
    EXPECT_THAT(texts(load_file(here.path("0.yaml"))), Not(IsEmpty()));
}

TEST(HostileMany, ChainOfIncludes_EndsAtTheFileLimit) {
    const folder here;
    for (int i = 0; i < 300; ++i)
        here.write(fmt::format("{}.yaml", i), fmt::format("version: 1\ninclude: [{}.yaml]\n", i + 1));
    const processor_second limit;
    EXPECT_THAT(texts(load_file(here.path("0.yaml"))),
                ElementsAre(says(here.path("255.yaml") + ":2:11", {"more than 256 files"})));
}

TEST(HostileMany, PatternsThatBacktrack_EndSoon) {
    const folder here;
    here.write("d/" + std::string(250, 'a'), "");
    std::string text = "version: 1\ninclude:\n";
    for (int i = 0; i < 1000; ++i)
        text += "  - d/" + repeat("*a", 100) + "b\n";
    const auto file = here.write("main.yaml", text);
    const processor_second limit;
    EXPECT_THAT(texts(load_file(file)), IsEmpty());
}

// What the fuzzer starts from is also read in every ordinary test run.
TEST(Seeds, AreReadWithoutHarm_EachProblemWithItsPlace) {
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(JOINLEAF_CONFIG_SEEDS)) {
        const auto text = read_whole(entry.path().string());
        for (const auto role : {file_role::main_file, file_role::drop_in}) {
            const auto content = read_file_text(text, "seed", role, limits::total_nodes);
            for (const auto& each : content.problems)
                EXPECT_THAT(each.text(), MatchesRegex("seed:[1-9][0-9]*:[1-9][0-9]*: .+")) << entry.path();
        }
        ++files;
    }
    EXPECT_GE(files, 10U);
}

} // namespace
