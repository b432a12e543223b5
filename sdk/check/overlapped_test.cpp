// SPDX-License-Identifier: Apache-2.0
//
// The overlapped attribute while there are no overlapped operations: a structure is refused on an overlapped
// socket and ignored on another (clauses CT-60, IO-40, IO-41).
#include "tests/support/event_watch.hpp"
#include "tests/support/session.hpp"

namespace joinleaf::test {
namespace {

class Overlapped : public runtime_test {
  protected:
    static owned_socket bound(DWORD flags) {
        owned_socket s(WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, nullptr, 0, flags));
        EXPECT_TRUE(worked(bind_to(s.get(), loopback(AF_INET))));
        return s;
    }
    int send_overlapped(SOCKET s, const address& to) {
        return WSASendTo(s, &piece_, 1, &bytes_, 0, to.get(), to.length, &overlapped_, nullptr);
    }
    int receive_overlapped(SOCKET s) {
        return WSARecv(s, &piece_, 1, &bytes_, &flags_, &overlapped_, nullptr);
    }

    char room_[8] = "payload";
    WSABUF piece_{7, room_};
    DWORD bytes_ = 0;
    DWORD flags_ = 0;
    WSAOVERLAPPED overlapped_{};
};

TEST_F(Overlapped, CT_60_IO_40_WithoutTheFlagTheStructureIsIgnored) {
    const auto s = bound(0);
    ASSERT_TRUE(worked(send_overlapped(s.get(), local_name(s.get()))));
    EXPECT_EQ(7U, bytes_);
    ASSERT_TRUE(readable(s.fd()));
    ASSERT_TRUE(worked(receive_overlapped(s.get())));
    EXPECT_EQ(7U, bytes_);
}

TEST_F(Overlapped, CT_60_WithTheFlagTheOperationIsNotSupportedAndNotStarted) {
    const auto s = bound(WSA_FLAG_OVERLAPPED);
    const owned_socket plain(jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
    ASSERT_TRUE(worked(bind_to(plain.get(), loopback(AF_INET))));
    for (const auto* one : {&s, &plain}) {
        EXPECT_TRUE(refused(send_overlapped(one->get(), local_name(one->get())), WSAEOPNOTSUPP));
        EXPECT_TRUE(stays_silent(one->get())) << "nothing was sent";
        EXPECT_TRUE(refused(receive_overlapped(one->get()), WSAEOPNOTSUPP));
    }
}

TEST_F(Overlapped, IO_41_WithoutAStructureTheCallIsOrdinary) {
    const auto s = bound(WSA_FLAG_OVERLAPPED);
    const auto to = local_name(s.get());
    ASSERT_TRUE(worked(WSASendTo(s.get(), &piece_, 1, &bytes_, 0, to.get(), to.length, nullptr, nullptr)));
    ASSERT_TRUE(readable(s.fd()));
    ASSERT_TRUE(worked(WSARecv(s.get(), &piece_, 1, &bytes_, &flags_, nullptr, nullptr)));
    EXPECT_EQ(7U, bytes_);
}

TEST_F(Overlapped, TheOtherCallsOfTheNextStageAnswerNotSupported) {
    const auto s = bound(WSA_FLAG_OVERLAPPED);
    WSASetLastError(0);
    EXPECT_FALSE(WSAGetOverlappedResult(s.get(), &overlapped_, &bytes_, FALSE, &flags_));
    EXPECT_NE(0, WSAGetLastError());
    HANDLE handle = nullptr;
    EXPECT_TRUE(failed(WSAProviderConfigChange(&handle, nullptr, nullptr)));
    EXPECT_NE(0, WSAGetLastError());
    WSAPROTOCOL_INFOW info{};
    EXPECT_TRUE(failed(WSADuplicateSocketW(s.get(), static_cast<DWORD>(::getpid()), &info)));
    EXPECT_NE(0, WSAGetLastError());
}

} // namespace
} // namespace joinleaf::test
