// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace {

using namespace joinleaf::config;
using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(Units, Duration_EachUnit_IsScaled) {
    EXPECT_EQ(parse_duration("10ns"), 10ns);
    EXPECT_EQ(parse_duration("0us"), 0us);
    EXPECT_EQ(parse_duration("7us"), 7us);
    EXPECT_EQ(parse_duration("250ms"), 250ms);
    EXPECT_EQ(parse_duration("1s"), 1s);
    EXPECT_EQ(parse_duration("5min"), 5min);
    EXPECT_EQ(parse_duration("1h"), 1h);
    EXPECT_EQ(parse_duration("9223372036854775807ns"), std::chrono::nanoseconds::max());
}

TEST(Units, Size_EachUnit_IsScaled) {
    EXPECT_EQ(parse_size("0B"), 0U);
    EXPECT_EQ(parse_size("512B"), 512U);
    EXPECT_EQ(parse_size("64KiB"), 65536U);
    EXPECT_EQ(parse_size("4MiB"), 4194304U);
    EXPECT_EQ(parse_size("1GiB"), 1073741824U);
    EXPECT_EQ(parse_size("1TiB"), 1099511627776U);
    EXPECT_EQ(parse_size("64kB"), 64000U);
    EXPECT_EQ(parse_size("4MB"), 4000000U);
    EXPECT_EQ(parse_size("1GB"), 1000000000U);
    EXPECT_EQ(parse_size("1TB"), 1000000000000U);
    EXPECT_EQ(parse_size("18446744073709551615B"), std::numeric_limits<std::uint64_t>::max());
}

TEST(Units, Rate_EachUnit_IsScaled) {
    EXPECT_EQ(parse_rate("500bit"), 500U);
    EXPECT_EQ(parse_rate("64kbit"), 64000U);
    EXPECT_EQ(parse_rate("100Mbit"), 100000000U);
    EXPECT_EQ(parse_rate("1Gbit"), 1000000000U);
    EXPECT_EQ(parse_rate("2Tbit"), 2000000000000U);
}

TEST(Units, BareNumber_IsRefused_NamingTheAllowedUnits) {
    EXPECT_EQ(parse_duration("250").error(),
              "\"250\" has no unit; expected a duration, a whole number followed by one "
              "of ns, us, ms, s, min, h, such as 250ms");
    EXPECT_THAT(parse_duration("0").error(), HasSubstr("has no unit"));
    EXPECT_THAT(parse_size("4096").error(),
                HasSubstr("one of B, KiB, MiB, GiB, TiB, kB, MB, GB, TB, such as 4MiB"));
    EXPECT_THAT(parse_rate("1000").error(), HasSubstr("one of bit, kbit, Mbit, Gbit, Tbit, such as 100Mbit"));
}

TEST(Units, UnknownUnit_IsRefused_WithTheNearest) {
    EXPECT_THAT(parse_duration("5msec").error(), HasSubstr("unknown unit \"msec\""));
    EXPECT_THAT(parse_duration("5mins").error(), HasSubstr("did you mean \"min\"?"));
    EXPECT_THAT(parse_size("4mib").error(), HasSubstr("did you mean \"MiB\"?"));
    EXPECT_THAT(parse_size("4KB").error(), HasSubstr("did you mean \"kB\"?"));
    EXPECT_THAT(parse_rate("1gbit").error(), HasSubstr("did you mean \"Gbit\"?"));
}

TEST(Units, Overflow_IsRefused_NamingTheLargest) {
    EXPECT_EQ(parse_duration("9223372037s").error(),
              "\"9223372037s\" is too large; the largest here is 9223372036s");
    EXPECT_THAT(parse_duration("9223372036854775808ns").error(), HasSubstr("too large"));
    EXPECT_THAT(parse_size("18446744073709551616B").error(), HasSubstr("too large"));
    EXPECT_THAT(parse_size("16777216TiB").error(), HasSubstr("the largest here is 16777215TiB"));
    EXPECT_THAT(parse_rate("99999999999999999999999999bit").error(), HasSubstr("too large"));
}

TEST(Units, WhatIsNoWholeNumber_IsRefused) {
    EXPECT_THAT(parse_duration("1.5s").error(), HasSubstr("\"1.5s\" is not a whole number"));
    EXPECT_THAT(parse_duration("1 s").error(), HasSubstr("a space before its unit"));
    for (const auto* text : {"", "ms", "-5ms", "+5ms", " 5ms", "five"})
        EXPECT_THAT(parse_duration(text).error(), HasSubstr("is not a number with a unit")) << text;
    EXPECT_FALSE(parse_size("0x10B"));
    EXPECT_FALSE(parse_size("4MiB "));
    EXPECT_FALSE(parse_size("4MiB4MiB"));
}

constexpr std::array<std::string_view, 5> words{"name", "library", "enabled", "on_unsatisfied", "threads"};

TEST(Nearest, OneSlip_IsForgiven) {
    EXPECT_EQ(nearest("nmae", words), "name");
    EXPECT_EQ(nearest("librery", words), "library");
    EXPECT_EQ(nearest("thread", words), "threads");
    EXPECT_EQ(nearest("enabledd", words), "enabled");
}

TEST(Nearest, CaseAndDashes_CountNothing) {
    EXPECT_EQ(nearest("Library", words), "library");
    EXPECT_EQ(nearest("on-unsatisfied", words), "on_unsatisfied");
    EXPECT_EQ(nearest("On-Unsatisfyed", words), "on_unsatisfied");
}

TEST(Nearest, ABeginning_IsNear) {
    EXPECT_EQ(nearest("lib", words), "library");
    EXPECT_EQ(nearest("on_un", words), "on_unsatisfied");
}

TEST(Nearest, AnotherWord_IsNotNear) {
    EXPECT_EQ(nearest("colour", words), "");
    EXPECT_EQ(nearest("", words), "");
    EXPECT_EQ(nearest("x", words), "");
    EXPECT_EQ(nearest("name", {}), "");
    EXPECT_EQ(nearest(std::string(100000, 'n'), words), "");
}

TEST(Nearest, OfEquallyNear_TheFirstWins) {
    constexpr std::array<std::string_view, 2> roots{"c_root", "d_root"};
    EXPECT_EQ(nearest("x_root", roots), "c_root");
    EXPECT_EQ(nearest("d_rot", roots), "d_root");
}

} // namespace
