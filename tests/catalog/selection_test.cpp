// SPDX-License-Identifier: Apache-2.0
#include "catalog_fixture.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace joinleaf::catalog_test {
namespace {

using catalog::query;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr DWORD c_root = WSA_FLAG_MULTIPOINT_C_ROOT;
constexpr DWORD c_leaf = WSA_FLAG_MULTIPOINT_C_LEAF;
constexpr DWORD d_root = WSA_FLAG_MULTIPOINT_D_ROOT;
constexpr DWORD d_leaf = WSA_FLAG_MULTIPOINT_D_LEAF;

std::string name_of(const catalog::entry* which) {
    return which == nullptr ? "nothing" : fmt::format("{}/{}", which->owner->name, which->protocol->name);
}

struct Selection : catalog_fixture {
    // The chosen entry's name, or "nothing" with the code in last_error. The explanation decides the same.
    std::string chosen(const catalog::catalog& from, const query& asked) {
        const auto* which = from.choose(asked, last_error);
        const auto explained = from.explain(asked);
        EXPECT_EQ(explained.chosen, which);
        EXPECT_EQ(explained.error, last_error);
        const auto first = std::ranges::find(explained.candidates, true, &catalog::candidate::fits);
        EXPECT_EQ(first == explained.candidates.end() ? nullptr : first->which, which);
        return name_of(which);
    }
    int error(const catalog::catalog& from, const query& asked) {
        EXPECT_EQ(chosen(from, asked), "nothing");
        return last_error;
    }
    int last_error = -1;
};

TEST_F(Selection, CT_40_FirstMatchInCatalogOrder) {
    const auto& made = load("providers:\n  - {name: b, library: mcast}\n  - {name: a, library: mcast}\n");
    EXPECT_EQ(chosen(made, {AF_INET, SOCK_DGRAM, IPPROTO_UDP, 0}), "b/ipv4");
    EXPECT_EQ(last_error, 0);
}

TEST_F(Selection, CT_41_ZeroFamilyAndTypeAreWildcards) {
    const auto& made = load(both);
    EXPECT_EQ(chosen(made, {0, 0, IPPROTO_UDP, 0}), "lan/ipv4");
    EXPECT_EQ(chosen(made, {AF_INET6, 0, IPPROTO_UDP, 0}), "lan/ipv6");
    EXPECT_EQ(chosen(made, {0, SOCK_STREAM, IPPROTO_TCP, 0}), "tree/ordinary");
}

TEST_F(Selection, CT_41_ProtocolZero_OnlyEntriesThatAnswerToIt) {
    const auto& made = load(both);
    EXPECT_EQ(chosen(made, {AF_INET, SOCK_STREAM, 0, 0}), "tree/ordinary");
    EXPECT_EQ(chosen(made, {AF_INET, SOCK_DGRAM, 0, c_leaf | d_leaf}), "lan/ipv4");
    EXPECT_EQ(error(made, {AF_INET, SOCK_STREAM, 0, c_root | d_root}), WSAEINVAL);
    EXPECT_EQ(error(made, {AF_INET6, SOCK_RDM, 0, 0}), WSAEPROTONOSUPPORT);
}

TEST_F(Selection, CT_42_ProtocolRange) {
    const auto& made = load(both);
    EXPECT_EQ(chosen(made, {AF_INET6, SOCK_RDM, 200, 0}), "tree/hidden");
    EXPECT_EQ(chosen(made, {AF_INET6, SOCK_RDM, 205, 0}), "tree/hidden");
    EXPECT_EQ(error(made, {AF_INET6, SOCK_RDM, 206, 0}), WSAEPROTONOSUPPORT);
    EXPECT_EQ(error(made, {AF_INET6, SOCK_RDM, 199, 0}), WSAEPROTONOSUPPORT);
}

TEST_F(Selection, CT_46_UnknownType_WhateverTheFamily) {
    const auto& made = load(both);
    EXPECT_EQ(error(made, {AF_INET, SOCK_RAW, IPPROTO_UDP, 0}), WSAESOCKTNOSUPPORT);
    EXPECT_EQ(error(made, {12345, SOCK_RAW, IPPROTO_UDP, 0}), WSAESOCKTNOSUPPORT);
    EXPECT_EQ(error(made, {AF_INET, -1, IPPROTO_UDP, 0}), WSAESOCKTNOSUPPORT);
    EXPECT_EQ(error(made, {0, SOCK_RAW, 0, 0}), WSAESOCKTNOSUPPORT);
}

TEST_F(Selection, CT_46_KnownTypeUnknownFamily) {
    const auto& made = load(both);
    EXPECT_EQ(error(made, {12345, SOCK_DGRAM, IPPROTO_UDP, 0}), WSAEAFNOSUPPORT);
    EXPECT_EQ(error(made, {-1, 0, IPPROTO_UDP, 0}), WSAEAFNOSUPPORT);
}

TEST_F(Selection, CT_46_ProtocolUnknownOrOfAnotherType) {
    const auto& made = load(both);
    EXPECT_EQ(error(made, {AF_INET, SOCK_DGRAM, IPPROTO_TCP, 0}), WSAEPROTONOSUPPORT);
    EXPECT_EQ(error(made, {AF_INET, SOCK_STREAM, 250, 0}), WSAEPROTONOSUPPORT);
    EXPECT_EQ(error(made, {AF_INET6, SOCK_STREAM, IPPROTO_TCP, 0}), WSAEPROTONOSUPPORT);
    EXPECT_EQ(error(made, {AF_INET, SOCK_STREAM, -1, 0}), WSAEPROTONOSUPPORT);
}

TEST_F(Selection, CT_46_FamilyAndProtocolBothZero) {
    const auto& made = load(both);
    EXPECT_EQ(error(made, {0, 0, 0, 0}), WSAEINVAL);
    EXPECT_EQ(error(made, {0, SOCK_DGRAM, 0, 0}), WSAEINVAL);
    EXPECT_EQ(error(made, {0, SOCK_DGRAM, 0, c_leaf | d_leaf}), WSAEINVAL);
}

TEST_F(Selection, CT_49_EntriesThatCannotCarryTheFlags_AreSkipped) {
    const auto& made = load(both);
    EXPECT_EQ(chosen(made, {AF_INET, SOCK_STREAM, IPPROTO_TCP, c_root | d_root}), "tree/rooted");
    EXPECT_EQ(chosen(made, {AF_INET, SOCK_STREAM, IPPROTO_TCP, 0}), "tree/ordinary");
    EXPECT_EQ(chosen(made, {AF_INET, 0, IPPROTO_UDP, c_leaf | d_leaf}), "lan/ipv4");
    const auto& other = load("providers:\n"
                             "  - {name: narrow, library: rooted, match: {flags: [c_leaf, d_leaf]}}\n"
                             "  - {name: wide, library: rooted}\n");
    EXPECT_EQ(chosen(other, {AF_INET, SOCK_STREAM, IPPROTO_TCP, c_leaf | d_leaf}), "narrow/rooted");
    EXPECT_EQ(chosen(other, {AF_INET, SOCK_STREAM, IPPROTO_TCP, c_root | d_leaf}), "wide/rooted");
}

TEST_F(Selection, CT_49_OnlySuchEntriesMatch_IsInvalid) {
    const auto& made = load(both);
    EXPECT_EQ(error(made, {AF_INET, SOCK_DGRAM, IPPROTO_UDP, c_root | d_leaf}), WSAEINVAL);
    EXPECT_EQ(error(made, {AF_INET, SOCK_DGRAM, IPPROTO_UDP, c_leaf | d_root}), WSAEINVAL);
}

TEST_F(Selection, CT_50_SearchGoesOnBehindAnEntry) {
    const auto& made = load("providers:\n  - {name: a, library: mcast}\n  - {name: b, library: mcast}\n");
    const query asked{AF_INET, SOCK_DGRAM, IPPROTO_UDP, 0};
    const auto* first = made.choose(asked, last_error);
    const auto* second = made.choose(asked, last_error, first);
    EXPECT_EQ(name_of(second), "b/ipv4");
    EXPECT_EQ(made.choose(asked, last_error, second), nullptr);
}

TEST_F(Selection, CT_61_to_CT_67_FlagsOfAnEntryByItsPlanes) {
    const auto& made = load(both);
    const auto allowed = [&made](const std::string& name, DWORD flags) {
        const auto found =
            std::ranges::find(made.entries(), name, [](const auto& each) { return name_of(&each); });
        return catalog::check_flags(*found, flags);
    };
    for (const DWORD control : {c_root, c_leaf}) {
        for (const DWORD data : {d_root, d_leaf}) {
            EXPECT_EQ(allowed("tree/rooted", control | data), 0) << control << ' ' << data; // CT-66
        }
    }
    EXPECT_EQ(allowed("tree/relayed", c_root | d_leaf), 0);
    EXPECT_EQ(allowed("tree/relayed", c_leaf | d_root), WSAEINVAL);  // CT-63
    EXPECT_EQ(allowed("lan/ipv4", c_leaf | d_leaf), 0);              // CT-62, CT-64
    EXPECT_EQ(allowed("lan/ipv4", c_root | d_leaf), WSAEINVAL);      // CT-61
    EXPECT_EQ(allowed("tree/ordinary", c_leaf | d_leaf), WSAEINVAL); // CT-67
    EXPECT_EQ(allowed("lan/ipv4", 0), 0);                            // CT-69
    EXPECT_EQ(allowed("tree/rooted", 0), WSAEINVAL);
}

TEST_F(Selection, CT_65_CT_68_UnlawfulFlags) {
    const auto& made = load(both);
    for (const DWORD flags :
         {c_root | c_leaf | d_leaf, c_root | d_root | d_leaf, c_root, c_leaf, d_root, d_leaf, c_root | c_leaf,
          DWORD{0x20}, DWORD{0x100}, c_root | d_root | 0x80000000U}) {
        EXPECT_EQ(error(made, {AF_INET, SOCK_STREAM, IPPROTO_TCP, flags}), WSAEINVAL) << flags;
    }
    constexpr DWORD others =
        WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT | WSA_FLAG_ACCESS_SYSTEM_SECURITY;
    EXPECT_EQ(chosen(made, {AF_INET, SOCK_STREAM, IPPROTO_TCP, c_root | d_root | others}), "tree/rooted");
}

TEST_F(Selection, CT_69_NoFlags_OnlyEntriesThatServeOrdinarySockets) {
    const auto& made = load("providers:\n  - {name: tree, library: rooted, match: {protocol: tcp}}\n");
    EXPECT_EQ(chosen(made, {AF_INET, SOCK_STREAM, IPPROTO_TCP, 0}), "tree/ordinary");
}

TEST_F(Selection, CT_48_OnlyARefusedProviderWouldFit) {
    const auto& made =
        load("providers:\n  - {name: gone, library: no-device}\n  - {name: lan, library: mcast}\n");
    EXPECT_EQ(error(made, {AF_INET, SOCK_STREAM, IPPROTO_TCP, c_root | d_root}), WSAEPROVIDERFAILEDINIT);
    EXPECT_EQ(error(made, {AF_INET, SOCK_DGRAM, IPPROTO_TCP, 0}), WSAEPROTONOSUPPORT);
    EXPECT_EQ(chosen(made, {AF_INET, SOCK_DGRAM, IPPROTO_UDP, 0}), "lan/ipv4");
}

TEST_F(Selection, CT_48_NothingButRefusedProviders) {
    const query asked{AF_INET, SOCK_DGRAM, IPPROTO_UDP, 0};
    EXPECT_EQ(error(load("providers:\n  - {name: a, library: text}\n"), asked), WSAEPROVIDERFAILEDINIT);
    EXPECT_EQ(error(load("providers:\n  - {name: a, library: abi}\n"), asked), WSAEINVALIDPROVIDER);
    EXPECT_EQ(error(load("providers:\n  - {name: a, library: null-op}\n"), asked), WSAEINVALIDPROCTABLE);
}

TEST_F(Selection, Match_TakesEntriesAway) {
    const auto& made = load("providers:\n  - {name: lan, library: mcast, match: {family: inet6}}\n");
    EXPECT_EQ(made.entries().size(), 1U);
    EXPECT_EQ(error(made, {AF_INET, SOCK_DGRAM, IPPROTO_UDP, 0}), WSAEAFNOSUPPORT);
    EXPECT_EQ(load("providers:\n  - {name: lan, library: mcast, match: {family: any}}\n").entries().size(),
              2U);
    EXPECT_EQ(
        load("providers:\n  - {name: t, library: rooted, match: {type: [rdm, raw]}}\n").entries().size(), 1U);
    EXPECT_EQ(load("providers:\n  - {name: t, library: rooted, match: {protocol: udp}}\n").entries().size(),
              0U);
}

TEST_F(Selection, Match_NarrowsAProtocolRange) {
    const auto& made = load("providers:\n  - {name: t, library: rooted, match: {protocol: [202]}}\n");
    EXPECT_EQ(chosen(made, {AF_INET6, SOCK_RDM, 202, 0}), "t/hidden");
    EXPECT_EQ(error(made, {AF_INET6, SOCK_RDM, 200, 0}), WSAEPROTONOSUPPORT);
}

TEST_F(Selection, Match_NarrowsTheFlags) {
    const auto& made = load("providers:\n  - {name: t, library: rooted, match: {flags: [c_leaf, d_leaf]}}\n");
    EXPECT_EQ(made.entries()[0].offered_flags, c_leaf | d_leaf);
    EXPECT_EQ(catalog::check_flags(made.entries()[0], c_leaf | d_leaf), 0);
    EXPECT_EQ(catalog::check_flags(made.entries()[0], c_root | d_root), WSAEINVAL);
    EXPECT_EQ(chosen(made, {AF_INET, SOCK_STREAM, IPPROTO_TCP, 0}), "t/ordinary");
}

struct Explanation : Selection {
    static std::string line(const catalog::candidate& each) {
        return fmt::format("{} {} {}|{}|{}|{}", each.owner->name, each.entry_name, each.condition, each.asked,
                           each.offered, each.where);
    }
    static std::vector<std::string> lines(const catalog::decision& made) {
        std::vector<std::string> texts;
        for (const auto& each : made.candidates) {
            texts.push_back(line(each));
        }
        return texts;
    }
};

TEST_F(Explanation, EachCandidate_GivesItsFirstFailingConditionInOrder) {
    const auto& made = load(both);
    EXPECT_THAT(lines(made.explain({AF_INET6, SOCK_STREAM, IPPROTO_TCP, c_leaf | d_leaf})),
                ElementsAre("tree rooted family|inet6|inet|/etc/test.yaml:3:5",
                            "tree relayed family|inet6|inet|/etc/test.yaml:3:5",
                            "tree ordinary family|inet6|inet|/etc/test.yaml:3:5",
                            "tree hidden type|stream|rdm|/etc/test.yaml:3:5",
                            "lan ipv4 type|stream|dgram|/etc/test.yaml:4:5",
                            "lan ipv6 type|stream|dgram|/etc/test.yaml:4:5"));
}

TEST_F(Explanation, ProtocolFlagsAndRole) {
    const auto& made = load(both);
    EXPECT_THAT(lines(made.explain({AF_INET, SOCK_STREAM, IPPROTO_TCP, 0}))[0],
                HasSubstr("role|an ordinary socket (no multipoint flags)|multipoint sockets only|"));
    EXPECT_THAT(lines(made.explain({AF_INET, SOCK_STREAM, IPPROTO_TCP, c_root | d_root}))[1],
                HasSubstr("flags|c_root, d_root|c_root, c_leaf, d_leaf|"));
    EXPECT_THAT(lines(made.explain({AF_INET6, SOCK_RDM, 7, 0}))[3], HasSubstr("protocol|7|200 to 205|"));
    EXPECT_THAT(lines(made.explain({AF_INET, SOCK_DGRAM, IPPROTO_TCP, 0}))[4],
                HasSubstr("protocol|tcp|udp or 0|"));
    EXPECT_THAT(lines(made.explain({AF_INET, SOCK_STREAM, IPPROTO_TCP, c_root}))[0],
                HasSubstr("flags|c_root|none, or one of c_root, c_leaf with one of d_root, d_leaf|"));
    EXPECT_THAT(lines(made.explain({AF_INET, SOCK_STREAM, IPPROTO_TCP, 0x20}))[0],
                HasSubstr("flags|none with the unknown bits 0x20|"));
}

TEST_F(Explanation, Match_IsNamedWithItsPlace) {
    const auto& made = load("providers:\n"
                            "  - name: lan\n"
                            "    library: mcast\n"
                            "    match: {family: inet6, flags: [c_leaf, d_leaf]}\n");
    const auto explained = made.explain({AF_INET, SOCK_DGRAM, IPPROTO_UDP, 0});
    const auto match = made.providers()[0].match.where.text();
    EXPECT_EQ(line(explained.candidates[0]),
              "lan ipv4 match.family|inet|inet6 (the provider itself: inet)|" + match);
    EXPECT_EQ(explained.candidates[0].which, nullptr);
    EXPECT_EQ(match, "/etc/test.yaml:5:12");
}

TEST_F(Explanation, RefusedAndDisabled_AppearWithTheirReason) {
    const auto& made = load("providers:\n"
                            "  - {name: bad, library: abi}\n"
                            "  - {name: off, library: mcast, enabled: false}\n");
    const auto explained = made.explain({AF_INET, SOCK_DGRAM, IPPROTO_UDP, 0});
    ASSERT_EQ(explained.candidates.size(), 2U);
    EXPECT_EQ(explained.candidates[0].condition, "state");
    EXPECT_EQ(explained.candidates[0].offered, "refused: " + made.providers()[0].reason);
    EXPECT_EQ(explained.candidates[0].where, "/etc/test.yaml:3:5");
    EXPECT_EQ(explained.candidates[1].offered, "disabled");
    EXPECT_EQ(explained.candidates[1].where, made.providers()[1].disabled_where.text());
    EXPECT_THAT(explained.candidates[1].where, HasSubstr("/etc/test.yaml:4:"));
}

TEST_F(Explanation, NothingFits_TheSentenceHasOneLineForEachCandidate) {
    const auto& made = load("providers:\n  - {name: bad, library: abi}\n  - {name: lan, library: mcast}\n");
    const auto sentence = made.explain({AF_INET, SOCK_DGRAM, IPPROTO_UDP, c_root | d_leaf}).sentence;
    EXPECT_EQ(std::ranges::count(sentence, '\n'), 3);
    EXPECT_THAT(
        sentence,
        HasSubstr("nothing fits family inet, type dgram, protocol udp, flags c_root, d_leaf (WSAEINVAL):"));
    EXPECT_THAT(sentence, HasSubstr("\n  bad: refused: " + plugin("abi")));
    EXPECT_THAT(sentence, HasSubstr("\n  lan/ipv4: flags: asked c_root, d_leaf, offered c_leaf, d_leaf "
                                    "(/etc/test.yaml:4:5)"));
    EXPECT_THAT(sentence, HasSubstr("\n  lan/ipv6: family: asked inet, offered inet6 (/etc/test.yaml:4:5)"));
}

TEST_F(Explanation, SomethingFits_TheSentenceNamesIt) {
    const auto explained = load(both).explain({AF_INET, SOCK_DGRAM, 0, 0});
    EXPECT_EQ(explained.sentence,
              "lan/ipv4 fits family inet, type dgram, protocol 0 (the default), flags none");
}

TEST_F(Explanation, TwoItemsOfOneLibrary_HaveTheirOwnEntries) {
    const auto& made = load("providers:\n  - {name: a, library: mcast}\n  - {name: b, library: mcast}\n");
    const auto explained = made.explain({AF_INET6, SOCK_DGRAM, IPPROTO_UDP, 0});
    ASSERT_EQ(explained.candidates.size(), 4U);
    EXPECT_EQ(name_of(explained.candidates[1].which), "a/ipv6");
    EXPECT_EQ(name_of(explained.candidates[3].which), "b/ipv6");
    EXPECT_TRUE(explained.candidates[3].fits);
}

TEST_F(Explanation, EnvironmentVariable_IsNamedAsThePlace) {
    auto configuration = configuration_of("version: 1\nproviders:\n  - {name: lan, library: mcast}\n");
    configuration.providers[0].enabled = false;
    configuration.providers[0].enabled_where = {"JOINLEAF_PROVIDERS", 1, 2};
    const catalog::catalog made{configuration, test_host()};
    const auto explained = made.explain({AF_INET, SOCK_DGRAM, IPPROTO_UDP, 0});
    EXPECT_EQ(explained.candidates[0].where, "JOINLEAF_PROVIDERS:1:2");
}

} // namespace
} // namespace joinleaf::catalog_test
