// SPDX-License-Identifier: Apache-2.0
//
// Listing the catalog, and the calls that would change it, through the public API alone.
#include <joinleaf/ext.h>

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr const char* configuration = "version: 1\n"
                                      "providers:\n"
                                      "  - {name: tree, library: rooted}\n"
                                      "  - {name: lan, library: mcast}\n";
constexpr DWORD sentinel = 0x5A5A5A5A;

// A page that can be neither read nor written.
class forbidden_page {
  public:
    forbidden_page() : start_(::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {}
    forbidden_page(const forbidden_page&) = delete;
    forbidden_page& operator=(const forbidden_page&) = delete;
    ~forbidden_page() { ::munmap(start_, 4096); }
    template <class T> T* as() const { return static_cast<T*>(start_); }

  private:
    void* start_;
};

struct Unstarted : testing::Test {
    Unstarted() { ::setenv("JOINLEAF_PROVIDER_PATH", CATALOG_PLUGIN_FOLDER, 1); }
    ~Unstarted() override { ::unsetenv("JOINLEAF_PROVIDER_PATH"); }
};

struct Started : Unstarted {
    void SetUp() override {
        ASSERT_EQ(jl_start_text(configuration, "/etc/test.yaml"), 0);
        WSASetLastError(0);
    }
    void TearDown() override { EXPECT_EQ(WSACleanup(), 0); }

    static std::vector<WSAPROTOCOL_INFOW> all() {
        DWORD length = 100 * sizeof(WSAPROTOCOL_INFOW);
        std::vector<WSAPROTOCOL_INFOW> infos(100);
        INT error = 0;
        const int count = WSCEnumProtocols(nullptr, infos.data(), &length, &error);
        infos.resize(static_cast<std::size_t>(count < 0 ? 0 : count));
        return infos;
    }

    static WSAPROTOCOL_INFOW base_info() {
        WSAPROTOCOL_INFOW info{};
        info.ProtocolChain.ChainLen = BASE_PROTOCOL;
        info.iAddressFamily = AF_INET;
        info.iSocketType = SOCK_DGRAM;
        info.iProtocol = IPPROTO_UDP;
        return info;
    }

    forbidden_page forbidden;
};

TEST_F(Unstarted, ST_02_WSAEnumProtocols_NeedsAStart) {
    DWORD length = 0;
    EXPECT_EQ(WSAEnumProtocolsW(nullptr, nullptr, &length), SOCKET_ERROR);
    EXPECT_EQ(WSAGetLastError(), WSANOTINITIALISED);
}

TEST_F(Started, CT_02_CT_03_TooLittleRoom_TellsTheBytesNeeded) {
    DWORD length = 0;
    EXPECT_EQ(WSAEnumProtocolsA(nullptr, nullptr, &length), SOCKET_ERROR);
    EXPECT_EQ(WSAGetLastError(), WSAENOBUFS);
    EXPECT_EQ(length, 5U * 372U);
    length = 5 * 628 - 1;
    std::vector<WSAPROTOCOL_INFOW> infos(5);
    EXPECT_EQ(WSAEnumProtocolsW(nullptr, infos.data(), &length), SOCKET_ERROR);
    EXPECT_EQ(WSAGetLastError(), WSAENOBUFS);
    EXPECT_EQ(length, 5U * 628U);
}

TEST_F(Started, CT_01_EnoughRoom_GivesTheEntriesInOrderAndNothingMore) {
    std::vector<WSAPROTOCOL_INFOA> infos(6);
    infos[5].dwCatalogEntryId = sentinel;
    auto length = static_cast<DWORD>(5 * sizeof(WSAPROTOCOL_INFOA));
    ASSERT_EQ(WSAEnumProtocolsA(nullptr, infos.data(), &length), 5);
    EXPECT_STREQ(infos[0].szProtocol, "tree/rooted (moves no bytes)");
    EXPECT_STREQ(infos[4].szProtocol, "lan/ipv6 (moves no bytes)");
    EXPECT_EQ(infos[5].dwCatalogEntryId, sentinel);
    std::vector<WSAPROTOCOL_INFOW> wide(5);
    length = static_cast<DWORD>(5 * sizeof(WSAPROTOCOL_INFOW));
    ASSERT_EQ(WSAEnumProtocolsW(nullptr, wide.data(), &length), 5);
    EXPECT_EQ(wide[0].dwCatalogEntryId, infos[0].dwCatalogEntryId);
    EXPECT_EQ(std::u16string(wide[0].szProtocol), u"tree/rooted (moves no bytes)");
}

TEST_F(Started, CT_04_ListOfProtocols_KeepsOnlyThose) {
    std::vector<WSAPROTOCOL_INFOW> infos(6);
    auto length = static_cast<DWORD>(6 * sizeof(WSAPROTOCOL_INFOW));
    INT udp[] = {IPPROTO_UDP, 0};
    ASSERT_EQ(WSAEnumProtocolsW(udp, infos.data(), &length), 2);
    EXPECT_EQ(infos[1].iAddressFamily, AF_INET6);
    INT none[] = {0};
    EXPECT_EQ(WSAEnumProtocolsW(none, infos.data(), &length), 0);
    INT unmatched[] = {99, 0};
    length = 0;
    EXPECT_EQ(WSAEnumProtocolsW(unmatched, nullptr, &length), 0);
}

TEST_F(Started, CT_05_UnreadablePointers_AreFaults) {
    std::vector<WSAPROTOCOL_INFOW> infos(6);
    auto length = static_cast<DWORD>(6 * sizeof(WSAPROTOCOL_INFOW));
    EXPECT_EQ(WSAEnumProtocolsW(nullptr, infos.data(), nullptr), SOCKET_ERROR);
    EXPECT_EQ(WSAGetLastError(), WSAEFAULT);
    EXPECT_EQ(WSAEnumProtocolsW(nullptr, infos.data(), forbidden.as<DWORD>()), SOCKET_ERROR);
    EXPECT_EQ(WSAGetLastError(), WSAEFAULT);
    EXPECT_EQ(WSAEnumProtocolsW(forbidden.as<INT>(), infos.data(), &length), SOCKET_ERROR);
    EXPECT_EQ(WSAGetLastError(), WSAEFAULT);
    EXPECT_EQ(WSAEnumProtocolsW(nullptr, forbidden.as<WSAPROTOCOL_INFOW>(), &length), SOCKET_ERROR);
    EXPECT_EQ(WSAGetLastError(), WSAEFAULT);
}

TEST_F(Started, CT_06_CT_08_WSCEnumProtocols_ShowsTheHiddenAndKeepsTheLastError) {
    DWORD length = 0;
    INT error = 0;
    EXPECT_EQ(WSCEnumProtocols(nullptr, nullptr, &length, &error), SOCKET_ERROR);
    EXPECT_EQ(error, WSAENOBUFS);
    EXPECT_EQ(length, 6U * 628U);
    EXPECT_EQ(WSAGetLastError(), 0);
    ASSERT_EQ(all().size(), 6U);
    EXPECT_EQ(all()[3].dwProviderFlags, PFL_HIDDEN);
    EXPECT_EQ(WSCEnumProtocols(nullptr, nullptr, nullptr, &error), SOCKET_ERROR);
    EXPECT_EQ(error, WSAEFAULT);
}

TEST_F(Unstarted, CT_08_WSCEnumProtocols_NeedsNoStart) {
    ::setenv("JOINLEAF_CONFIG", "/nowhere/joinleaf.yaml", 1);
    DWORD length = 0;
    INT error = 0;
    EXPECT_EQ(WSCEnumProtocols(nullptr, nullptr, &length, &error), SOCKET_ERROR);
    EXPECT_EQ(error, WSASYSNOTREADY); // there is no configuration to read
    std::string file = testing::TempDir() + "joinleaf-enumerate-" + std::to_string(::getpid()) + ".yaml";
    FILE* out = std::fopen(file.c_str(), "w");
    ASSERT_NE(out, nullptr);
    std::fputs(configuration, out);
    std::fclose(out);
    ::setenv("JOINLEAF_CONFIG", file.c_str(), 1);
    EXPECT_EQ(WSCEnumProtocols(nullptr, nullptr, &length, &error), SOCKET_ERROR);
    EXPECT_EQ(error, WSAENOBUFS);
    EXPECT_EQ(length, 6U * 628U);
    EXPECT_EQ(WSACleanup(), SOCKET_ERROR); // the call has taken its own start back
    ::unlink(file.c_str());
    ::unsetenv("JOINLEAF_CONFIG");
}

TEST_F(Started, ProviderPath_ByProviderId) {
    auto infos = all();
    ASSERT_EQ(infos.size(), 6U);
    WCHAR path[300]{};
    INT length = 300;
    INT error = 0;
    ASSERT_EQ(WSCGetProviderPath(&infos[0].ProviderId, path, &length, &error), 0);
    const std::string expected = CATALOG_PLUGIN_FOLDER "/joinleaf-rooted.so";
    EXPECT_EQ(std::u16string(path), std::u16string(expected.begin(), expected.end()));
    EXPECT_EQ(length, static_cast<INT>(expected.size()) + 1);
    length = 3;
    EXPECT_EQ(WSCGetProviderPath(&infos[0].ProviderId, path, &length, &error), SOCKET_ERROR);
    EXPECT_EQ(error, WSAEFAULT);
    EXPECT_EQ(length, static_cast<INT>(expected.size()) + 1);
    GUID unknown{};
    EXPECT_EQ(WSCGetProviderPath(&unknown, path, &length, &error), SOCKET_ERROR);
    EXPECT_EQ(error, WSAEINVAL);
    EXPECT_EQ(WSCGetProviderPath(nullptr, path, &length, &error), SOCKET_ERROR);
    EXPECT_EQ(error, WSAEFAULT);
    EXPECT_EQ(WSCGetProviderPath(&infos[0].ProviderId, nullptr, &length, &error), SOCKET_ERROR);
    EXPECT_EQ(error, WSAEFAULT);
}

TEST_F(Started, CT_22_CT_23_CT_24_WSCInstallProvider_ChecksThenNeedsAFolderForDropIns) {
    GUID id{};
    const WCHAR path[] = u"/usr/lib/x.so";
    const std::u16string long_path(260, u'x');
    WSAPROTOCOL_INFOW info = base_info();
    const auto install = [](GUID* guid, const WCHAR* file, const WSAPROTOCOL_INFOW* infos, DWORD count) {
        INT error = 0;
        EXPECT_EQ(WSCInstallProvider(guid, file, infos, count, &error), SOCKET_ERROR);
        return error;
    };
    EXPECT_EQ(install(nullptr, path, &info, 1), WSAEFAULT);
    EXPECT_EQ(install(&id, nullptr, &info, 1), WSAEFAULT);
    EXPECT_EQ(install(&id, path, nullptr, 1), WSAEFAULT);
    EXPECT_EQ(install(&id, path, forbidden.as<WSAPROTOCOL_INFOW>(), 1), WSAEFAULT);
    EXPECT_EQ(install(&id, path, &info, 0), WSAEINVAL);
    EXPECT_EQ(install(&id, u"", &info, 1), WSAEINVAL);
    EXPECT_EQ(install(&id, long_path.c_str(), &info, 1), WSAEINVAL);
    EXPECT_EQ(install(&id, path, &info, 1), WSANO_RECOVERY);
    EXPECT_GT(jl_last_explanation(nullptr, 0), 0U);
    EXPECT_EQ(all().size(), 6U);
    EXPECT_EQ(WSCInstallProvider(&id, path, &info, 1, nullptr), SOCKET_ERROR);
    EXPECT_EQ(WSAGetLastError(), WSAEFAULT);
}

TEST_F(Started, CT_27_WSCInstallProviderAndChains_ChecksThenSaysThatThereAreNoLayers) {
    GUID id{};
    WCHAR path[] = u"/usr/lib/x.so";
    WCHAR layer[] = u"layer";
    WSAPROTOCOL_INFOW info = all().at(0);
    DWORD entry = 0;
    auto known = all().at(0).ProviderId;
    const auto install = [&](GUID* guid, WCHAR* file, WSAPROTOCOL_INFOW* infos, DWORD count, DWORD* made) {
        INT error = 0;
        EXPECT_EQ(WSCInstallProviderAndChains(guid, file, layer, 0, infos, count, made, &error), SOCKET_ERROR);
        return error;
    };
    EXPECT_EQ(install(nullptr, path, &info, 1, &entry), WSAEFAULT);
    EXPECT_EQ(install(&id, nullptr, &info, 1, &entry), WSAEFAULT);
    EXPECT_EQ(install(&id, path, &info, 1, nullptr), WSAEFAULT);
    EXPECT_EQ(install(&id, path, &info, 0, &entry), WSAEINVAL);
    EXPECT_EQ(install(&known, path, &info, 1, &entry), WSAEINVAL);
    auto other = info;
    other.iProtocol = 99; // no base entry has it
    EXPECT_EQ(install(&id, path, &other, 1, &entry), WSAEINVAL);
    EXPECT_EQ(install(&id, path, &info, 1, &entry), WSANO_RECOVERY);
    EXPECT_EQ(install(&id, path, nullptr, 0, &entry), WSANO_RECOVERY);
}

TEST_F(Started, CT_28_WSCDeinstallProvider) {
    GUID unknown{};
    auto known = all().at(0).ProviderId;
    INT error = 0;
    EXPECT_EQ(WSCDeinstallProvider(nullptr, &error), SOCKET_ERROR);
    EXPECT_EQ(error, WSAEFAULT);
    EXPECT_EQ(WSCDeinstallProvider(&unknown, &error), SOCKET_ERROR);
    EXPECT_EQ(error, WSAEINVAL);
    EXPECT_EQ(WSCDeinstallProvider(&known, &error), SOCKET_ERROR);
    EXPECT_EQ(error, WSANO_RECOVERY);
    EXPECT_EQ(WSCDeinstallProvider(&known, nullptr), SOCKET_ERROR);
    EXPECT_EQ(WSAGetLastError(), WSAEFAULT);
}

TEST_F(Started, CT_29_WSCWriteProviderOrder_WantsEveryIdOnce) {
    std::vector<DWORD> ids;
    for (const auto& each : all()) {
        ids.push_back(each.dwCatalogEntryId);
    }
    const auto count = static_cast<DWORD>(ids.size());
    EXPECT_EQ(WSCWriteProviderOrder(nullptr, count), WSAEFAULT);
    EXPECT_EQ(WSCWriteProviderOrder(forbidden.as<DWORD>(), count), WSAEFAULT);
    EXPECT_EQ(WSCWriteProviderOrder(ids.data(), count - 1), WSAEINVAL);
    EXPECT_EQ(WSCWriteProviderOrder(ids.data(), count), WSANO_RECOVERY);
    std::swap(ids[0], ids[1]);
    EXPECT_EQ(WSCWriteProviderOrder(ids.data(), count), WSANO_RECOVERY);
    ids[0] = ids[1];
    EXPECT_EQ(WSCWriteProviderOrder(ids.data(), count), WSAEINVAL);
}

TEST_F(Started, WSCUpdateProvider) {
    GUID unknown{};
    auto known = all().at(0).ProviderId;
    WSAPROTOCOL_INFOW info = base_info();
    INT error = 0;
    EXPECT_EQ(WSCUpdateProvider(&known, u"/x", nullptr, 1, &error), SOCKET_ERROR);
    EXPECT_EQ(error, WSAEFAULT);
    EXPECT_EQ(WSCUpdateProvider(&unknown, u"/x", &info, 1, &error), SOCKET_ERROR);
    EXPECT_EQ(error, WSAEINVAL);
    EXPECT_EQ(WSCUpdateProvider(&known, u"/x", &info, 1, &error), SOCKET_ERROR);
    EXPECT_EQ(error, WSANO_RECOVERY);
}

// An entry that cannot serve here sends the search on; where nobody else serves, its reason is the answer.
TEST_F(Unstarted, CT_50_AnEntryThatCannotServeHereSendsTheSearchOn) {
    const std::string begin = "version: 1\nproviders:\n  - {name: first, library: passes-on}\n";
    const DWORD leaf = WSA_FLAG_OVERLAPPED | WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF;
    ASSERT_EQ(jl_start_text((begin + "  - {name: second, library: mcast}\n").c_str(), "/etc/test.yaml"), 0);
    EXPECT_EQ(WSASocketW(AF_INET, SOCK_DGRAM, 0, nullptr, 0, leaf), INVALID_SOCKET);
    EXPECT_EQ(WSAGetLastError(), WSAENOBUFS) << "the second was asked";
    EXPECT_EQ(WSACleanup(), 0);

    ASSERT_EQ(jl_start_text(begin.c_str(), "/etc/test.yaml"), 0);
    char why[100] = "";
    EXPECT_EQ(WSASocketW(AF_INET, SOCK_DGRAM, 0, nullptr, 0, leaf), INVALID_SOCKET);
    EXPECT_EQ(WSAGetLastError(), WSAEOPNOTSUPP);
    jl_last_explanation(why, sizeof why);
    EXPECT_STREQ(why, "passes-on has no multicast here");

    DWORD length = sizeof(WSAPROTOCOL_INFOW) * 10;
    std::vector<WSAPROTOCOL_INFOW> infos(10);
    ASSERT_GT(WSAEnumProtocolsW(nullptr, infos.data(), &length), 0);
    EXPECT_EQ(WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, infos.data(), 0, leaf),
              INVALID_SOCKET);
    EXPECT_EQ(WSAGetLastError(), WSAEOPNOTSUPP);
    EXPECT_EQ(WSACleanup(), 0);
}

} // namespace
