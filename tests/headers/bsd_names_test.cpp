// SPDX-License-Identifier: Apache-2.0
// The two faces of winsock2.h in one source file: first beside libc's names, then over them.
#define JOINLEAF_NO_BSD_NAMES
#include <joinleaf/winsock2.h>

#include <type_traits>

#include <gtest/gtest.h>
#include <unistd.h>

#if defined(socket) || defined(bind) || defined(listen) || defined(accept) || defined(connect) ||            \
    defined(send) || defined(recv) || defined(sendto) || defined(recvfrom) || defined(shutdown) ||           \
    defined(select) || defined(getsockopt) || defined(setsockopt) || defined(getsockname) ||                 \
    defined(getpeername) || defined(ioctlsocket) || defined(closesocket) || defined(fd_set) ||               \
    defined(u_long)
#error "JOINLEAF_NO_BSD_NAMES leaves the plain names alone"
#endif
static_assert(FD_SETSIZE == __FD_SETSIZE);
static_assert(sizeof(fd_set) == FD_SETSIZE / 8);
static_assert(sizeof(u_long) == sizeof(long));
static_assert(std::is_same_v<decltype(select), int(int, fd_set*, fd_set*, fd_set*, timeval*)>);
static_assert(FD_CONNECT == 0x10 && FD_MAX_EVENTS == 10);

namespace {

// Asks libc's select, through libc's fd_set, whether fd has something to read.
bool readable_by_libc(int fd) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    timeval at_once = {};
    return select(fd + 1, &set, nullptr, nullptr, &at_once) == 1 && FD_ISSET(fd, &set);
}

using libc_fd_set = fd_set;

} // namespace

#undef JOINLEAF_NO_BSD_NAMES
#include <joinleaf/winsock2.h>

static_assert(FD_SETSIZE == 64);
static_assert(std::is_same_v<fd_set, jl_fd_set>);
static_assert(!std::is_same_v<fd_set, libc_fd_set>);
static_assert(std::is_same_v<u_long, jl_u_long>);
static_assert(std::is_same_v<decltype(select), int(int, fd_set*, fd_set*, fd_set*, const timeval*)>);
static_assert(std::is_same_v<decltype(socket), SOCKET(int, int, int)>);
static_assert(std::is_same_v<decltype(bind), int(SOCKET, const sockaddr*, int)>);
static_assert(std::is_same_v<decltype(listen), int(SOCKET, int)>);
static_assert(std::is_same_v<decltype(accept), SOCKET(SOCKET, sockaddr*, int*)>);
static_assert(std::is_same_v<decltype(connect), int(SOCKET, const sockaddr*, int)>);
static_assert(std::is_same_v<decltype(send), int(SOCKET, const void*, int, int)>);
static_assert(std::is_same_v<decltype(recv), int(SOCKET, void*, int, int)>);
static_assert(std::is_same_v<decltype(sendto), int(SOCKET, const void*, int, int, const sockaddr*, int)>);
static_assert(std::is_same_v<decltype(recvfrom), int(SOCKET, void*, int, int, sockaddr*, int*)>);
static_assert(std::is_same_v<decltype(shutdown), int(SOCKET, int)>);
static_assert(std::is_same_v<decltype(getsockopt), int(SOCKET, int, int, void*, int*)>);
static_assert(std::is_same_v<decltype(setsockopt), int(SOCKET, int, int, const void*, int)>);
static_assert(std::is_same_v<decltype(getsockname), int(SOCKET, sockaddr*, int*)>);
static_assert(std::is_same_v<decltype(getpeername), int(SOCKET, sockaddr*, int*)>);
static_assert(std::is_same_v<decltype(ioctlsocket), int(SOCKET, LONG, u_long*)>);
static_assert(std::is_same_v<decltype(closesocket), int(SOCKET)>);

namespace {

TEST(BsdNames, NotMapped_SelectIsLibcs) {
    int ends[2] = {-1, -1};
    ASSERT_EQ(pipe(ends), 0);
    EXPECT_FALSE(readable_by_libc(ends[0]));
    EXPECT_EQ(write(ends[1], "x", 1), 1);
    EXPECT_TRUE(readable_by_libc(ends[0]));
    close(ends[0]);
    close(ends[1]);
}

TEST(BsdNames, Mapped_SetHoldsEachSocketOnce) {
    fd_set set;
    FD_ZERO(&set);
    EXPECT_EQ(set.fd_count, 0u);
    FD_SET(5, &set);
    FD_SET(100000u, &set);
    FD_SET(5, &set);
    EXPECT_EQ(set.fd_count, 2u);
    EXPECT_TRUE(FD_ISSET(5, &set));
    EXPECT_TRUE(FD_ISSET(100000u, &set));
    EXPECT_FALSE(FD_ISSET(6, &set));
}

TEST(BsdNames, Mapped_SetForgetsOnlyWhatIsCleared) {
    fd_set set;
    FD_ZERO(&set);
    for (SOCKET s = 1; s <= 3; ++s) {
        FD_SET(s, &set);
    }
    FD_CLR(2, &set);
    FD_CLR(9, &set);
    ASSERT_EQ(set.fd_count, 2u);
    EXPECT_EQ(set.fd_array[0], 1u);
    EXPECT_EQ(set.fd_array[1], 3u);
}

TEST(BsdNames, Mapped_FullSetTakesNoMore) {
    fd_set set;
    FD_ZERO(&set);
    for (SOCKET s = 1; s <= FD_SETSIZE + 1; ++s) {
        FD_SET(s, &set);
    }
    EXPECT_EQ(set.fd_count, static_cast<UINT>(FD_SETSIZE));
    EXPECT_TRUE(FD_ISSET(FD_SETSIZE, &set));
    EXPECT_FALSE(FD_ISSET(FD_SETSIZE + 1, &set));
}

} // namespace
