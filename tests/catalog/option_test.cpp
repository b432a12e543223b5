// SPDX-License-Identifier: Apache-2.0
#include "catalog_fixture.hpp"

#include "runtime/catalog/options.hpp"

#include <gmock/gmock.h>

#include <limits>

namespace joinleaf::catalog_test {
namespace {

using testing::HasSubstr;
using testing::Not;
using state = enum catalog::provider::state;

enum row { loop, ttl, rcvbuf, timeout, rate, interface_name, engine, sources };

struct Options : catalog_fixture {
    const catalog::provider& load_with(const std::string& options) {
        return load_one("mcast", "    options: " + options + "\n");
    }
    const jl_value& value(const catalog::provider& made, row which) { return *made.options->values()[which]; }
};

TEST_F(Options, NothingGiven_DefaultsOfTheTable) {
    const auto& made = load_with("{}");
    ASSERT_EQ(made.state, state::loaded);
    EXPECT_EQ(value(made, loop).number, 1);
    EXPECT_EQ(value(made, ttl).number, 1);
    EXPECT_EQ(value(made, rcvbuf).number, 4 << 20);
    EXPECT_EQ(value(made, timeout).number, 5'000'000'000);
    EXPECT_EQ(value(made, rate).number, 0);
    EXPECT_EQ(value(made, interface_name).text, nullptr);
    EXPECT_STREQ(value(made, engine).text, "auto");
    ASSERT_EQ(value(made, sources).list_count, 2U);
    EXPECT_STREQ(value(made, sources).list[1], "b");
    EXPECT_EQ(value(made, ttl).given, 0U);
    EXPECT_STREQ(value(made, ttl).where, "default");
    EXPECT_EQ(value(made, ttl).struct_size, sizeof(jl_value));
}

TEST_F(Options, EveryTypeGiven_ArrivesInItsUnit) {
    const auto& made =
        load_with("{loop: false, ttl: 8, rcvbuf: 64KiB, timeout: 250ms, rate: 10Mbit, interface: eth0, "
                  "engine: ofi, sources: [x, y, z]}");
    ASSERT_EQ(made.state, state::loaded) << made.reason;
    EXPECT_EQ(value(made, loop).number, 0);
    EXPECT_EQ(value(made, ttl).number, 8);
    EXPECT_EQ(value(made, rcvbuf).number, 65536);
    EXPECT_EQ(value(made, timeout).number, 250'000'000);
    EXPECT_EQ(value(made, rate).number, 10'000'000);
    EXPECT_STREQ(value(made, interface_name).text, "eth0");
    EXPECT_EQ(value(made, engine).number, 2);
    EXPECT_STREQ(value(made, engine).text, "ofi");
    ASSERT_EQ(value(made, sources).list_count, 3U);
    EXPECT_STREQ(value(made, sources).list[2], "z");
    EXPECT_EQ(value(made, ttl).given, 1U);
    EXPECT_STREQ(value(made, ttl).where, "/etc/test.yaml:5:33");
}

TEST_F(Options, SingleWordForAList_IsAListOfOne) {
    const auto& made = load_with("{sources: only}");
    ASSERT_EQ(value(made, sources).list_count, 1U);
    EXPECT_STREQ(value(made, sources).list[0], "only");
}

TEST_F(Options, EmptyList_IsEmpty) {
    EXPECT_EQ(value(load_with("{sources: []}"), sources).list_count, 0U);
}

TEST_F(Options, CreateGetsNameAndValues_UntilDestroy) {
    const auto& made = load_with("{ttl: 9}");
    const auto& arguments = made.options->arguments();
    EXPECT_STREQ(arguments.name, "x");
    EXPECT_EQ(arguments.value_count, 8U);
    EXPECT_EQ(arguments.values[ttl]->number, 9);
    notes().clear();
    unload();
    EXPECT_EQ(notes().front(), "destroy x"); // read by the plugin through the pointer that create was given
}

TEST_F(Options, UnknownKey_NamesThePlaceTheNearestAndTheAllowedOnes) {
    const auto& made = load_with("{intreface: eth0}");
    EXPECT_EQ(made.state, state::refused);
    EXPECT_THAT(made.reason,
                HasSubstr("/etc/test.yaml:5:15: unknown option \"intreface\"; allowed: loop, ttl, rcvbuf, "
                          "timeout, rate, interface, engine, sources; did you mean \"interface\"?"));
}

TEST_F(Options, SeveralProblems_AreAllInTheReason) {
    const auto& reason = load_with("{loop: yes, ttl: 0, nonsense: 1}").reason;
    EXPECT_THAT(reason, HasSubstr(plugin("mcast") + ": options refused: "));
    EXPECT_THAT(reason, HasSubstr("/etc/test.yaml:5:21: option \"loop\": \"yes\" is neither true nor false"));
    EXPECT_THAT(reason, HasSubstr("option \"ttl\": \"0\" is out of range; allowed: 1 to 255"));
    EXPECT_THAT(reason, HasSubstr("unknown option \"nonsense\""));
}

struct bad_value {
    const char* option;
    const char* message;
};

struct BadOption : Options, testing::WithParamInterface<bad_value> {};

TEST_P(BadOption, IsRefusedWithWhatIsAllowed) {
    const auto& made = load_with(GetParam().option);
    EXPECT_EQ(made.state, state::refused);
    EXPECT_THAT(made.reason, HasSubstr(GetParam().message));
    EXPECT_THAT(made.reason, HasSubstr("/etc/test.yaml:5:"));
    EXPECT_TRUE(notes().size() == 1 && notes().front() == "startup mcast"); // create is not called
}

INSTANTIATE_TEST_SUITE_P(
    Values, BadOption,
    testing::Values(bad_value{"{ttl: 256}", "\"256\" is out of range; allowed: 1 to 255"},
                    bad_value{"{ttl: -1}", "\"-1\" is out of range"},
                    bad_value{"{ttl: 1.5}", "\"1.5\" is not a whole number"},
                    bad_value{"{ttl: 99999999999999999999}", "is too large for a whole number"},
                    bad_value{"{ttl: \"\"}", "\"\" is not a whole number"},
                    bad_value{"{ttl: [1, 2]}", "a list is not allowed here; expected one integer"},
                    bad_value{"{interface: [a, b]}", "a list is not allowed here; expected one text"},
                    bad_value{"{rcvbuf: 4096}", "\"4096\" has no unit"},
                    bad_value{"{rcvbuf: 1KiB}", "\"1KiB\" is out of range; allowed: at least 4KiB"},
                    bad_value{"{rcvbuf: 16777215TiB}", "is too large"},
                    bad_value{"{timeout: 5}", "\"5\" has no unit"},
                    bad_value{"{timeout: 2h}", "\"2h\" is out of range; allowed: 1ms to 1h"},
                    bad_value{"{rate: fast}", "\"fast\" is not a number with a unit"},
                    bad_value{
                        "{engine: verb}",
                        "\"verb\" is not allowed; allowed: auto, verbs, ofi; did you mean \"verbs\"?"}));

jl_option option_row(std::uint32_t type, std::int64_t minimum = 0, std::int64_t maximum = 0) {
    jl_option made{};
    made.struct_size = sizeof made;
    made.type = type;
    made.key = "key";
    made.minimum = minimum;
    made.maximum = maximum;
    return made;
}

TEST(OptionText, NumbersAreWrittenWithTheLargestUnitThatFits) {
    EXPECT_EQ(catalog::number_text(option_row(JL_OPTION_SIZE), 3 << 20), "3MiB");
    EXPECT_EQ(catalog::number_text(option_row(JL_OPTION_SIZE), 1025), "1025B");
    EXPECT_EQ(catalog::number_text(option_row(JL_OPTION_SIZE), 0), "0B");
    EXPECT_EQ(catalog::number_text(option_row(JL_OPTION_DURATION), 90'000'000'000), "90s");
    EXPECT_EQ(catalog::number_text(option_row(JL_OPTION_DURATION), 1'500), "1500ns");
    EXPECT_EQ(catalog::number_text(option_row(JL_OPTION_RATE), 2'000'000'000), "2Gbit");
    EXPECT_EQ(catalog::number_text(option_row(JL_OPTION_INTEGER), -7), "-7");
}

TEST(OptionText, OpenRangesSayOnlyTheirClosedEnd) {
    constexpr auto least = std::numeric_limits<std::int64_t>::min();
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(catalog::allowed_text(option_row(JL_OPTION_INTEGER, 1, most)), "at least 1");
    EXPECT_EQ(catalog::allowed_text(option_row(JL_OPTION_INTEGER, least, 9)), "at most 9");
    EXPECT_EQ(catalog::allowed_text(option_row(JL_OPTION_INTEGER)), "");
    EXPECT_EQ(catalog::allowed_text(option_row(JL_OPTION_TEXT)), "");
}

} // namespace
} // namespace joinleaf::catalog_test
