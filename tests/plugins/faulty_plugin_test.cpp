// SPDX-License-Identifier: Apache-2.0
//
// Faulty plugins beside a sound one, through the public API alone: each is refused with a message that names its file and the reason,
// and a session over the sound one goes on as if they were not there.
#include <joinleaf/ext.h>

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int patience_ms = 5000;

struct fault {
    const char* library; // joinleaf-<library>.so
    const char* reason;  // a part of the message
};

const fault faults[] = {
    {"abi", "is built for ABI version 7, this runtime has ABI version 1"},
    {"abi-silent", "is built for ABI version 7, this runtime has ABI version 1"},
    {"no-entry", "has no entry symbol jl_provider_startup"},
    {"borrowed-entry", "its entry symbol jl_provider_startup comes from another file"},
    {"short-table", "its provider table is too short"},
    {"short-ops", "its function table is too short"},
    {"null-op", "the required function rx is NULL"},
    {"no-ops", "gives no table of functions"},
    {"double-name", "two protocol rows have the name"},
    {"bad-default", "its default"},
    {"startup", "startup fails with WSASYSNOTREADY: the licence has expired"},
    {"no-device", "create fails with WSAENETDOWN: there is no such device"},
    {"unresolved", "unresolved symbol jl_nobody_defines_this"},
    {"throws", "startup throws an exception"},
    {"throws-later", "create throws an exception (the disk is on fire)"},
    {"text", "is not a library"},
    {"folder", "is a folder, not a library"},
};

std::string file_of(const fault& what) {
    return std::string(FAULTY_FOLDER) + "/joinleaf-" + what.library + ".so";
}

std::string item(const std::string& name, const std::string& library) {
    return "  - name: " + name + "\n    library: " + library + "\n";
}

class socket {
  public:
    socket()
        : s_(WSASocketA(AF_INET, SOCK_DGRAM, 0, nullptr, 0,
                        WSA_FLAG_OVERLAPPED | WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF)) {}
    ~socket() {
        if (s_ != INVALID_SOCKET) {
            jl_closesocket(s_);
        }
    }
    socket(const socket&) = delete;
    socket& operator=(const socket&) = delete;
    SOCKET get() const { return s_; }

  private:
    SOCKET s_;
};

std::string explanation() {
    std::string text(512, '\0');
    text.resize(std::min(text.size() - 1, jl_last_explanation(text.data(), text.size())));
    return text;
}

// A runtime with a configuration of the test's own; every test has its own folder for the sessions of `inbox`.
class FaultyPlugin : public testing::Test {
  protected:
    FaultyPlugin() {
        std::string form = (fs::temp_directory_path() / "plugins-XXXXXX").string();
        folder_ = ::mkdtemp(form.data());
    }
    ~FaultyPlugin() override {
        for (; started_ > 0; --started_) {
            WSACleanup();
        }
        fs::remove_all(folder_);
    }

    void start(const std::string& before, const std::string& after = {}) {
        const std::string text = "version: 1\nproviders:\n" + before + item("inbox", INBOX_LIBRARY) +
                                 "    options: {directory: " + folder_ + "}\n" + after;
        ASSERT_EQ(0, jl_start_text(text.c_str(), (folder_ + "/test.yaml").c_str())) << explanation() << '\n'
                                                                                    << text;
        ++started_;
    }

    json providers() const {
        const std::unique_ptr<char, decltype(&jl_free)> text(jl_catalog_json(), jl_free);
        EXPECT_NE(nullptr, text);
        return json::parse(text.get()).at("providers");
    }

    static json only(const json& providers, const std::string& name) {
        for (const auto& each : providers) {
            if (each.at("name") == name) {
                return each;
            }
        }
        ADD_FAILURE() << "no provider " << name << " in the catalog";
        return {};
    }

    static void expect_refused(const json& provider, const fault& what) {
        ASSERT_TRUE(provider.is_object());
        EXPECT_EQ("refused", provider.at("state"));
        const auto reason = provider.at("reason").get<std::string>();
        EXPECT_NE(std::string::npos, reason.find(what.reason)) << reason;
        EXPECT_NE(std::string::npos, reason.find(fs::canonical(file_of(what)).string())) << reason;
        EXPECT_NE(std::string::npos, provider.at("where").get<std::string>().find(":3:"))
            << provider.at("where");
        EXPECT_TRUE(provider.at("entries").empty());
    }

    // Two members meet, one speaks, the other hears.
    static void expect_session() {
        socket sender, receiver;
        ASSERT_NE(INVALID_SOCKET, sender.get()) << jl_error_name(WSAGetLastError()) << ' ' << explanation();
        ASSERT_NE(INVALID_SOCKET, receiver.get()) << jl_error_name(WSAGetLastError());
        sockaddr_in group{};
        group.sin_family = AF_INET;
        group.sin_port = htons(5001);
        group.sin_addr.s_addr = htonl(0xEFFF0801); // 239.255.8.1
        const auto* name = reinterpret_cast<const sockaddr*>(&group);
        for (const auto& [member, direction] :
             {std::pair{&receiver, JL_RECEIVER_ONLY}, {&sender, JL_SENDER_ONLY}}) {
            ASSERT_EQ(member->get(), WSAJoinLeaf(member->get(), name, sizeof group, nullptr, nullptr, nullptr,
                                                 nullptr, static_cast<DWORD>(direction)))
                << jl_error_name(WSAGetLastError()) << ' ' << explanation();
        }
        ASSERT_EQ(5, jl_send(sender.get(), "hello", 5, 0)) << jl_error_name(WSAGetLastError());
        pollfd waits{static_cast<int>(receiver.get()), POLLIN, 0};
        ASSERT_EQ(1, ::poll(&waits, 1, patience_ms)) << "nothing arrived";
        char text[16]{};
        ASSERT_EQ(5, jl_recv(receiver.get(), text, sizeof text, 0)) << jl_error_name(WSAGetLastError());
        EXPECT_STREQ("hello", text);
    }

    std::string folder_;
    int started_ = 0;
};

class EachFault : public FaultyPlugin, public testing::WithParamInterface<fault> {};

TEST_P(EachFault, CT_48_IsRefusedWithFileAndReason_AndTheSessionGoesOn) {
    ASSERT_NO_FATAL_FAILURE(start(item("faulty", file_of(GetParam()))));
    const auto all = providers();
    expect_refused(only(all, "faulty"), GetParam());
    EXPECT_EQ("loaded", only(all, "inbox").at("state"));
    expect_session();
}

INSTANTIATE_TEST_SUITE_P(Plugins, EachFault, testing::ValuesIn(faults), [](const auto& what) {
    std::string name = what.param.library;
    std::erase(name, '-');
    return name;
});

TEST_F(FaultyPlugin, CT_48_AllAtOnce_AroundASoundOne_LeaveItAlone) {
    std::string before, after;
    for (const auto& each : faults) {
        (before.size() < 500 ? before : after) += item(each.library, file_of(each));
    }
    ASSERT_NO_FATAL_FAILURE(start(before, after));
    const auto all = providers();
    EXPECT_EQ(std::size(faults) + 1, all.size());
    for (const auto& each : faults) {
        const auto found = only(all, each.library);
        EXPECT_EQ("refused", found.at("state")) << each.library;
        EXPECT_NE(std::string::npos, found.at("reason").get<std::string>().find(each.reason))
            << found.at("reason");
    }
    expect_session();
}

TEST_F(FaultyPlugin, CT_48_FileThatIsMissing_IsNamed) {
    ASSERT_NO_FATAL_FAILURE(start(item("gone", folder_ + "/joinleaf-gone.so")));
    const auto found = only(providers(), "gone");
    EXPECT_EQ("refused", found.at("state"));
    EXPECT_NE(std::string::npos, found.at("reason").get<std::string>().find(folder_ + "/joinleaf-gone.so"));
    expect_session();
}

TEST_F(FaultyPlugin, CT_48_OnlyFaultyOnes_SocketIsRefused_NotTheStart) {
    const std::string text = "version: 1\nproviders:\n" + item("faulty", file_of(faults[0]));
    ASSERT_EQ(0, jl_start_text(text.c_str(), (folder_ + "/test.yaml").c_str())) << explanation();
    ++started_;
    socket none;
    EXPECT_EQ(INVALID_SOCKET, none.get());
    EXPECT_NE(0, WSAGetLastError());
    DWORD length = 0;
    EXPECT_EQ(0, WSAEnumProtocolsA(nullptr, nullptr, &length));
}

TEST_F(FaultyPlugin, CT_82_RefusedAgain_AfterAnotherStart) {
    for (int round = 0; round < 3; ++round) {
        ASSERT_NO_FATAL_FAILURE(start(item("faulty", file_of({"throws", ""}))));
        expect_refused(only(providers(), "faulty"), {"throws", "startup throws an exception"});
        expect_session();
        ASSERT_EQ(0, WSACleanup());
        --started_;
    }
}

TEST_F(FaultyPlugin, JLP_4_SettingThatCannotWork_IsRefusedWithItsPlace) {
    ASSERT_NO_FATAL_FAILURE(
        start(item("inbox-lost", INBOX_LIBRARY) + "    options: {directory: /nowhere/at/all}\n"));
    const auto lost = only(providers(), "inbox-lost");
    EXPECT_EQ("refused", lost.at("state"));
    const auto reason = lost.at("reason").get<std::string>();
    EXPECT_NE(std::string::npos, reason.find("test.yaml:5:26: /nowhere/at/all: No such file or directory"))
        << reason;
    expect_session();
}

} // namespace
