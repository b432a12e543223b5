// SPDX-License-Identifier: Apache-2.0
//
// A SOCKET in poll and epoll, select and WSAPoll: level-triggered, and true without a call of the library.
#include "tests/support/bad_memory.hpp"
#include "tests/support/event_watch.hpp"
#include "tests/support/session_fixture.hpp"

#include <sys/epoll.h>

namespace joinleaf::test {
namespace {

constexpr std::chrono::milliseconds now{0};

// An epoll set with one socket in it.
class epoll_set {
  public:
    explicit epoll_set(const owned_socket& s) : fd_(::epoll_create1(EPOLL_CLOEXEC)) {
        epoll_event wanted{};
        wanted.events = EPOLLIN;
        EXPECT_EQ(0, ::epoll_ctl(fd_, EPOLL_CTL_ADD, s.fd(), &wanted));
    }
    epoll_set(const epoll_set&) = delete;
    epoll_set& operator=(const epoll_set&) = delete;
    ~epoll_set() { ::close(fd_); }
    [[nodiscard]] bool says_readable(std::chrono::milliseconds limit = patience) const {
        epoll_event got{};
        return ::epoll_wait(fd_, &got, 1, static_cast<int>(limit.count())) == 1 && (got.events & EPOLLIN) != 0;
    }

  private:
    int fd_;
};

// The sockets of one direction that select finds ready within the time.
int select_one(SOCKET s, char direction, std::chrono::milliseconds limit) {
    jl_fd_set set;
    jl_fd_zero(&set);
    jl_fd_add(s, &set);
    timeval wait{limit.count() / 1000, limit.count() % 1000 * 1000};
    const int count = jl_select(0, direction == 'r' ? &set : nullptr, direction == 'w' ? &set : nullptr,
                                direction == 'x' ? &set : nullptr, &wait);
    EXPECT_EQ(count == 1, jl_fd_isset(s, &set) != 0 && count > 0);
    return count;
}

SHORT poll_one(SOCKET s, SHORT events, std::chrono::milliseconds limit) {
    WSAPOLLFD entry{s, events, 0};
    const int count = WSAPoll(&entry, 1, static_cast<INT>(limit.count()));
    EXPECT_NE(SOCKET_ERROR, count) << last_failure();
    EXPECT_EQ(count == 1, entry.revents != 0);
    return entry.revents;
}

class Readiness : public session_test {};

TEST_P(Readiness, AListenerIsReadableWhileARequestIsQueued) {
    const auto listener = built() == way::invite ? make_listening_leaf() : make_listening_root();
    const epoll_set set(listener);
    EXPECT_FALSE(readable(listener.fd(), now));
    EXPECT_EQ(0, select_one(listener.get(), 'r', now));
    EXPECT_EQ(0, poll_one(listener.get(), POLLIN, now));
    const auto joiner = built() == way::invite ? make_root() : make_leaf();
    ASSERT_TRUE(set_nonblocking(joiner.get()));
    const SOCKET started = plain_join(joiner.get(), local_name(listener.get()));
    const owned_socket leaf(started == joiner.get() ? INVALID_SOCKET : started);
    EXPECT_TRUE(readable(listener.fd()));
    EXPECT_TRUE(readable(listener.fd(), now)) << "level-triggered";
    EXPECT_TRUE(set.says_readable());
    EXPECT_TRUE(set.says_readable(now)) << "level-triggered in epoll, too";
    EXPECT_EQ(1, select_one(listener.get(), 'r', patience));
    EXPECT_NE(0, poll_one(listener.get(), POLLIN, patience) & POLLIN);
    const auto accepted = admit(listener.get());
    EXPECT_TRUE(eventually([&] { return !readable(listener.fd(), now); }));
    EXPECT_EQ(0, select_one(listener.get(), 'r', now));
}

TEST_P(Readiness, AMemberIsReadableWhileDataIsQueued) {
    const auto root = make_listening_root();
    const auto one = add_leaf(root);
    const epoll_set of_leaf(one.leaf);
    const epoll_set of_root(root);
    EXPECT_FALSE(of_leaf.says_readable(now));
    EXPECT_FALSE(of_root.says_readable(now));
    ASSERT_EQ(3, send_text(root.get(), "abc"));
    ASSERT_EQ(3, send_text(root.get(), "def"));
    EXPECT_TRUE(of_leaf.says_readable());
    EXPECT_EQ(1, select_one(one.leaf.get(), 'r', patience));
    EXPECT_EQ("abc", receive_text(one.leaf.get()).value_or("nothing"));
    EXPECT_TRUE(of_leaf.says_readable()) << "the second message is left";
    EXPECT_EQ("def", next_text(one.leaf.get()).value_or("nothing"));
    EXPECT_TRUE(eventually([&] { return !of_leaf.says_readable(now); }));
    ASSERT_EQ(3, send_text(one.leaf.get(), "ghi"));
    EXPECT_TRUE(of_root.says_readable());
    EXPECT_NE(0, poll_one(root.get(), POLLIN, patience) & POLLIN);
    EXPECT_EQ("ghi", receive_text(root.get()).value_or("nothing"));
    EXPECT_TRUE(eventually([&] { return !of_root.says_readable(now); }));
}

// Takes in vain, more often than a provider needs to see that it is polled.
void poll_in_vain(const owned_socket& s) {
    for (int i = 0; i < 20; ++i) {
        EXPECT_FALSE(receive_text(s.get()));
        EXPECT_EQ(WSAEWOULDBLOCK, WSAGetLastError());
    }
}

TEST_P(Readiness, JLP_8_WhoHasPolledInVainIsToldAllTheSame) {
    const auto root = make_listening_root();
    const auto one = add_leaf(root);
    ASSERT_TRUE(set_nonblocking(root.get()) && set_nonblocking(one.leaf.get()));
    const epoll_set of_leaf(one.leaf);
    const epoll_set of_root(root);
    for (int i = 0; i < 3; ++i) {
        poll_in_vain(one.leaf);
        ASSERT_EQ(3, send_text(root.get(), "abc"));
        EXPECT_TRUE(of_leaf.says_readable());
        EXPECT_EQ("abc", next_text(one.leaf.get()).value_or("nothing"));
        poll_in_vain(root);
        ASSERT_EQ(3, send_text(one.leaf.get(), "def"));
        EXPECT_TRUE(of_root.says_readable());
        EXPECT_EQ("def", next_text(root.get()).value_or("nothing"));
    }
}

TEST_P(Readiness, TheBranchIsReadableForACloseIndicationAndForNothingElse) {
    const auto root = make_listening_root();
    auto one = add_leaf(root);
    const epoll_set set(one.branch);
    ASSERT_EQ(3, send_text(one.leaf.get(), "abc"));
    ASSERT_EQ("abc", next_text(root.get()).value_or("nothing"));
    EXPECT_FALSE(set.says_readable(now));
    EXPECT_EQ(0, one.leaf.close());
    EXPECT_TRUE(set.says_readable());
    EXPECT_TRUE(set.says_readable(now));
    EXPECT_EQ(1, select_one(one.branch.get(), 'r', patience));
}

TEST_P(Readiness, AMemberIsReadableWhenTheSessionHasEnded) {
    auto root = make_listening_root();
    auto one = add_leaf(root);
    EXPECT_EQ(0, root.close());
    EXPECT_TRUE(readable(one.leaf.fd()));
    EXPECT_EQ(1, select_one(one.leaf.get(), 'r', patience));
    EXPECT_TRUE(readable(one.leaf.fd(), now));
}

TEST_P(Readiness, AMemberThatMaySendIsWritableInSelect) {
    const auto root = make_listening_root();
    const auto one = add_leaf(root);
    EXPECT_EQ(1, select_one(one.leaf.get(), 'w', patience));
    EXPECT_EQ(1, select_one(root.get(), 'w', patience));
    EXPECT_NE(0, poll_one(one.leaf.get(), POLLOUT, patience) & POLLOUT);
}

TEST_P(Readiness, AFullQueueIsNotWritableUntilThereIsRoom) {
    const auto root = make_listening_root();
    const auto one = add_leaf(root);
    ASSERT_TRUE(set_nonblocking(root.get()));
    ASSERT_TRUE(set_nonblocking(one.leaf.get()));
    const std::string piece(60'000, 'p');
    std::size_t sent = 0;
    while (send_text(root.get(), piece) > 0 && sent < 20'000) {
        ++sent;
    }
    ASSERT_EQ(WSAEWOULDBLOCK, WSAGetLastError());
    EXPECT_EQ(0, select_one(root.get(), 'w', now));
    auto writable = in_background([&] { return select_one(root.get(), 'w', patience); });
    std::size_t got = 0;
    EXPECT_TRUE(eventually([&] {
        while (const auto part = receive_text(one.leaf.get())) {
            got += part->size();
        }
        return got == sent * piece.size();
    }));
    EXPECT_EQ(1, result_of(writable, "select for writing"));
}

INSTANTIATE_TEST_SUITE_P(Transports, Readiness,
                         ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

class Select : public runtime_test {
  protected:
    static owned_socket bound() {
        owned_socket s(jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
        EXPECT_TRUE(worked(bind_to(s.get(), loopback(AF_INET))));
        return s;
    }
};

TEST_F(Select, OnlyTheReadyOnesStayInTheSet) {
    const auto first = bound();
    const auto second = bound();
    const auto to = local_name(second.get());
    ASSERT_EQ(1, jl_sendto(first.get(), "x", 1, 0, to.get(), to.length));
    jl_fd_set set;
    jl_fd_zero(&set);
    jl_fd_add(first.get(), &set);
    jl_fd_add(second.get(), &set);
    timeval wait{5, 0};
    EXPECT_EQ(1, jl_select(0, &set, nullptr, nullptr, &wait));
    EXPECT_FALSE(jl_fd_isset(first.get(), &set));
    EXPECT_TRUE(jl_fd_isset(second.get(), &set));
}

TEST_F(Select, TheTimeoutEndsIt) {
    const auto s = bound();
    const auto start = clock::now();
    EXPECT_EQ(0, select_one(s.get(), 'r', std::chrono::milliseconds(100)));
    EXPECT_GE(clock::now() - start, std::chrono::milliseconds(99));
}

TEST_F(Select, ADatagramEndsAnInfiniteWait) {
    const auto s = bound();
    const auto sender = bound();
    auto waiting = in_background([&] {
        jl_fd_set set;
        jl_fd_zero(&set);
        jl_fd_add(s.get(), &set);
        return jl_select(0, &set, nullptr, nullptr, nullptr);
    });
    EXPECT_FALSE(is_done(waiting, vigilance));
    const auto to = local_name(s.get());
    ASSERT_EQ(1, jl_sendto(sender.get(), "x", 1, 0, to.get(), to.length));
    EXPECT_EQ(1, result_of(waiting, "select without end"));
}

TEST_F(Select, BadArguments) {
    const auto s = bound();
    jl_fd_set empty;
    jl_fd_zero(&empty);
    timeval wait{0, 0};
    EXPECT_TRUE(refused(jl_select(0, nullptr, nullptr, nullptr, &wait), WSAEINVAL));
    EXPECT_TRUE(refused(jl_select(0, &empty, nullptr, nullptr, &wait), WSAEINVAL));
    jl_fd_set set;
    jl_fd_zero(&set);
    jl_fd_add(s.get(), &set);
    jl_fd_add(999'999, &set);
    EXPECT_TRUE(refused(jl_select(0, &set, nullptr, nullptr, &wait), WSAENOTSOCK));
    const unreadable_memory nowhere;
    EXPECT_TRUE(refused(jl_select(0, nowhere.as<jl_fd_set>(), nullptr, nullptr, &wait), WSAEFAULT));
    timeval negative{-1, 0};
    jl_fd_zero(&set);
    jl_fd_add(s.get(), &set);
    EXPECT_TRUE(refused(jl_select(0, &set, nullptr, nullptr, &negative), WSAEINVAL));
}

TEST_F(Select, EV_50_WSAPollKnowsBadSocketsAndSkippedEntries) {
    const auto s = bound();
    WSAPOLLFD entries[3] = {{INVALID_SOCKET, POLLIN, 7}, {999'999, POLLIN, 0}, {s.get(), POLLOUT, 0}};
    EXPECT_EQ(2, WSAPoll(entries, 3, 0));
    EXPECT_EQ(0, entries[0].revents);
    EXPECT_EQ(POLLNVAL, entries[1].revents);
    EXPECT_EQ(POLLOUT, entries[2].revents);
    EXPECT_TRUE(refused(WSAPoll(entries, 0, 0), WSAEINVAL));
    const unreadable_memory nowhere;
    EXPECT_TRUE(refused(WSAPoll(nowhere.as<WSAPOLLFD>(), 1, 0), WSAEFAULT));
}

} // namespace
} // namespace joinleaf::test
