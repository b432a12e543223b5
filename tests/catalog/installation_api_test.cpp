// SPDX-License-Identifier: Apache-2.0
//
// Changing the catalog by the public calls (clauses CT-20 ... CT-32), on a configuration in a folder of its own.
#include "tests/support/waiting.hpp"

#include <joinleaf/ext.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;

constexpr const char* main_text = "version: 1\n"
                                  "# by hand\n"
                                  "providers:\n"
                                  "  - {name: tree, library: rooted}\n"
                                  "include: [providers.d/*.yaml]\n";

const std::u16string mcast_path = [] {
    const std::string path = CATALOG_PLUGIN_FOLDER "/joinleaf-mcast.so";
    return std::u16string(path.begin(), path.end());
}();

GUID guid(unsigned char number) {
    GUID id{};
    id.Data1 = 0x10000000U + number;
    id.Data4[7] = number;
    return id;
}

WSAPROTOCOL_INFOW datagrams(int family) {
    WSAPROTOCOL_INFOW info{};
    info.ProtocolChain.ChainLen = BASE_PROTOCOL;
    info.iAddressFamily = family;
    info.iSocketType = SOCK_DGRAM;
    info.iProtocol = IPPROTO_UDP;
    return info;
}

// 0, or the code that the call told.
int install(GUID id, const std::u16string& path = mcast_path,
            std::vector<WSAPROTOCOL_INFOW> infos = {datagrams(AF_INET), datagrams(AF_INET6)}) {
    INT error = 0;
    const int answer =
        WSCInstallProvider(&id, path.c_str(), infos.data(), static_cast<DWORD>(infos.size()), &error);
    return answer == 0 ? 0 : error;
}

int deinstall(GUID id) {
    INT error = 0;
    return WSCDeinstallProvider(&id, &error) == 0 ? 0 : error;
}

std::vector<WSAPROTOCOL_INFOW> entries() {
    DWORD length = 0;
    INT error = 0;
    WSCEnumProtocols(nullptr, nullptr, &length, &error);
    std::vector<WSAPROTOCOL_INFOW> infos(length / sizeof(WSAPROTOCOL_INFOW));
    const int count = WSCEnumProtocols(nullptr, infos.data(), &length, &error);
    infos.resize(static_cast<std::size_t>(std::max(count, 0)));
    return infos;
}

// "tree/rooted", without what the library says of itself.
std::string name_of(const WSAPROTOCOL_INFOW& info) {
    std::string text;
    for (const WCHAR* at = info.szProtocol; *at != 0 && *at != u' '; ++at) {
        text.push_back(static_cast<char>(*at));
    }
    return text;
}

std::vector<std::string> names(const std::vector<WSAPROTOCOL_INFOW>& infos) {
    std::vector<std::string> all;
    for (const auto& each : infos) {
        all.push_back(name_of(each));
    }
    return all;
}

std::string explanation() {
    std::string text(jl_last_explanation(nullptr, 0), '\0');
    jl_last_explanation(text.data(), text.size() + 1);
    return text;
}

std::string read_whole(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class Installation : public testing::Test {
  protected:
    Installation() {
        std::string name = testing::TempDir() + "joinleaf-install-XXXXXX";
        folder = ::mkdtemp(name.data());
        write("joinleaf.yaml", main_text);
        ::setenv("JOINLEAF_PROVIDER_PATH", CATALOG_PLUGIN_FOLDER, 1);
        ::setenv("JOINLEAF_CONFIG", (folder / "joinleaf.yaml").c_str(), 1);
        ::unsetenv("JOINLEAF_PROVIDERS");
    }
    ~Installation() override {
        while (WSACleanup() == 0) {}
        for (const char* name : {"JOINLEAF_PROVIDER_PATH", "JOINLEAF_CONFIG", "XDG_CONFIG_HOME", "COURIER"}) {
            ::unsetenv(name);
        }
        std::error_code ignored;
        fs::remove_all(folder, ignored);
    }

    void write(const fs::path& name, std::string_view text) const {
        fs::create_directories((folder / name).parent_path());
        std::ofstream(folder / name, std::ios::binary) << text;
    }
    std::vector<std::string> drop_ins() const {
        std::vector<std::string> all;
        if (fs::exists(folder / "providers.d")) {
            for (const auto& each : fs::directory_iterator(folder / "providers.d")) {
                all.push_back(each.path().filename().string());
            }
        }
        std::ranges::sort(all);
        return all;
    }
    std::vector<std::string> visible_drop_ins() const {
        auto all = drop_ins();
        std::erase_if(all, [](const std::string& name) { return name.starts_with("."); });
        return all;
    }

    fs::path folder;
};

using names_list = std::vector<std::string>;
const names_list before{"tree/rooted", "tree/stream"};

TEST_F(Installation, CT_20_InstalledEntries_AreAppended) {
    const auto first = names(entries());
    ASSERT_EQ(0, install(guid(1))) << explanation();
    auto expected = first;
    expected.insert(expected.end(), {"mcast/ipv4", "mcast/ipv6"});
    EXPECT_EQ(expected, names(entries()));
    const auto all = entries();
    const GUID id = guid(1);
    EXPECT_EQ(0, std::memcmp(&all.back().ProviderId, &id, sizeof id));
    EXPECT_EQ(names_list{"10-mcast.yaml"}, visible_drop_ins());
    EXPECT_EQ(main_text, read_whole(folder / "joinleaf.yaml")) << "a file of the user was rewritten";
}

TEST_F(Installation, CT_20_OnlyTheDescribedEntries_AreInstalled) {
    const auto first = entries().size();
    ASSERT_EQ(0, install(guid(1), mcast_path, {datagrams(AF_INET6)})) << explanation();
    ASSERT_EQ(first + 1, entries().size());
    EXPECT_EQ("mcast/ipv6", name_of(entries().back()));
}

TEST_F(Installation, CT_20_EachFurtherOne_ComesLast_AlsoBehindDropInsByHand) {
    write("providers.d/zoo.yaml", "version: 1\nproviders: [{name: zoo, library: mcast}]\n");
    ASSERT_EQ(0, install(guid(1))) << explanation();
    ASSERT_EQ(0, install(guid(2))) << explanation();
    const auto all = names(entries());
    ASSERT_GE(all.size(), 6U);
    EXPECT_EQ((names_list{"zoo/ipv4", "zoo/ipv6", "mcast/ipv4", "mcast/ipv6", "mcast-2/ipv4", "mcast-2/ipv6"}),
              names_list(all.end() - 6, all.end()));
}

TEST_F(Installation, CT_21_AStartedRuntime_SeesTheChangeAfterItsNextStart) {
    WSADATA data{};
    ASSERT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
    const auto count = [] {
        DWORD length = 1U << 20U;
        std::vector<WSAPROTOCOL_INFOW> room(length / sizeof(WSAPROTOCOL_INFOW));
        return WSAEnumProtocolsW(nullptr, room.data(), &length);
    };
    const int first = count();
    ASSERT_EQ(0, install(guid(1))) << explanation();
    EXPECT_EQ(first, count());
    ASSERT_EQ(0, WSACleanup());
    ASSERT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
    EXPECT_EQ(first + 2, count());
}

TEST_F(Installation, CT_22_ASecondTime_WithTheSameGuid_IsRefused) {
    ASSERT_EQ(0, install(guid(1)));
    EXPECT_EQ(WSANO_RECOVERY, install(guid(1)));
    EXPECT_NE(std::string::npos, explanation().find("10-mcast.yaml")) << explanation();
    EXPECT_EQ(1U, visible_drop_ins().size());
}

TEST_F(Installation, CT_22_TheGuidOfAProviderByHand_IsTakenToo) {
    EXPECT_EQ(WSANO_RECOVERY, install(entries().front().ProviderId));
    EXPECT_TRUE(visible_drop_ins().empty());
}

TEST_F(Installation, CT_23_APathThatNothingCanBeLoadedFrom_IsInvalid) {
    for (const auto* path : {u"relative/joinleaf-x.so", u"/opt/folder/", u"C:\\x\\y.dll", u"/opt/a\nb.so"}) {
        EXPECT_EQ(WSAEINVAL, install(guid(1), path)) << explanation();
    }
    EXPECT_TRUE(drop_ins().empty());
}

TEST_F(Installation, CT_24_NoFolderToWriteTo_IsNoRecovery) {
    write("joinleaf.yaml", "version: 1\nproviders: [{name: tree, library: rooted}]\n");
    EXPECT_EQ(WSANO_RECOVERY, install(guid(1)));
    EXPECT_NE(std::string::npos, explanation().find("include: [providers.d/*.yaml]")) << explanation();
}

TEST_F(Installation, CT_24_NoRightToWrite_IsNoRecovery_AndNothingChanges) {
    // Nobody may make a file there, the superuser neither.
    write("joinleaf.yaml", "version: 1\nproviders: [{name: tree, library: rooted}]\n"
                           "include: [/proc/self/fdinfo/*.yaml]\n");
    const auto ids = entries();
    EXPECT_EQ(WSANO_RECOVERY, install(guid(1)));
    EXPECT_NE(std::string::npos, explanation().find("/proc/self/fdinfo")) << explanation();
    std::vector<DWORD> order;
    for (const auto& each : ids) {
        order.push_back(each.dwCatalogEntryId);
    }
    EXPECT_EQ(WSANO_RECOVERY, WSCWriteProviderOrder(order.data(), static_cast<DWORD>(order.size())));
}

TEST_F(Installation, CT_24_AConfigurationThatCannotBeRead_IsNotWrittenTo) {
    write("providers.d/bad.yaml", "version: 2\n");
    EXPECT_EQ(WSANO_RECOVERY, install(guid(1)));
    EXPECT_NE(std::string::npos, explanation().find("bad.yaml:1:10")) << explanation();
    EXPECT_EQ(names_list{"bad.yaml"}, visible_drop_ins());
}

TEST_F(Installation, CT_25_VariablesInThePath_AreExpandedWhenItIsLoaded) {
    const auto first = entries().size();
    ASSERT_EQ(0, install(guid(1), u"%COURIER%/joinleaf-mcast.so")) << explanation();
    ASSERT_EQ(0, install(guid(2), u"${COURIER}/joinleaf-mcast.so")) << explanation();
    EXPECT_EQ(first, entries().size()) << "the variable is not set";
    ::setenv("COURIER", CATALOG_PLUGIN_FOLDER, 1);
    EXPECT_EQ(first + 4, entries().size());
    WCHAR path[300]{};
    INT room = 300;
    INT error = 0;
    auto id = guid(1);
    ASSERT_EQ(0, WSCGetProviderPath(&id, path, &room, &error));
    EXPECT_EQ(u"%COURIER%/joinleaf-mcast.so", std::u16string(path)) << "as it was installed";
}

TEST_F(Installation, CT_26_LayersAndChains_AreInvalid) {
    for (const int length : {LAYERED_PROTOCOL, 2, MAX_PROTOCOL_CHAIN + 1}) {
        auto info = datagrams(AF_INET);
        info.ProtocolChain.ChainLen = length;
        EXPECT_EQ(WSAEINVAL, install(guid(1), mcast_path, {info})) << length;
    }
    EXPECT_TRUE(drop_ins().empty());
}

TEST_F(Installation, CT_28_Deinstalled_AllItsEntriesAreGone_AndItsFile) {
    const auto first = names(entries());
    ASSERT_EQ(0, install(guid(1)));
    ASSERT_EQ(0, install(guid(2)));
    ASSERT_EQ(0, deinstall(guid(1))) << explanation();
    EXPECT_EQ(first.size() + 2, entries().size());
    EXPECT_EQ(WSAEINVAL, deinstall(guid(1)));
    ASSERT_EQ(0, deinstall(guid(2)));
    EXPECT_EQ(first, names(entries()));
    EXPECT_TRUE(visible_drop_ins().empty());
    EXPECT_EQ(0, install(guid(1))) << "the id is free again";
}

TEST_F(Installation, CT_28_NoPlaceForTheCode_ChangesNothing) {
    ASSERT_EQ(0, install(guid(1)));
    auto id = guid(1);
    EXPECT_EQ(SOCKET_ERROR, WSCDeinstallProvider(&id, nullptr));
    EXPECT_EQ(WSAEFAULT, WSAGetLastError());
    EXPECT_EQ(1U, visible_drop_ins().size());
}

TEST_F(Installation, CT_28_ADropInByHand_IsRemoved_APartOfAFileIsNot) {
    write("providers.d/one.yaml", "version: 1\nproviders: [{name: one, library: mcast}]\n");
    const std::string pair =
        "version: 1\nproviders: [{name: a, library: mcast}, {name: b, library: mcast}]\n";
    write("providers.d/pair.yaml", pair);
    EXPECT_EQ(0, jl_remove_provider("one")) << explanation();
    EXPECT_EQ(names_list{"pair.yaml"}, visible_drop_ins());
    EXPECT_EQ(WSANO_RECOVERY, jl_remove_provider("a"));
    EXPECT_NE(std::string::npos, explanation().find("pair.yaml:2:13")) << explanation();
    EXPECT_EQ(WSANO_RECOVERY, jl_remove_provider("tree"));
    EXPECT_EQ(WSAEINVAL, jl_remove_provider("one"));
    EXPECT_EQ(pair, read_whole(folder / "providers.d/pair.yaml"));
    EXPECT_EQ(main_text, read_whole(folder / "joinleaf.yaml"));
}

TEST_F(Installation, CT_28_AProviderThatCannotBeLoaded_IsRemovedAllTheSame) {
    ASSERT_EQ(0, install(guid(1), u"/nowhere/joinleaf-x.so"));
    EXPECT_EQ(0, deinstall(guid(1))) << explanation();
}

std::vector<DWORD> ids() {
    std::vector<DWORD> all;
    for (const auto& each : entries()) {
        all.push_back(each.dwCatalogEntryId);
    }
    return all;
}

int write_order(std::vector<DWORD> order) {
    return WSCWriteProviderOrder(order.data(), static_cast<DWORD>(order.size()));
}

TEST_F(Installation, CT_09_CT_29_CT_30_AnOrder_DecidesListingAndChoice) {
    ASSERT_EQ(0, install(guid(1)));
    ASSERT_EQ(0, install(guid(2)));
    auto wanted = ids();
    std::ranges::reverse(wanted);
    ASSERT_EQ(0, write_order(wanted)) << explanation();
    EXPECT_EQ(wanted, ids()) << "the ids stay with their entries (CT-17)";
    WSADATA data{};
    ASSERT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
    const SOCKET s = WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, nullptr, 0,
                                WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF);
    char* const text = jl_explain_json(AF_INET, SOCK_DGRAM, IPPROTO_UDP, 0);
    ASSERT_NE(nullptr, text);
    EXPECT_NE(std::string::npos, std::string(text).find("\"chosen\": \"mcast-2/ipv4\"")) << text;
    jl_free(text);
    if (s != INVALID_SOCKET) {
        jl_closesocket(s);
    }
    EXPECT_EQ(main_text, read_whole(folder / "joinleaf.yaml"));
}

TEST_F(Installation, CT_29_AnIncompleteOrder_ChangesNothing) {
    ASSERT_EQ(0, install(guid(1)));
    const auto all = ids();
    auto wrong = all;
    wrong.pop_back();
    EXPECT_EQ(WSAEINVAL, write_order(wrong));
    wrong = all;
    wrong[0] = wrong[1];
    EXPECT_EQ(WSAEINVAL, write_order(wrong));
    wrong = all;
    wrong[0] = 0x7ffffffe;
    EXPECT_EQ(WSAEINVAL, write_order(wrong));
    EXPECT_EQ(all, ids());
    EXPECT_EQ(names_list{"10-mcast.yaml"}, visible_drop_ins());
}

TEST_F(Installation, CT_30_ASecondOrder_TakesThePlaceOfTheFirst_AndARemovalTakesItsPlacesOut) {
    ASSERT_EQ(0, install(guid(1)));
    auto wanted = ids();
    std::ranges::reverse(wanted);
    ASSERT_EQ(0, write_order(wanted));
    std::ranges::rotate(wanted, wanted.begin() + 1);
    ASSERT_EQ(0, write_order(wanted)) << explanation();
    EXPECT_EQ(wanted, ids());
    EXPECT_EQ(2U, visible_drop_ins().size());
    ASSERT_EQ(0, deinstall(guid(1)));
    EXPECT_EQ(std::string::npos, read_whole(folder / "providers.d/11-order.yaml").find("mcast"));
    ASSERT_EQ(0, install(guid(3))) << explanation();
    EXPECT_EQ("mcast/ipv6", name_of(entries().back())) << "what is installed later comes behind the order";
}

TEST_F(Installation, OrderByNames_PutsThemFirst_AndNoneGoesBack) {
    ASSERT_EQ(0, install(guid(1)));
    const auto first = names(entries());
    const char* const wanted[] = {"mcast/ipv6", "tree"};
    ASSERT_EQ(0, jl_order_providers(wanted, 2)) << explanation();
    EXPECT_EQ("mcast/ipv6", names(entries()).front());
    EXPECT_EQ("mcast/ipv4", names(entries()).back());
    const char* const unknown[] = {"nobody"};
    EXPECT_EQ(WSAEINVAL, jl_order_providers(unknown, 1));
    const char* const twice[] = {"tree", "tree"};
    EXPECT_EQ(WSAEINVAL, jl_order_providers(twice, 2));
    ASSERT_EQ(0, jl_order_providers(nullptr, 0)) << explanation();
    EXPECT_EQ(first, names(entries()));
}

TEST_F(Installation, AnOrderOfTheUser_ThatIsReadLater_IsNotOverruledInSilence) {
    write("providers.d/20-mine.yaml", "version: 1\norder: [tree]\n");
    const char* const wanted[] = {"tree/rooted"};
    ASSERT_EQ(0, jl_order_providers(wanted, 1)) << explanation(); // its file comes behind 20-mine.yaml
    write("joinleaf.yaml", "version: 1\nproviders: [{name: tree, library: rooted}]\n"
                           "include: [providers.d/*.yaml, last.d/*.yaml]\n");
    write("last.d/a.yaml", "version: 1\norder: [tree]\n");
    EXPECT_EQ(WSANO_RECOVERY, jl_order_providers(wanted, 1));
    EXPECT_NE(std::string::npos, explanation().find("last.d/a.yaml:2:9")) << explanation();
}

TEST_F(Installation, Update_ReplacesPathAndEntries_KeepsPlaceAndFile) {
    ASSERT_EQ(0, install(guid(1), u"/nowhere/joinleaf-x.so"));
    ASSERT_EQ(0, install(guid(2)));
    auto id = guid(1);
    auto info = datagrams(AF_INET);
    INT error = 0;
    ASSERT_EQ(0, WSCUpdateProvider(&id, mcast_path.c_str(), &info, 1, &error)) << explanation();
    const auto all = names(entries());
    EXPECT_EQ((names_list{"x/ipv4", "mcast/ipv4", "mcast/ipv6"}), names_list(all.end() - 3, all.end()));
    EXPECT_EQ((names_list{"10-x.yaml", "11-mcast.yaml"}), visible_drop_ins());
    auto by_hand = entries().front().ProviderId;
    EXPECT_EQ(SOCKET_ERROR, WSCUpdateProvider(&by_hand, mcast_path.c_str(), &info, 1, &error));
    EXPECT_EQ(WSANO_RECOVERY, error);
}

TEST_F(Installation, WithoutAnyFile_ACopyOfTheBuiltInOneBegins) {
    ::unsetenv("JOINLEAF_CONFIG");
    ::setenv("XDG_CONFIG_HOME", (folder / "home").c_str(), 1);
    if (fs::exists("/etc/joinleaf/joinleaf.yaml")) {
        GTEST_SKIP() << "this machine has a configuration of its own";
    }
    EXPECT_EQ(WSAEINVAL, deinstall(guid(1)));
    EXPECT_FALSE(fs::exists(folder / "home")) << "a call that changes nothing begins nothing";
    ASSERT_EQ(0, install(guid(1))) << explanation();
    EXPECT_TRUE(fs::exists(folder / "home/joinleaf/joinleaf.yaml"));
    EXPECT_TRUE(fs::exists(folder / "home/joinleaf/providers.d/10-mcast.yaml"));
    EXPECT_EQ("mcast/ipv6", name_of(entries().back()));
}

TEST_F(Installation, NamedInstallation_HasItsOptions) {
    const char* const options[] = {"count=7", nullptr};
    ASSERT_EQ(0, jl_install_provider("courier", CATALOG_PLUGIN_FOLDER "/joinleaf-mcast.so", options))
        << explanation();
    const auto text = read_whole(folder / "providers.d/10-courier.yaml");
    EXPECT_NE(std::string::npos, text.find("\"count\": \"7\"")) << text;
    EXPECT_EQ(WSANO_RECOVERY, jl_install_provider("courier", "/x/joinleaf-y.so", nullptr));
    EXPECT_EQ(WSAEINVAL, jl_install_provider("a b", "/x/joinleaf-y.so", nullptr));
    const char* const none[] = {"count", nullptr};
    EXPECT_EQ(WSAEINVAL, jl_install_provider("b", "/x/joinleaf-y.so", none));
    EXPECT_EQ(WSAEFAULT, jl_install_provider("b", nullptr, nullptr));
}

// Runs body in a process of its own and answers its status, or minus the signal that ended it.
template <class Body> pid_t in_child(Body body) {
    const pid_t child = ::fork();
    if (child == 0) {
        body();
        ::_exit(0);
    }
    return child;
}

int status_of(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST_F(Installation, CT_32_ManyProcessesAtOnce_TearNothing) {
    std::vector<pid_t> children;
    constexpr int processes = 4;
    constexpr int each = 6;
    for (int p = 0; p < processes; ++p) {
        children.push_back(in_child([p] {
            for (int i = 0; i < each; ++i) {
                const int code = install(guid(static_cast<unsigned char>(p * each + i)));
                if (code != 0) {
                    ::_exit(1);
                }
            }
        }));
    }
    for (const auto child : children) {
        EXPECT_EQ(0, status_of(child));
    }
    EXPECT_EQ(static_cast<std::size_t>(processes * each), visible_drop_ins().size());
    char* const checked = jl_check_json(nullptr);
    EXPECT_NE(std::string::npos, std::string(checked).find("\"problems\": []")) << checked;
    jl_free(checked);
}

TEST_F(Installation, CT_32_WhileAnotherProcessKeepsTheLock_TheLoserIsToldSo) {
    ASSERT_EQ(0, install(guid(1)));
    const int lock = ::open((folder / "providers.d/.joinleaf.lock").c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_GE(lock, 0);
    ASSERT_EQ(0, ::flock(lock, LOCK_EX));
    EXPECT_EQ(WSAEINPROGRESS, install(guid(2)));
    EXPECT_NE(std::string::npos, explanation().find("another process")) << explanation();
    ::close(lock);
    EXPECT_EQ(0, install(guid(2)));
}

TEST_F(Installation, CT_32_KilledWhileWriting_LeavesNothingHalf_AndTheNextGoesOn) {
    for (int round = 0; round < 10; ++round) {
        int report[2];
        ASSERT_EQ(0, ::pipe2(report, O_CLOEXEC));
        const auto child = in_child([&report, round] {
            for (;;) { // for ever: the end comes from outside, at any instruction
                install(guid(static_cast<unsigned char>(round)));
                [[maybe_unused]] const auto said = ::write(report[1], "x", 1);
                deinstall(guid(static_cast<unsigned char>(round)));
            }
        });
        for (int i = 0; i <= round; ++i) {
            char done = 0;
            ASSERT_EQ(1, ::read(report[0], &done, 1));
        }
        ::kill(child, SIGKILL);
        EXPECT_EQ(-SIGKILL, status_of(child));
        ::close(report[0]);
        ::close(report[1]);
        char* const checked = jl_check_json(nullptr);
        EXPECT_NE(std::string::npos, std::string(checked).find("\"problems\": []")) << checked;
        jl_free(checked);
        ASSERT_EQ(0, install(guid(100))) << explanation();
        ASSERT_EQ(0, deinstall(guid(100))) << explanation();
        deinstall(guid(static_cast<unsigned char>(round)));
        EXPECT_EQ(names_list{".joinleaf.lock"}, drop_ins()) << "what was half written is still there";
    }
}

} // namespace
