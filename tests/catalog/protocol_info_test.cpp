// SPDX-License-Identifier: Apache-2.0
#include "runtime/catalog/protocol_info.hpp"
#include "runtime/catalog/utf16.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace joinleaf::catalog_test {
namespace {

WSAPROTOCOL_INFOW info_named(const std::string& label) {
    return catalog::make_info(jl_protocol{}, catalog::provider_guid("p"), label);
}

TEST(ProtocolInfo, ProviderIdIsMadeOfTheName) {
    const auto one = catalog::provider_guid("lan");
    const auto again = catalog::provider_guid("lan");
    const auto other = catalog::provider_guid("tree");
    EXPECT_EQ(std::memcmp(&one, &again, sizeof one), 0);
    EXPECT_NE(std::memcmp(&one, &other, sizeof one), 0);
    EXPECT_EQ(one.Data3 >> 12, 5);          // version: name-based, SHA-1
    EXPECT_EQ(one.Data4[0] & 0xC0U, 0x80U); // variant of RFC 4122
}

TEST(ProtocolInfo, CT_17_IdsStayInTheirSpace) {
    EXPECT_EQ(catalog::wanted_id("lan", "ipv4"), catalog::wanted_id("lan", "ipv4"));
    EXPECT_NE(catalog::wanted_id("lan", "ipv4"), catalog::wanted_id("lan", "ipv6"));
    EXPECT_NE(catalog::wanted_id("la", "n"), catalog::wanted_id("l", "an"));
    EXPECT_EQ(catalog::next_id(5), 6U);
    EXPECT_EQ(catalog::next_id(0x7FFFFFFF), 1U);
}

TEST(ProtocolInfo, CT_16_LongNamesEndWithinTheFieldAndBetweenCharacters) {
    const auto plain = info_named(std::string(300, 'x'));
    EXPECT_EQ(std::u16string(plain.szProtocol).size(), 255U);
    const auto pair = info_named(std::string(254, 'x') + "\xF0\x9F\x8C\xB3"); // U+1F333 takes two units
    EXPECT_EQ(std::u16string(pair.szProtocol), std::u16string(254, u'x'));
    const auto narrow = catalog::to_narrow(info_named(std::string(254, 'x') + "\xC3\xA9"));
    EXPECT_EQ(std::string(narrow.szProtocol), std::string(254, 'x'));
}

TEST(ProtocolInfo, NarrowAndWideFormsAreTheSameEntry) {
    auto wide = info_named("gr\xC3\xBC\xC3\x9F \xF0\x9F\x8C\xB3");
    wide.dwCatalogEntryId = 77;
    wide.ProtocolChain.ChainEntries[0] = 77;
    const auto narrow = catalog::to_narrow(wide);
    EXPECT_STREQ(narrow.szProtocol, "gr\xC3\xBC\xC3\x9F \xF0\x9F\x8C\xB3");
    EXPECT_EQ(narrow.dwCatalogEntryId, 77U);
    EXPECT_EQ(narrow.iVersion, 2);
    const auto back = catalog::to_wide(narrow);
    EXPECT_EQ(std::memcmp(&back, &wide, sizeof wide), 0);
}

TEST(ProtocolInfo, UnterminatedNameIsReadWithinItsField) {
    WSAPROTOCOL_INFOA narrow{};
    std::memset(narrow.szProtocol, 'y', sizeof narrow.szProtocol);
    EXPECT_EQ(std::u16string(catalog::to_wide(narrow).szProtocol), std::u16string(255, u'y'));
}

TEST(Utf16, WrongBytesBecomeReplacements) {
    EXPECT_EQ(catalog::to_utf16("a\xFF"
                                "b"),
              u"a\uFFFDb");
    EXPECT_EQ(catalog::to_utf16("\xC3"), u"\uFFFD");
    EXPECT_EQ(catalog::to_utf16("\xC0\x80"), u"\uFFFD\uFFFD");           // overlong
    EXPECT_EQ(catalog::to_utf16("\xED\xA0\x80").front(), u'\uFFFD');     // surrogate
    EXPECT_EQ(catalog::to_utf16("\xF4\x90\x80\x80").front(), u'\uFFFD'); // above the last plane
    const char16_t lone[] = {0xD800, u'x'};
    EXPECT_EQ(catalog::to_utf8({lone, 2}), "\xEF\xBF\xBDx");
    const char16_t late[] = {0xDC00};
    EXPECT_EQ(catalog::to_utf8({late, 1}), "\xEF\xBF\xBD");
}

TEST(Utf16, EveryPlaneAndBack) {
    const std::string text = "A\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF";
    EXPECT_EQ(catalog::to_utf8(catalog::to_utf16(text)), text);
}

} // namespace
} // namespace joinleaf::catalog_test
