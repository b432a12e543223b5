// SPDX-License-Identifier: Apache-2.0
//
// WSAStartup and WSACleanup, the last error, what every call answers while nothing is started (clauses ST).
#include "tests/support/bad_memory.hpp"
#include "tests/support/event_watch.hpp"
#include "tests/support/kernel_listener.hpp"
#include "tests/support/session_fixture.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>

namespace joinleaf::test {
namespace {

// Starts by WSAStartup itself, with the configuration in a file of the test's own.
class StartUp : public ::testing::Test {
  protected:
    void SetUp() override {
        use_providers_of_this_build();
        path_ = ::testing::TempDir() + "joinleaf-startup-" + std::to_string(::getpid()) + ".yaml";
        std::ofstream(path_) << configuration();
        ::setenv("JOINLEAF_CONFIG", path_.c_str(), 1);
    }
    void TearDown() override {
        end_runtime();
        ::unsetenv("JOINLEAF_CONFIG");
        std::remove(path_.c_str());
    }

    static int start(BYTE major = 2, BYTE minor = 2) { return WSAStartup(MAKEWORD(major, minor), &data()); }
    static WSADATA& data() {
        static WSADATA filled;
        return filled;
    }

  private:
    std::string path_;
};

struct named_call {
    const char* name;
    std::function<bool()> fails; // runs the call; whether it failed
};

// Each call that takes or makes a socket, on this number, with pointers that are good.
std::vector<named_call> socket_calls(SOCKET s) {
    static address name;
    static char buffer[64];
    static WSABUF piece{sizeof buffer, buffer};
    static DWORD number = 0;
    static int length = 0;
    static jl_u_long value = 0;
    static WSANETWORKEVENTS events;
    static WSAOVERLAPPED overlapped;
    name = loopback(AF_INET, 9);
    length = sizeof name.storage;
    number = 0;
    return {
        {"bind", [s] { return failed(jl_bind(s, name.get(), name.length)); }},
        {"listen", [s] { return failed(jl_listen(s, 1)); }},
        {"accept", [s] { return failed(jl_accept(s, nullptr, nullptr)); }},
        {"WSAAccept", [s] { return failed(WSAAccept(s, nullptr, nullptr, nullptr, 0)); }},
        {"connect", [s] { return failed(jl_connect(s, name.get(), name.length)); }},
        {"WSAConnect",
         [s] { return failed(WSAConnect(s, name.get(), name.length, nullptr, nullptr, nullptr, nullptr)); }},
        {"WSAJoinLeaf", [s] { return failed(plain_join(s, name)); }},
        {"send", [s] { return failed(jl_send(s, buffer, 1, 0)); }},
        {"sendto", [s] { return failed(jl_sendto(s, buffer, 1, 0, name.get(), name.length)); }},
        {"recv", [s] { return failed(jl_recv(s, buffer, 1, 0)); }},
        {"recvfrom", [s] { return failed(jl_recvfrom(s, buffer, 1, 0, nullptr, nullptr)); }},
        {"WSASend", [s] { return failed(WSASend(s, &piece, 1, &number, 0, nullptr, nullptr)); }},
        {"WSASendTo",
         [s] {
             return failed(WSASendTo(s, &piece, 1, &number, 0, name.get(), name.length, nullptr, nullptr));
         }},
        {"WSARecv", [s] { return failed(WSARecv(s, &piece, 1, &number, &number, nullptr, nullptr)); }},
        {"WSARecvFrom",
         [s] {
             return failed(WSARecvFrom(s, &piece, 1, &number, &number, nullptr, nullptr, nullptr, nullptr));
         }},
        {"WSASendDisconnect", [s] { return failed(WSASendDisconnect(s, nullptr)); }},
        {"WSARecvDisconnect", [s] { return failed(WSARecvDisconnect(s, nullptr)); }},
        {"WSAGetOverlappedResult",
         [s] { return WSAGetOverlappedResult(s, &overlapped, &number, FALSE, &number) == FALSE; }},
        {"shutdown", [s] { return failed(jl_shutdown(s, SD_BOTH)); }},
        {"getsockname", [s] { return failed(jl_getsockname(s, name.get(), &length)); }},
        {"getpeername", [s] { return failed(jl_getpeername(s, name.get(), &length)); }},
        {"getsockopt", [s] { return failed(jl_getsockopt(s, SOL_SOCKET, SO_TYPE, buffer, &length)); }},
        {"setsockopt", [s] { return failed(jl_setsockopt(s, SOL_SOCKET, SO_REUSEADDR, buffer, 4)); }},
        {"ioctlsocket", [s] { return failed(jl_ioctlsocket(s, static_cast<LONG>(FIONBIO), &value)); }},
        {"WSAIoctl",
         [s] { return failed(WSAIoctl(s, SIO_FLUSH, nullptr, 0, nullptr, 0, &number, nullptr, nullptr)); }},
        {"WSAEventSelect", [s] { return failed(WSAEventSelect(s, WSA_INVALID_EVENT, 0)); }},
        {"WSAEnumNetworkEvents", [s] { return failed(WSAEnumNetworkEvents(s, WSA_INVALID_EVENT, &events)); }},
        {"WSAAsyncSelect", [s] { return failed(WSAAsyncSelect(s, nullptr, 0, 0)); }},
        {"closesocket", [s] { return failed(jl_closesocket(s)); }},
    };
}

// Each call without a socket that still needs a started runtime.
std::vector<named_call> other_calls() {
    static jl_fd_set set;
    static WSAPOLLFD entry{1, POLLIN, 0};
    static DWORD length = 0;
    static timeval no_time{};
    static WSAEVENT nothing = nullptr;
    jl_fd_zero(&set);
    jl_fd_add(1, &set);
    return {
        {"socket", [] { return failed(jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP)); }},
        {"WSASocketA", [] { return failed(WSASocketA(AF_INET, SOCK_DGRAM, IPPROTO_UDP, nullptr, 0, 0)); }},
        {"WSASocketW", [] { return failed(WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, nullptr, 0, 0)); }},
        {"WSAEnumProtocolsA", [] { return failed(WSAEnumProtocolsA(nullptr, nullptr, &length)); }},
        {"WSAEnumProtocolsW", [] { return failed(WSAEnumProtocolsW(nullptr, nullptr, &length)); }},
        {"select", [] { return failed(jl_select(0, &set, nullptr, nullptr, &no_time)); }},
        {"WSAPoll", [] { return failed(WSAPoll(&entry, 1, 0)); }},
        {"WSAWaitForMultipleEvents",
         [] { return WSAWaitForMultipleEvents(1, &nothing, FALSE, 0, FALSE) == WSA_WAIT_FAILED; }},
        {"WSACleanup", [] { return failed(WSACleanup()); }},
    };
}

void expect_all_refused(const std::vector<named_call>& calls, int code) {
    for (const auto& call : calls) {
        WSASetLastError(0);
        EXPECT_TRUE(call.fails()) << call.name;
        EXPECT_EQ(code, WSAGetLastError()) << call.name << ": " << code_name(WSAGetLastError());
    }
}

TEST_F(StartUp, ST_01_JL_01_ER_01_JoinBeforeStartUp_FailsWithNotInitialised) {
    EXPECT_TRUE(refused(plain_join(3, loopback(AF_INET, 9)), WSANOTINITIALISED));
}

TEST_F(StartUp, ST_02_EveryCallBeforeStartUp_FailsWithNotInitialised) {
    expect_all_refused(other_calls(), WSANOTINITIALISED);
}

TEST_F(StartUp, ST_02_NotInitialisedComesBeforeTheBadDescriptor) {
    expect_all_refused(socket_calls(INVALID_SOCKET), WSANOTINITIALISED);
    expect_all_refused(socket_calls(1), WSANOTINITIALISED);
}

TEST_F(StartUp, CT_91_EveryCallOnNoSocket_FailsWithNotSock) {
    ASSERT_EQ(0, start());
    const int pipe_end = ::dup(0); // a descriptor of the process, but no SOCKET
    for (const SOCKET s : {INVALID_SOCKET, SOCKET{999'999}, static_cast<SOCKET>(pipe_end)}) {
        expect_all_refused(socket_calls(s), WSAENOTSOCK);
    }
    ::close(pipe_end);
}

TEST_F(StartUp, ST_03_TheErrorIsReturnedAndTheLastErrorIsLeftAlone) {
    WSASetLastError(4711);
    EXPECT_EQ(WSAVERNOTSUPPORTED, WSAStartup(MAKEWORD(0, 1), &data()));
    EXPECT_EQ(4711, WSAGetLastError());
}

TEST_F(StartUp, ST_04_Version22IsGranted) {
    ASSERT_EQ(0, start());
    EXPECT_EQ(MAKEWORD(2, 2), data().wVersion);
    EXPECT_EQ(MAKEWORD(2, 2), data().wHighVersion);
    EXPECT_EQ(2, LOBYTE(data().wVersion));
}

TEST_F(StartUp, ST_05_LowerVersionsAreGrantedAsAsked) {
    for (const WORD asked : {MAKEWORD(1, 0), MAKEWORD(1, 1), MAKEWORD(2, 0), MAKEWORD(2, 1)}) {
        ASSERT_EQ(0, WSAStartup(asked, &data()));
        EXPECT_EQ(asked, data().wVersion);
        EXPECT_EQ(MAKEWORD(2, 2), data().wHighVersion);
        EXPECT_EQ(0, WSACleanup());
    }
}

TEST_F(StartUp, ST_06_HigherVersionsGetWhatThereIs) {
    for (const WORD asked : {MAKEWORD(2, 3), MAKEWORD(3, 0), MAKEWORD(255, 255)}) {
        ASSERT_EQ(0, WSAStartup(asked, &data()));
        EXPECT_EQ(MAKEWORD(2, 2), data().wVersion);
        EXPECT_EQ(0, WSACleanup());
    }
    ASSERT_EQ(0, start(1, 9));
    EXPECT_EQ(MAKEWORD(1, 1), data().wVersion);
}

TEST_F(StartUp, ST_07_MajorZeroIsRefusedAndNotCounted) {
    EXPECT_EQ(WSAVERNOTSUPPORTED, start(0, 0));
    EXPECT_EQ(WSAVERNOTSUPPORTED, start(0, 255));
    EXPECT_TRUE(refused(WSACleanup(), WSANOTINITIALISED));
}

TEST_F(StartUp, ST_08_NoRoomForTheAnswer_FailsWithFaultAndIsNotCounted) {
    const unreadable_memory nowhere;
    EXPECT_EQ(WSAEFAULT, WSAStartup(MAKEWORD(2, 2), nullptr));
    EXPECT_EQ(WSAEFAULT, WSAStartup(MAKEWORD(2, 2), nowhere.as<WSADATA>()));
    EXPECT_EQ(WSAVERNOTSUPPORTED, WSAStartup(MAKEWORD(0, 1), nullptr));
    EXPECT_TRUE(refused(WSACleanup(), WSANOTINITIALISED));
}

TEST_F(StartUp, ST_09_SocketsWorkUntilTheLastCleanup) {
    ASSERT_EQ(0, start());
    ASSERT_EQ(0, start(1, 1));
    owned_socket s(jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
    ASSERT_TRUE(s);
    EXPECT_EQ(0, WSACleanup());
    EXPECT_TRUE(worked(bind_to(s.get(), loopback(AF_INET))));
    EXPECT_EQ(0, s.close());
    EXPECT_EQ(0, WSACleanup());
    EXPECT_TRUE(refused(jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP), WSANOTINITIALISED));
}

TEST_F(StartUp, ST_10_CleanupWithoutStartUp_FailsWithNotInitialised) {
    EXPECT_TRUE(refused(WSACleanup(), WSANOTINITIALISED));
    ASSERT_EQ(0, start());
    EXPECT_EQ(0, WSACleanup());
    EXPECT_TRUE(refused(WSACleanup(), WSANOTINITIALISED));
}

TEST_F(StartUp, ST_11_TheLastCleanupEndsBlockedReceives) {
    ASSERT_EQ(0, start());
    owned_socket s(jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
    ASSERT_TRUE(worked(bind_to(s.get(), loopback(AF_INET))));
    auto receiving = in_background([&s] {
        char byte = 0;
        const int got = jl_recv(s.get(), &byte, 1, 0);
        return got < 0 ? WSAGetLastError() : 0;
    });
    EXPECT_FALSE(is_done(receiving, vigilance));
    EXPECT_EQ(0, WSACleanup());
    const int code = result_of(receiving, "recv during WSACleanup");
    EXPECT_TRUE(code == WSAEINTR || code == WSAENOTSOCK || code == WSANOTINITIALISED) << code_name(code);
    static_cast<void>(s.release());
}

TEST_F(StartUp, ST_11_TheLastCleanupEndsBlockedAccepts) {
    ASSERT_EQ(0, start());
    owned_socket s(jl_socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
    ASSERT_TRUE(listen_on_loopback(s.get(), AF_INET));
    auto accepting = in_background(
        [&s] { return jl_accept(s.get(), nullptr, nullptr) == INVALID_SOCKET ? WSAGetLastError() : 0; });
    EXPECT_FALSE(is_done(accepting, vigilance));
    EXPECT_EQ(0, WSACleanup());
    const int code = result_of(accepting, "accept during WSACleanup");
    EXPECT_TRUE(code == WSAEINTR || code == WSAENOTSOCK || code == WSANOTINITIALISED) << code_name(code);
    static_cast<void>(s.release());
}

TEST_F(StartUp, ST_11_TheLastCleanupSetsNoEventObject) {
    ASSERT_EQ(0, start());
    owned_socket s(jl_socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
    ASSERT_TRUE(listen_on_loopback(s.get(), AF_INET));
    const owned_event event;
    ASSERT_TRUE(worked(WSAEventSelect(s.get(), event.get(), FD_ACCEPT | FD_READ | FD_CLOSE)));
    EXPECT_EQ(0, WSACleanup());
    static_cast<void>(s.release());
    ASSERT_EQ(0, start()); // to be allowed to look
    EXPECT_FALSE(event.is_set());
}

TEST_F(StartUp, ST_11_TheLastCleanupEndsBlockedAndPendingJoins) {
    ASSERT_EQ(0, start());
    const auto entries = catalog_entries();
    const auto rooted = std::find_if(entries.begin(), entries.end(), [](const WSAPROTOCOL_INFOW& entry) {
        return plan_of(entry) == plan::rooted && entry.iAddressFamily == AF_INET;
    });
    ASSERT_NE(entries.end(), rooted);
    auto entry = *rooted;
    const auto make = [&](DWORD flags) { return WSASocketW(-1, -1, -1, &entry, 0, flags); };
    const SOCKET root = make(root_flags | WSA_FLAG_MULTIPOINT_D_ROOT);
    ASSERT_TRUE(listen_on_loopback(root, AF_INET));
    const auto name = local_name(root);
    const kernel_listener silent(AF_INET);
    const SOCKET blocked = make(leaf_flags);
    auto joining = join_in_background(blocked, {.name = silent.name()});
    const SOCKET pending = make(leaf_flags);
    const owned_event event;
    ASSERT_TRUE(worked(WSAEventSelect(pending, event.get(), FD_CONNECT)));
    ASSERT_EQ(pending, plain_join(pending, name));
    ASSERT_TRUE(readable(static_cast<int>(root)));
    EXPECT_FALSE(is_done(joining, vigilance));
    EXPECT_EQ(0, WSACleanup());
    const auto outcome = result_of(joining, "a join during WSACleanup");
    EXPECT_EQ(INVALID_SOCKET, outcome.socket);
    EXPECT_TRUE(outcome.error == WSAEINTR || outcome.error == WSAENOTSOCK || outcome.error == WSANOTINITIALISED)
        << code_name(outcome.error);
    ASSERT_EQ(0, start());
    EXPECT_FALSE(event.is_set());
}

TEST_F(StartUp, ST_12_OldDescriptorsAreNoSocketsAfterANewStart) {
    ASSERT_EQ(0, start());
    const SOCKET old = jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    ASSERT_NE(INVALID_SOCKET, old);
    EXPECT_EQ(0, WSACleanup());
    EXPECT_TRUE(refused(jl_listen(old, 1), WSANOTINITIALISED));
    ASSERT_EQ(0, start());
    EXPECT_TRUE(refused(bind_to(old, loopback(AF_INET)), WSAENOTSOCK));
    EXPECT_TRUE(refused(jl_closesocket(old), WSAENOTSOCK));
}

TEST_F(StartUp, ST_12_TheRuntimeStartsAgainAndAgain) {
    for (int round = 0; round < 20; ++round) {
        ASSERT_EQ(0, start());
        owned_socket s(jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
        EXPECT_TRUE(worked(bind_to(s.get(), loopback(AF_INET))));
        EXPECT_EQ(0, s.close());
        EXPECT_EQ(0, WSACleanup());
    }
}

TEST_F(StartUp, ST_13_TheLastErrorBelongsToTheThread) {
    ASSERT_EQ(0, start());
    WSASetLastError(4711);
    auto other = in_background([] {
        static_cast<void>(jl_closesocket(INVALID_SOCKET));
        return WSAGetLastError();
    });
    EXPECT_EQ(WSAENOTSOCK, result_of(other, "closesocket"));
    EXPECT_EQ(4711, WSAGetLastError());
}

TEST_F(StartUp, ST_14_TheLastErrorCanBeSetAndIsNotClearedByReading) {
    WSASetLastError(WSAEDQUOT);
    EXPECT_EQ(WSAEDQUOT, WSAGetLastError());
    EXPECT_EQ(WSAEDQUOT, WSAGetLastError());
    WSASetLastError(0);
    EXPECT_EQ(0, WSAGetLastError());
}

TEST_F(StartUp, ST_16_CancelWithNothingBlocked_FailsWithInval) {
    ASSERT_EQ(0, start());
    EXPECT_TRUE(refused(WSACancelBlockingCall(), WSAEINVAL));
}

} // namespace
} // namespace joinleaf::test
