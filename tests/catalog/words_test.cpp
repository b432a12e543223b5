// SPDX-License-Identifier: Apache-2.0
#include "runtime/catalog/words.hpp"

#include "joinleaf/provider.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace joinleaf::catalog_test {
namespace {

using testing::ElementsAre;

TEST(Words, NumbersAndBack) {
    for (const char* word : {"any", "inet", "inet6"}) {
        EXPECT_EQ(catalog::family_word(catalog::family_number(word).value()), word);
    }
    for (const char* word : {"any", "stream", "dgram", "raw", "rdm", "seqpacket"}) {
        EXPECT_EQ(catalog::type_word(catalog::type_number(word).value()), word);
    }
    for (const char* word : {"tcp", "udp", "rm", "200"}) {
        EXPECT_EQ(catalog::protocol_word(catalog::protocol_number(word).value()), word);
    }
    EXPECT_EQ(catalog::protocol_number("rm"), 113);
}

TEST(Words, WhatIsNoWord) {
    EXPECT_EQ(catalog::family_number("ipx"), std::nullopt);
    EXPECT_EQ(catalog::type_number(""), std::nullopt);
    EXPECT_EQ(catalog::protocol_number("-1"), std::nullopt);
    EXPECT_EQ(catalog::protocol_number("1x"), std::nullopt);
    EXPECT_EQ(catalog::protocol_number("99999999999"), std::nullopt);
    EXPECT_EQ(catalog::flag_number("root"), std::nullopt);
    EXPECT_EQ(catalog::family_word(99), "99");
}

TEST(Words, Bits) {
    EXPECT_EQ(
        catalog::flags_text(WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_LEAF | WSA_FLAG_OVERLAPPED),
        "c_root, d_leaf");
    EXPECT_EQ(catalog::flags_text(0), "none");
    EXPECT_THAT(catalog::service_flag_words(XP1_CONNECT_DATA | 0x40000000U),
                ElementsAre("connect_data", "0x40000000"));
    EXPECT_THAT(catalog::provider_flag_words(PFL_HIDDEN), ElementsAre("hidden"));
    EXPECT_THAT(catalog::ability_words(JL_CAN_ASK), ElementsAre("ask"));
}

TEST(Words, CT_10_PlanesMeanSomethingOnlyWithMultipoint) {
    EXPECT_EQ(catalog::control_plane_word(XP1_MULTIPOINT_CONTROL_PLANE), "none");
    EXPECT_EQ(catalog::control_plane_word(XP1_SUPPORT_MULTIPOINT | XP1_MULTIPOINT_CONTROL_PLANE), "rooted");
    EXPECT_EQ(catalog::data_plane_word(XP1_SUPPORT_MULTIPOINT | XP1_MULTIPOINT_CONTROL_PLANE), "nonrooted");
}

} // namespace
} // namespace joinleaf::catalog_test
