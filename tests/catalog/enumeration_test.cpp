// SPDX-License-Identifier: Apache-2.0
#include "catalog_fixture.hpp"

#include "runtime/catalog/enumeration.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <set>

namespace joinleaf::catalog_test {
namespace {

using catalog::listing_kind;
using testing::ElementsAre;
using testing::IsEmpty;

struct Enumeration : catalog_fixture {
    static std::vector<std::string> names(const std::vector<const catalog::entry*>& entries) {
        std::vector<std::string> made;
        made.reserve(entries.size());
        for (const auto* each : entries) {
            made.push_back(fmt::format("{}/{}", each->owner->name, each->protocol->name));
        }
        return made;
    }
};

TEST_F(Enumeration, CT_06_CT_09_VisibleEntriesInCatalogOrder) {
    EXPECT_THAT(names(catalog::listed(load(both).entries(), std::nullopt, listing_kind::visible)),
                ElementsAre("tree/rooted", "tree/relayed", "tree/ordinary", "lan/ipv4", "lan/ipv6"));
}

TEST_F(Enumeration, CT_06_HiddenEntriesAreInTheWholeListing) {
    EXPECT_THAT(
        names(catalog::listed(load(both).entries(), std::nullopt, listing_kind::all)),
        ElementsAre("tree/rooted", "tree/relayed", "tree/ordinary", "tree/hidden", "lan/ipv4", "lan/ipv6"));
}

TEST_F(Enumeration, CT_07_LoneLayersAreNotVisible) {
    const auto& made = load(both);
    std::vector<catalog::entry> entries(made.entries().begin(), made.entries().end());
    entries.front().info.ProtocolChain.ChainLen = LAYERED_PROTOCOL;
    EXPECT_EQ(catalog::listed(entries, std::nullopt, listing_kind::visible).size(), 4U);
    EXPECT_EQ(catalog::listed(entries, std::nullopt, listing_kind::all).size(), 6U);
}

TEST_F(Enumeration, CT_04_ListOfProtocols) {
    const auto& made = load(both);
    const std::array<int, 2> numbers{IPPROTO_UDP, 77};
    EXPECT_THAT(names(catalog::listed(made.entries(), numbers, listing_kind::visible)),
                ElementsAre("lan/ipv4", "lan/ipv6"));
    EXPECT_THAT(catalog::listed(made.entries(), std::span<const int>{}, listing_kind::visible), IsEmpty());
}

TEST_F(Enumeration, CT_03_SizesOfTheTwoForms) {
    const auto entries = catalog::listed(load(both).entries(), std::nullopt, listing_kind::visible);
    EXPECT_EQ(catalog::bytes_needed(entries.size(), sizeof(WSAPROTOCOL_INFOA)), 5U * 372U);
    EXPECT_EQ(catalog::bytes_needed(entries.size(), sizeof(WSAPROTOCOL_INFOW)), 5U * 628U);
    const auto narrow = catalog::infos_of<WSAPROTOCOL_INFOA>(entries);
    const auto wide = catalog::infos_of<WSAPROTOCOL_INFOW>(entries);
    ASSERT_EQ(narrow.size(), 5U);
    ASSERT_EQ(wide.size(), 5U);
    EXPECT_STREQ(narrow[3].szProtocol, "lan/ipv4 (moves no bytes)");
    EXPECT_EQ(std::u16string(wide[3].szProtocol), u"lan/ipv4 (moves no bytes)");
    EXPECT_EQ(narrow[3].dwCatalogEntryId, wide[3].dwCatalogEntryId);
}

TEST_F(Enumeration, CT_10_to_CT_16_FactsOfAnEntry) {
    const auto& made = load(both);
    const auto& info = made.entries().front().info;
    EXPECT_EQ(info.dwServiceFlags1, made.entries().front().protocol->service_flags);
    EXPECT_EQ(info.dwServiceFlags2 | info.dwServiceFlags3 | info.dwServiceFlags4 | info.dwProviderReserved,
              0U);
    EXPECT_EQ(info.dwProviderFlags, PFL_MULTIPLE_PROTO_ENTRIES);
    EXPECT_EQ(info.ProtocolChain.ChainLen, 1);
    EXPECT_EQ(info.iVersion, 2);
    EXPECT_EQ(info.iAddressFamily, AF_INET);
    EXPECT_EQ(info.iSocketType, SOCK_STREAM);
    EXPECT_EQ(info.iProtocol, IPPROTO_TCP);
    EXPECT_EQ(info.iMinSockAddr, 16);
    EXPECT_EQ(info.iMaxSockAddr, 16);
    EXPECT_EQ(info.iNetworkByteOrder, BIGENDIAN);
    EXPECT_EQ(info.iSecurityScheme, SECURITY_PROTOCOL_NONE);
    EXPECT_EQ(info.dwMessageSize, 0U);
    EXPECT_EQ(made.entries()[3].info.iProtocolMaxOffset, 5);
    EXPECT_EQ(made.entries()[3].info.dwMessageSize, 0xFFFFFFFFU);
}

TEST_F(Enumeration, CT_17_EntryIdsAreUniqueAndTheSameEveryTime) {
    std::vector<DWORD> first;
    for (const auto& each : load(both).entries()) {
        first.push_back(each.id);
        EXPECT_NE(each.id, 0U);
        EXPECT_EQ(each.id, each.info.dwCatalogEntryId);
        EXPECT_LE(each.id, 0x7FFFFFFFU);
    }
    EXPECT_EQ(std::set<DWORD>(first.begin(), first.end()).size(), first.size());
    const auto& again =
        load("providers:\n  - {name: lan, library: mcast}\n  - {name: tree, library: rooted}\n");
    EXPECT_EQ(again.entries()[0].id, first[4]);
    EXPECT_EQ(again.entries()[2].id, first[0]);
    EXPECT_EQ(again.find(first[4]), &again.entries()[0]);
    EXPECT_EQ(again.find(0), nullptr);
}

TEST_F(Enumeration, CT_29_WholeOrderOfIds) {
    const auto& made = load(both);
    std::vector<DWORD> ids;
    for (const auto& each : made.entries()) {
        ids.push_back(each.id);
    }
    std::ranges::reverse(ids);
    EXPECT_TRUE(catalog::is_whole_order(made.entries(), ids));
    auto twice = ids;
    twice[0] = twice[1];
    EXPECT_FALSE(catalog::is_whole_order(made.entries(), twice));
    auto unknown = ids;
    unknown[0] = 1;
    EXPECT_FALSE(catalog::is_whole_order(made.entries(), unknown));
    ids.pop_back();
    EXPECT_FALSE(catalog::is_whole_order(made.entries(), ids));
}

} // namespace
} // namespace joinleaf::catalog_test
