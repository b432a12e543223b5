// SPDX-License-Identifier: Apache-2.0
//
// What WSAEnumProtocols and WSCEnumProtocols show (clauses CT-01 ... CT-17).
#include "tests/support/bad_memory.hpp"
#include "tests/support/transport.hpp"

#include <algorithm>
#include <fstream>
#include <set>

namespace joinleaf::test {
namespace {

class Catalog : public runtime_test {
  protected:
    static std::vector<WSAPROTOCOL_INFOW> every_entry() {
        DWORD length = 0;
        int error = 0;
        EXPECT_EQ(SOCKET_ERROR, WSCEnumProtocols(nullptr, nullptr, &length, &error));
        EXPECT_EQ(WSAENOBUFS, error);
        std::vector<WSAPROTOCOL_INFOW> entries(length / sizeof(WSAPROTOCOL_INFOW));
        EXPECT_EQ(static_cast<int>(entries.size()),
                  WSCEnumProtocols(nullptr, entries.data(), &length, &error));
        return entries;
    }
};

TEST_F(Catalog, CT_01_EntriesComeContiguousAndCounted) {
    const auto entries = catalog_entries();
    ASSERT_FALSE(entries.empty());
    auto length = static_cast<DWORD>((entries.size() + 3) * sizeof(WSAPROTOCOL_INFOA));
    std::vector<WSAPROTOCOL_INFOA> narrow(entries.size() + 3);
    ASSERT_EQ(static_cast<int>(entries.size()), WSAEnumProtocolsA(nullptr, narrow.data(), &length));
    for (std::size_t i = 0; i < entries.size(); ++i) {
        EXPECT_EQ(entries[i].dwCatalogEntryId, narrow[i].dwCatalogEntryId) << i;
        EXPECT_EQ(entries[i].dwServiceFlags1, narrow[i].dwServiceFlags1) << i;
        const std::string text = narrow[i].szProtocol;
        EXPECT_TRUE(std::equal(text.begin(), text.end(), entries[i].szProtocol)) << text;
        EXPECT_EQ(0, entries[i].szProtocol[text.size()]) << text;
    }
}

TEST_F(Catalog, CT_02_CT_03_TooLittleRoom_FailsWithNoBufsAndTellsTheBytes) {
    const auto count = static_cast<DWORD>(catalog_entries().size());
    DWORD length = 0;
    EXPECT_TRUE(refused(WSAEnumProtocolsA(nullptr, nullptr, &length), WSAENOBUFS));
    EXPECT_EQ(count * 372, length);
    length = 0;
    EXPECT_TRUE(refused(WSAEnumProtocolsW(nullptr, nullptr, &length), WSAENOBUFS));
    EXPECT_EQ(count * 628, length);
    std::vector<WSAPROTOCOL_INFOW> room(count);
    length = count * 628 - 1;
    EXPECT_TRUE(refused(WSAEnumProtocolsW(nullptr, room.data(), &length), WSAENOBUFS));
    EXPECT_EQ(count * 628, length);
}

TEST_F(Catalog, CT_04_AListOfProtocolsSelects) {
    auto entries = catalog_entries();
    auto length = static_cast<DWORD>(entries.size() * sizeof(WSAPROTOCOL_INFOW));
    int only_udp[] = {IPPROTO_UDP, 0};
    const int found = WSAEnumProtocolsW(only_udp, entries.data(), &length);
    ASSERT_GT(found, 0);
    for (int i = 0; i < found; ++i) {
        EXPECT_EQ(IPPROTO_UDP, entries[static_cast<std::size_t>(i)].iProtocol);
    }
    int none[] = {0};
    int unknown[] = {250, 0};
    EXPECT_EQ(0, WSAEnumProtocolsW(none, entries.data(), &length));
    EXPECT_EQ(0, WSAEnumProtocolsW(unknown, entries.data(), &length));
}

TEST_F(Catalog, CT_05_UnreadablePointers_FailWithFault) {
    const unreadable_memory nowhere;
    WSAPROTOCOL_INFOW one{};
    DWORD length = sizeof one;
    EXPECT_TRUE(refused(WSAEnumProtocolsW(nullptr, &one, nullptr), WSAEFAULT));
    EXPECT_TRUE(refused(WSAEnumProtocolsW(nullptr, &one, nowhere.as<DWORD>()), WSAEFAULT));
    EXPECT_TRUE(refused(WSAEnumProtocolsW(nowhere.as<int>(), &one, &length), WSAEFAULT));
    EXPECT_TRUE(refused(WSAEnumProtocolsA(nowhere.as<int>(), nullptr, &length), WSAEFAULT));
}

TEST_F(Catalog, CT_06_CT_07_HiddenAndLayeredEntriesAreLeftOut) {
    for (const auto& entry : catalog_entries()) {
        EXPECT_EQ(0U, entry.dwProviderFlags & PFL_HIDDEN);
        EXPECT_GE(entry.ProtocolChain.ChainLen, 1);
    }
    std::set<DWORD> all;
    for (const auto& entry : every_entry()) {
        all.insert(entry.dwCatalogEntryId);
    }
    for (const auto& entry : catalog_entries()) {
        EXPECT_TRUE(all.contains(entry.dwCatalogEntryId));
    }
}

TEST(CatalogWithoutStart, CT_08_WSCEnumProtocolsNeedsNoStart) {
    use_providers_of_this_build();
    DWORD length = 0;
    int error = 0;
    WSASetLastError(4711);
    EXPECT_EQ(SOCKET_ERROR, WSCEnumProtocols(nullptr, nullptr, &length, &error));
    EXPECT_EQ(WSAENOBUFS, error);
    EXPECT_EQ(4711, WSAGetLastError());
    ASSERT_GT(length, 0U);
    ASSERT_EQ(0U, length % sizeof(WSAPROTOCOL_INFOW));
    std::vector<WSAPROTOCOL_INFOW> entries(length / sizeof(WSAPROTOCOL_INFOW));
    EXPECT_EQ(static_cast<int>(entries.size()), WSCEnumProtocols(nullptr, entries.data(), &length, &error));
}

TEST(CatalogOrder, CT_09_CT_40_TheFileOrdersTheEntriesAndTheChoice) {
    const std::string two = "version: 1\nproviders:\n"
                            "  - {name: second, library: udp-mcast, options: {ttl: 2}}\n"
                            "  - {name: first, library: udp-mcast, options: {ttl: 1}}\n";
    ASSERT_TRUE(start_runtime(two));
    const auto entries = catalog_entries();
    ASSERT_GE(entries.size(), 2U);
    const owned_socket s(jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
    WSAPROTOCOL_INFOW chosen{};
    int length = sizeof chosen;
    ASSERT_TRUE(worked(jl_getsockopt(s.get(), SOL_SOCKET, SO_PROTOCOL_INFOW, &chosen, &length)));
    const auto first_fit = std::find_if(entries.begin(), entries.end(), [](const WSAPROTOCOL_INFOW& entry) {
        return entry.iAddressFamily == AF_INET && entry.iSocketType == SOCK_DGRAM;
    });
    ASSERT_NE(entries.end(), first_fit);
    EXPECT_EQ(first_fit->dwCatalogEntryId, chosen.dwCatalogEntryId);
    EXPECT_EQ(u's', chosen.szProtocol[0]) << "the name of the first entry in the file begins szProtocol";
    end_runtime();
}

TEST_F(Catalog, CT_10_CT_11_EveryCombinationOfPlanesIsAnEntryOfItsOwn) {
    std::set<std::pair<int, int>> combinations; // family, plan
    for (const auto& entry : catalog_entries()) {
        if ((entry.dwServiceFlags1 & XP1_SUPPORT_MULTIPOINT) == 0) {
            EXPECT_EQ(0U, entry.dwServiceFlags1 & (XP1_MULTIPOINT_CONTROL_PLANE | XP1_MULTIPOINT_DATA_PLANE));
            continue;
        }
        EXPECT_TRUE(combinations.emplace(entry.iAddressFamily, static_cast<int>(plan_of(entry))).second);
        if (plan_of(entry) != plan::nonrooted) { // rooted and nonrooted data over one protocol
            EXPECT_NE(0U, entry.dwProviderFlags & PFL_MULTIPLE_PROTO_ENTRIES);
        }
    }
    EXPECT_TRUE(combinations.contains({AF_INET, static_cast<int>(plan::nonrooted)}));
    EXPECT_TRUE(combinations.contains({AF_INET, static_cast<int>(plan::rooted)}));
    EXPECT_TRUE(combinations.contains({AF_INET, static_cast<int>(plan::relayed)}));
}

TEST_F(Catalog, CT_12_UdpMcastEntries) {
    constexpr DWORD set =
        XP1_CONNECTIONLESS | XP1_MESSAGE_ORIENTED | XP1_SUPPORT_BROADCAST | XP1_SUPPORT_MULTIPOINT;
    constexpr DWORD clear = XP1_MULTIPOINT_CONTROL_PLANE | XP1_MULTIPOINT_DATA_PLANE | XP1_CONNECT_DATA;
    int found = 0;
    for (const auto& entry : catalog_entries()) {
        if (plan_of(entry) == plan::nonrooted) {
            ++found;
            // IPv6 has no broadcast (IO-22).
            const DWORD wanted = entry.iAddressFamily == AF_INET6 ? set & ~XP1_SUPPORT_BROADCAST : set;
            EXPECT_EQ(wanted, entry.dwServiceFlags1 & wanted);
            EXPECT_EQ(0U, entry.dwServiceFlags1 & clear);
            EXPECT_EQ(SOCK_DGRAM, entry.iSocketType);
            EXPECT_EQ(IPPROTO_UDP, entry.iProtocol);
        }
    }
    EXPECT_GE(found, 1);
}

TEST_F(Catalog, CT_13_TcpRootEntries) {
    constexpr DWORD set = XP1_GUARANTEED_DELIVERY | XP1_GUARANTEED_ORDER | XP1_GRACEFUL_CLOSE |
                          XP1_CONNECT_DATA | XP1_SUPPORT_MULTIPOINT | XP1_MULTIPOINT_CONTROL_PLANE;
    int found = 0;
    for (const auto& entry : catalog_entries()) {
        if (plan_of(entry) == plan::rooted || plan_of(entry) == plan::relayed) {
            ++found;
            EXPECT_EQ(set, entry.dwServiceFlags1 & set);
            EXPECT_EQ(0U, entry.dwServiceFlags1 & XP1_CONNECTIONLESS);
        }
    }
    EXPECT_GE(found, 2);
}

TEST_F(Catalog, CT_14_CT_15_CT_16_FactsThatHoldForEveryEntry) {
    constexpr DWORD one_way = XP1_UNI_SEND | XP1_UNI_RECV;
    for (const auto& entry : catalog_entries()) {
        EXPECT_NE(one_way, entry.dwServiceFlags1 & one_way);
        EXPECT_EQ(0U, entry.dwServiceFlags1 & XP1_IFS_HANDLES);
        EXPECT_EQ(2, entry.iVersion);
        const auto exact =
            static_cast<int>(entry.iAddressFamily == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
        EXPECT_LE(entry.iMinSockAddr, exact);
        EXPECT_GE(entry.iMaxSockAddr, exact);
        EXPECT_EQ(BIGENDIAN, entry.iNetworkByteOrder);
        EXPECT_EQ(SECURITY_PROTOCOL_NONE, entry.iSecurityScheme);
        const auto* const end = std::end(entry.szProtocol);
        EXPECT_NE(end, std::find(std::begin(entry.szProtocol), end, u'\0'));
        EXPECT_NE(u'\0', entry.szProtocol[0]);
    }
}

TEST_F(Catalog, CT_17_EntryIdsAreUniqueAndStable) {
    std::vector<DWORD> before;
    for (const auto& entry : catalog_entries()) {
        before.push_back(entry.dwCatalogEntryId);
    }
    EXPECT_EQ(before.size(), std::set<DWORD>(before.begin(), before.end()).size());
    restart({});
    std::vector<DWORD> after;
    for (const auto& entry : catalog_entries()) {
        after.push_back(entry.dwCatalogEntryId);
    }
    EXPECT_EQ(before, after);
}

// CT-48: what cannot be loaded is named in the catalog, and hides nothing.
TEST(CatalogWithABrokenProvider, CT_48_TheOthersStayUsable) {
    const std::string junk = ::testing::TempDir() + "joinleaf-junk-" + std::to_string(::getpid()) + ".so";
    std::ofstream(junk) << "this is no library\n";
    ASSERT_TRUE(start_runtime("version: 1\nproviders:\n  - {name: broken, library: " + junk +
                              "}\n  - {name: lan, library: udp-mcast}\n"));
    const owned_socket s(jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
    EXPECT_TRUE(worked(s.get()));
    char* const json = jl_catalog_json();
    ASSERT_NE(nullptr, json);
    EXPECT_NE(std::string::npos, std::string(json).find("refused"));
    EXPECT_NE(std::string::npos, std::string(json).find(junk)) << json;
    jl_free(json);
    end_runtime();
    std::remove(junk.c_str());
}

TEST(CatalogWithABrokenProvider, CT_48_WithNothingElseToChoose_FailsWithProviderFailedInit) {
    const std::string junk = ::testing::TempDir() + "joinleaf-alone-" + std::to_string(::getpid()) + ".so";
    std::ofstream(junk) << "this is no library\n";
    ASSERT_TRUE(start_runtime("version: 1\nproviders:\n  - {name: broken, library: " + junk + "}\n"));
    EXPECT_TRUE(refused(jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP),
                        {WSAEPROVIDERFAILEDINIT, WSAESOCKTNOSUPPORT, WSAEAFNOSUPPORT, WSAENETDOWN}));
    EXPECT_EQ(0U, catalog_entries().size());
    end_runtime();
    std::remove(junk.c_str());
}

} // namespace
} // namespace joinleaf::test
