// SPDX-License-Identifier: Apache-2.0
//
// Where the runtime and the provider meet: whose the descriptors, the codes and the memory are (clauses CT-84 ... CT-87, JL-86, and
// what a join answers when the system has nothing left).
#include "tests/support/event_watch.hpp"
#include "tests/support/session_fixture.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>

namespace joinleaf::test {
namespace {

class Border : public transport_test {
  protected:
    [[nodiscard]] DWORD role() const {
        return has(XP1_SUPPORT_MULTIPOINT) ? leaf_flags : DWORD{WSA_FLAG_OVERLAPPED};
    }
};

TEST_P(Border, CT_86_CT_87_JLP_10_ASocketIsADescriptorUntilItIsClosed) {
    auto s = make(role());
    const SOCKET number = s.get();
    EXPECT_NE(-1, ::fcntl(s.fd(), F_GETFD));
    EXPECT_EQ(0, s.close());
    EXPECT_TRUE(refused(bind_to(number, loopback(family())), WSAENOTSOCK));
    EXPECT_TRUE(refused(jl_closesocket(number), WSAENOTSOCK));
}

TEST_P(Border, CT_87_CT_91_AForeignDescriptorIsNoSocket) {
    const auto s = make(role());
    const int foreign = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ASSERT_GE(foreign, 0);
    EXPECT_TRUE(refused(bind_to(static_cast<SOCKET>(foreign), loopback(family())), WSAENOTSOCK));
    EXPECT_TRUE(refused(jl_closesocket(static_cast<SOCKET>(foreign)), WSAENOTSOCK));
    EXPECT_EQ(0, ::close(foreign)) << "it is still what it was";
}

TEST_P(Border, CT_84_CT_85_JLP_5_JLP_6_TheProvidersCodeBecomesTheLastError) {
    const auto s = make(role());
    const auto nowhere = make_address(family() == AF_INET6 ? "2001:db8::77" : "192.0.2.77", 0);
    WSASetLastError(0);
    EXPECT_TRUE(refused(bind_to(s.get(), nowhere), WSAEADDRNOTAVAIL)) << "no address of this host";
    EXPECT_TRUE(worked(bind_to(s.get(), loopback(family())))) << "the refusal leaves the socket as it was";
}

INSTANTIATE_TEST_SUITE_P(Transports, Border, ::testing::ValuesIn(all_transports()), transport_name());

class RootBorder : public root_test {};

TEST_P(RootBorder, ER_21_NoDescriptorForTheNewSocket_FailsWithMFileAndLaterWorks) {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "the sanitizer's own checks need descriptors";
#endif
    need(way::invite);
    const auto door = make_listening_leaf();
    const auto root = make_root();
    const auto name = local_name(door.get());
    rlimit before{};
    ASSERT_EQ(0, ::getrlimit(RLIMIT_NOFILE, &before));
    const rlimit none{3, before.rlim_max};
    ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &none));
    const SOCKET got = plain_join(root.get(), name);
    const int code = WSAGetLastError();
    ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &before));
    EXPECT_EQ(INVALID_SOCKET, got);
    EXPECT_EQ(WSAEMFILE, code) << code_name(code);
    EXPECT_TRUE(invite(root.get()).leaf);
}

// Memory that is gone as soon as it is given back, so that a kept pointer would be noticed.
class lent_memory {
  public:
    lent_memory()
        : page_(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {}
    lent_memory(const lent_memory&) = delete;
    lent_memory& operator=(const lent_memory&) = delete;
    ~lent_memory() { give_back(); }
    template <class T> [[nodiscard]] T* at(std::size_t offset) const {
        return reinterpret_cast<T*>(static_cast<char*>(page_) + offset);
    }
    void give_back() {
        if (page_ != nullptr) {
            ::munmap(page_, size);
            page_ = nullptr;
        }
    }

  private:
    static constexpr std::size_t size = 4096;
    void* page_;
};

TEST_P(RootBorder, JL_86_JLP_17_NothingOfTheCallersMemoryIsKept) {
    need(way::ask);
    const auto root = make_listening_root();
    const auto leaf = make_leaf();
    lent_memory memory;
    const auto name = local_name(root.get());
    std::memcpy(memory.at<char>(0), name.get(), static_cast<std::size_t>(name.length));
    auto* const caller = memory.at<WSABUF>(256);
    auto* const callee = memory.at<WSABUF>(320);
    *caller = {has(XP1_CONNECT_DATA) ? 3U : 0U, memory.at<char>(512)};
    *callee = {8, memory.at<char>(1024)};
    std::memcpy(memory.at<char>(512), "who", 3);
    auto joining = in_background([&] {
        return WSAJoinLeaf(leaf.get(), memory.at<sockaddr>(0), name.length, caller, callee, nullptr, nullptr,
                           JL_BOTH);
    });
    const auto branch = admit(root.get());
    ASSERT_EQ(leaf.get(), result_of(joining, "WSAJoinLeaf"));
    memory.give_back();
    ASSERT_EQ(2, send_text(root.get(), "on"));
    EXPECT_EQ("on", next_text(leaf.get()).value_or("nothing"));
    ASSERT_EQ(4, send_text(leaf.get(), "back"));
    EXPECT_EQ("back", next_text(root.get()).value_or("nothing"));
}

INSTANTIATE_TEST_SUITE_P(Transports, RootBorder, ::testing::ValuesIn(session_transports()), transport_name());

class GroupBorder : public transport_test {};

TEST_P(GroupBorder, JL_17_ER_14_NoRoomForAnotherMembership_FailsWithNoBufs) {
    const auto s = make_leaf();
    need_bsd_options(s.get());
    if (family() == AF_INET6) {
        GTEST_SKIP() << "a limit of memberships for each socket, which IPv4 has";
    }
    ASSERT_TRUE(worked(bind_to(s.get(), any_address(family()))));
    ip_mreq request{};
    int joined = 0;
    constexpr int many = 4096; // beyond net.ipv4.igmp_max_memberships of any machine
    do {
        request.imr_multiaddr = fresh_group(family()).four().sin_addr;
    } while (jl_setsockopt(s.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request) == 0 &&
             ++joined < many);
    ASSERT_LT(joined, many);
    EXPECT_EQ(WSAENOBUFS, WSAGetLastError()) << last_failure();
    EXPECT_TRUE(refused(plain_join(s.get(), fresh_group(family())), WSAENOBUFS));
}

INSTANTIATE_TEST_SUITE_P(Transports, GroupBorder, ::testing::ValuesIn(transports_of({plan::nonrooted})),
                         transport_name());

} // namespace
} // namespace joinleaf::test
