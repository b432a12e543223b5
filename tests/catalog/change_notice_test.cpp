// SPDX-License-Identifier: Apache-2.0
//
// WSAProviderConfigChange: whoever asks is told of the next change of the catalog, by event, routine or a blocking call (CT-31).
#include "tests/support/owned.hpp"
#include "tests/support/waiting.hpp"

#include <joinleaf/ext.h>
#include <joinleaf/overlapped.h>

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace {

namespace fs = std::filesystem;
using joinleaf::test::in_background;
using joinleaf::test::is_done;
using joinleaf::test::owned_event;
using joinleaf::test::result_of;

class ChangeNotice : public testing::Test {
  protected:
    ChangeNotice() {
        std::string name = testing::TempDir() + "joinleaf-notice-XXXXXX";
        folder = ::mkdtemp(name.data());
        std::ofstream(folder / "joinleaf.yaml")
            << "version: 1\nproviders:\n  - {name: tree, library: rooted}\n"
               "include: [providers.d/*.yaml]\n";
        fs::create_directory(folder / "providers.d");
        ::setenv("JOINLEAF_PROVIDER_PATH", CATALOG_PLUGIN_FOLDER, 1);
        ::setenv("JOINLEAF_CONFIG", (folder / "joinleaf.yaml").c_str(), 1);
        WSADATA data{};
        EXPECT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
    }
    ~ChangeNotice() override {
        if (notification != nullptr) {
            jl_close_handle(notification);
        }
        while (WSACleanup() == 0) {}
        ::unsetenv("JOINLEAF_PROVIDER_PATH");
        ::unsetenv("JOINLEAF_CONFIG");
        std::error_code ignored;
        fs::remove_all(folder, ignored);
    }

    void begin() {
        ASSERT_EQ(0, WSAProviderConfigChange(&notification, nullptr, nullptr)) << WSAGetLastError();
    }
    static void change(const char* name) {
        ASSERT_EQ(0, jl_install_provider(name, "mcast", nullptr)) << WSAGetLastError();
    }
    // 0, or the code of the call.
    int ask(WSAOVERLAPPED& state, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine = nullptr) {
        return WSAProviderConfigChange(&notification, &state, routine) == 0 ? 0 : WSAGetLastError();
    }

    fs::path folder;
    HANDLE notification = nullptr;
};

TEST_F(ChangeNotice, CT_31_AnInstallation_IsToldByTheEvent_AndTheNextOneByTheNextCall) {
    begin();
    const owned_event event;
    WSAOVERLAPPED state{};
    state.hEvent = event.get();
    for (const char* const name : {"first", "second"}) {
        ASSERT_EQ(WSA_IO_PENDING, ask(state));
        EXPECT_FALSE(event.is_set());
        change(name);
        EXPECT_TRUE(joinleaf::test::eventually([&] { return event.is_set(); })) << name;
        EXPECT_TRUE(HasOverlappedIoCompleted(&state));
        EXPECT_EQ(0U, state.Internal);
    }
}

TEST_F(ChangeNotice, CT_31_RemovalOrderAndAFileOfAnotherProgram_AreToldToo) {
    change("first");
    begin();
    const owned_event event;
    WSAOVERLAPPED state{};
    state.hEvent = event.get();
    const char* const order[] = {"first", "tree"};
    ASSERT_EQ(WSA_IO_PENDING, ask(state));
    ASSERT_EQ(0, jl_order_providers(order, 2)) << WSAGetLastError();
    EXPECT_TRUE(joinleaf::test::eventually([&] { return event.is_set(); })) << "order";
    // An order may be more than one file.
    while (ask(state) == 0) {}
    ASSERT_EQ(0, jl_remove_provider("first")) << WSAGetLastError();
    EXPECT_TRUE(joinleaf::test::eventually([&] { return event.is_set(); })) << "removal";
    while (ask(state) == 0) {}
    std::ofstream(folder / "providers.d" / "by-hand.yaml") << "version: 1\n";
    EXPECT_TRUE(joinleaf::test::eventually([&] { return event.is_set(); })) << "by hand";
}

TEST_F(ChangeNotice, CT_31_WhatHappensBetweenTwoCalls_IsToldAtOnce_AndTheHandleIsSignalled) {
    begin();
    change("first");
    EXPECT_TRUE(joinleaf::test::readable(static_cast<int>(reinterpret_cast<std::uintptr_t>(notification))));
    EXPECT_EQ(0, WSAProviderConfigChange(&notification, nullptr, nullptr));
}

TEST_F(ChangeNotice, CT_31_ABlockingCallReturnsWithTheChange) {
    begin();
    auto waiting = in_background([this] { return WSAProviderConfigChange(&notification, nullptr, nullptr); });
    EXPECT_FALSE(is_done(waiting, joinleaf::test::vigilance));
    change("first");
    EXPECT_EQ(0, result_of(waiting, "the call that waits for a change"));
}

int told = 0;

void CALLBACK tell(DWORD code, DWORD /*bytes*/, LPWSAOVERLAPPED /*state*/, DWORD /*flags*/) {
    told += code == 0 ? 1 : 100;
}

TEST_F(ChangeNotice, CT_31_CT_90_ARoutineRunsInTheThreadThatAsked) {
    WSAOVERLAPPED state{};
    ASSERT_EQ(WSA_IO_PENDING, ask(state, tell)) << "the first call may ask already";
    ASSERT_NE(nullptr, notification);
    change("first");
    told = 0;
    EXPECT_EQ(WSA_WAIT_IO_COMPLETION, jl_sleep_ex(20'000, TRUE));
    EXPECT_EQ(1, told);
}

TEST_F(ChangeNotice, CT_31_ClosingTheHandle_EndsWhatWaitsForIt) {
    begin();
    const owned_event event;
    WSAOVERLAPPED state{};
    state.hEvent = event.get();
    ASSERT_EQ(WSA_IO_PENDING, ask(state));
    auto waiting = in_background([this] {
        return WSAProviderConfigChange(&notification, nullptr, nullptr) == 0 ? 0 : WSAGetLastError();
    });
    EXPECT_FALSE(is_done(waiting, joinleaf::test::vigilance));
    EXPECT_TRUE(jl_close_handle(notification));
    EXPECT_EQ(WSA_OPERATION_ABORTED, result_of(waiting, "the call on a closed handle"));
    EXPECT_TRUE(event.is_set());
    EXPECT_EQ(static_cast<ULONG_PTR>(WSA_OPERATION_ABORTED), state.Internal);
    EXPECT_EQ(WSA_INVALID_HANDLE, ask(state));
    notification = nullptr;
}

TEST_F(ChangeNotice, CT_31_ST_11_TheLastCleanupEndsIt_WithoutAnIndication) {
    begin();
    const owned_event event;
    WSAOVERLAPPED state{};
    state.hEvent = event.get();
    ASSERT_EQ(WSA_IO_PENDING, ask(state));
    ASSERT_EQ(0, WSACleanup());
    EXPECT_EQ(WSANOTINITIALISED, ask(state));
    WSADATA data{};
    ASSERT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
    EXPECT_FALSE(event.is_set());
    EXPECT_EQ(WSA_INVALID_HANDLE, ask(state)) << "it belonged to the runtime before";
}

TEST_F(ChangeNotice, CT_31_BadArguments) {
    EXPECT_EQ(SOCKET_ERROR, WSAProviderConfigChange(nullptr, nullptr, nullptr));
    EXPECT_EQ(WSAEFAULT, WSAGetLastError());
    const owned_event other;
    HANDLE event = other.get();
    EXPECT_EQ(SOCKET_ERROR, WSAProviderConfigChange(&event, nullptr, nullptr));
    EXPECT_EQ(WSA_INVALID_HANDLE, WSAGetLastError());
    EXPECT_EQ(SOCKET_ERROR, WSAProviderConfigChange(&notification, nullptr, tell));
    EXPECT_EQ(WSAEFAULT, WSAGetLastError()) << "a routine without a structure";
}

} // namespace
