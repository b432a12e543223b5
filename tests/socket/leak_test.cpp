// SPDX-License-Identifier: Apache-2.0
//
// LC-20: after everything is closed, descriptors, threads and memory are back where they were; a thousand
// times over.
#include "tests/support/event_watch.hpp"
#include "tests/support/footprint.hpp"
#include "tests/support/overlapped_call.hpp"
#include "tests/support/session_fixture.hpp"

#include <malloc.h>

#include <algorithm>

namespace joinleaf::test {
namespace {

constexpr int rounds = 1000;

// A thread that waits in the library has one descriptor of its own until the thread ends; this makes it.
void wait_once() {
    const owned_event event;
    const WSAEVENT handle = event.get();
    EXPECT_EQ(static_cast<DWORD>(WSA_WAIT_TIMEOUT), WSAWaitForMultipleEvents(1, &handle, FALSE, 1, FALSE));
}

class Leak : public session_test {
  protected:
    // Joins in this thread alone, so that only the library's threads count.
    member join_nonblocking(SOCKET root, SOCKET door) {
        member made;
        if (built() == way::ask) {
            made.leaf = make_leaf();
        }
        const SOCKET joiner = built() == way::invite ? root : made.leaf.get();
        const SOCKET listener = built() == way::invite ? door : root;
        const event_watch watch(joiner, FD_CONNECT);
        const SOCKET started = plain_join(joiner, local_name(listener));
        EXPECT_TRUE(worked(started));
        auto accepted = admit(listener);
        EXPECT_EQ(0, watch.code(FD_CONNECT));
        EXPECT_TRUE(worked(WSAEventSelect(joiner, nullptr, 0)));
        if (built() == way::invite) {
            made.branch = owned_socket(started);
            made.leaf = std::move(accepted);
        } else {
            made.branch = std::move(accepted);
        }
        return made;
    }
};

TEST_P(Leak, LC_20_AThousandJoinsAndClosesLeaveNothingBehind) {
    auto root = make_listening_root();
    auto door = make_listening_leaf();
    ASSERT_TRUE(set_nonblocking(root.get()) && set_nonblocking(door.get()));
    wait_once();
    static_cast<void>(join_nonblocking(root.get(), door.get())); // what is made once is made now
    ASSERT_TRUE(eventually([&] { return send_text(root.get(), "x") == SOCKET_ERROR; }));
    const footprint before;
    for (int round = 0; round < rounds; ++round) {
        auto one = join_nonblocking(root.get(), door.get());
        if (round % 10 == 0) {
            EXPECT_EQ(1, send_text(root.get(), "x"));
            EXPECT_EQ("x", next_text(one.leaf.get()).value_or("nothing"));
        }
        if (round % 2 == 0) { // either side may be the first to close
            EXPECT_EQ(0, one.branch.close());
        }
        ASSERT_FALSE(HasFailure()) << "round " << round;
    }
    EXPECT_TRUE(is_back_at(before));
}

TEST_P(Leak, LC_20_FailedAndCancelledJoinsLeaveNothingBehind) {
    auto root = make_listening_root();
    auto door = make_listening_leaf();
    ASSERT_TRUE(set_nonblocking(root.get()) && set_nonblocking(door.get()));
    const auto nobody = loopback(family(), free_port(family(), SOCK_STREAM));
    const auto attempt = [&](int round) {
        auto joiner = built() == way::invite ? make_root() : make_leaf();
        const event_watch watch(joiner.get(), FD_CONNECT);
        const bool fails = round % 2 == 0;
        const SOCKET started = plain_join(
            joiner.get(), fails ? nobody : local_name(built() == way::invite ? door.get() : root.get()));
        EXPECT_TRUE(worked(started));
        const owned_socket leaf(started == joiner.get() ? INVALID_SOCKET : started);
        if (fails) {
            EXPECT_EQ(WSAECONNREFUSED, watch.code(FD_CONNECT));
        }
    };
    wait_once();
    attempt(0);
    attempt(1);
    const SOCKET listener = built() == way::invite ? door.get() : root.get();
    const auto drain = [&] {
        return eventually([&] {
            const owned_socket taken(jl_accept(listener, nullptr, nullptr));
            return !taken && WSAGetLastError() == WSAEWOULDBLOCK;
        });
    };
    ASSERT_TRUE(drain());
    const footprint before;
    for (int round = 0; round < rounds / 2; ++round) {
        attempt(round);
        ASSERT_FALSE(HasFailure()) << "round " << round;
        if (round % 16 == 15) {
            ASSERT_TRUE(drain());
        }
    }
    ASSERT_TRUE(drain());
    EXPECT_TRUE(is_back_at(before));
}

INSTANTIATE_TEST_SUITE_P(Transports, Leak, ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

class SocketLeak : public transport_test {};

TEST_P(SocketLeak, LC_20_OverlappedOperationsPortsAndThreadsLeaveNothingBehind) {
    const auto use_one = [&](int round) {
        auto s = make_ordinary();
        const HANDLE port = jl_create_io_completion_port(INVALID_HANDLE_VALUE, nullptr, 0, 0);
        ASSERT_NE(nullptr, port) << last_failure();
        if (round % 2 == 0) {
            EXPECT_EQ(port, jl_create_io_completion_port(event_handle(s.get()), port, 1, 0));
        }
        overlapped_call call;
        if (which().kind != plan::stream) {
            ASSERT_TRUE(worked(bind_to(s.get(), loopback(family()))));
            std::thread([&] {
                EXPECT_EQ(WSA_IO_PENDING, call.receive(s.get()));
                EXPECT_TRUE(jl_close_handle(jl_open_current_thread()));
            }).join();
        }
        EXPECT_TRUE(jl_post_queued_completion_status(port, 0, 0, nullptr));
        EXPECT_EQ(0, s.close());
        EXPECT_TRUE(jl_close_handle(port));
    };
    if (which().kind != plan::nonrooted && which().kind != plan::stream) {
        GTEST_SKIP() << "the entry serves no ordinary sockets";
    }
    use_one(0);
    use_one(1);
    const footprint before;
    for (int round = 0; round < rounds / 4; ++round) {
        use_one(round);
        ASSERT_FALSE(HasFailure()) << "round " << round;
    }
    EXPECT_TRUE(is_back_at(before));
}

TEST_P(SocketLeak, LC_20_AThousandSocketsLeaveNothingBehind) {
    const DWORD flags = has(XP1_SUPPORT_MULTIPOINT) ? leaf_flags : DWORD{WSA_FLAG_OVERLAPPED};
    const owned_event event;
    const auto use_one = [&] {
        auto s = make(flags);
        ASSERT_TRUE(worked(bind_to(s.get(), loopback(family()))));
        ASSERT_TRUE(worked(WSAEventSelect(s.get(), event.get(), FD_READ | FD_ACCEPT | FD_CLOSE)));
        EXPECT_EQ(0, s.close());
    };
    use_one();
    const footprint before;
    for (int round = 0; round < rounds; ++round) {
        use_one();
        ASSERT_FALSE(HasFailure()) << "round " << round;
    }
    EXPECT_TRUE(is_back_at(before));
}

TEST_P(SocketLeak, LC_20_LC_06_AThousandMembershipsLeaveNothingBehind) {
    if (which().kind != plan::nonrooted) {
        GTEST_SKIP() << "the entry's sessions have a root";
    }
    const auto group = fresh_group(family());
    const auto join_one = [&] {
        auto s = make_leaf();
        ASSERT_EQ(s.get(), plain_join(s.get(), group)) << last_failure();
        ASSERT_EQ(1, send_text(s.get(), "x"));
        EXPECT_EQ("x", next_text(s.get()).value_or("nothing"));
    };
    join_one();
    const footprint before;
    for (int round = 0; round < rounds; ++round) {
        join_one();
        ASSERT_FALSE(HasFailure()) << "round " << round;
    }
    EXPECT_TRUE(is_back_at(before));
}

INSTANTIATE_TEST_SUITE_P(Transports, SocketLeak, ::testing::ValuesIn(all_transports()), transport_name());

// Without a fixture's runtime: the start itself must leave nothing.
TEST(RuntimeLeak, LC_20_ST_09_AHundredStartsLeaveNothingBehind) {
    const auto start_and_end = [](bool with_session) {
        ASSERT_TRUE(start_runtime(configuration()));
        if (with_session) { // a loop runs only once something needs it
            const owned_socket s(jl_socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
            ASSERT_TRUE(listen_on_loopback(s.get(), AF_INET));
            const owned_event event;
            ASSERT_TRUE(worked(WSAEventSelect(s.get(), event.get(), FD_ACCEPT)));
        }
        ASSERT_EQ(0, WSACleanup());
    };
    start_and_end(true);
    start_and_end(false);
    const footprint before;
    for (int round = 0; round < 100; ++round) {
        start_and_end(round % 2 == 0);
    }
    EXPECT_TRUE(is_back_at(before));
}

TEST(RuntimeLeak, LC_20_MemoryDoesNotGrowWithJoins) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "the sanitizer has an allocator of its own; it reports leaks itself";
#else
    ASSERT_TRUE(start_runtime(configuration()));
    const auto in_use = [] { return ::mallinfo2().uordblks + ::mallinfo2().hblkhd; };
    {
        const auto entries = catalog_entries();
        const auto found = std::find_if(entries.begin(), entries.end(), [](const WSAPROTOCOL_INFOW& entry) {
            return plan_of(entry) == plan::rooted && entry.iAddressFamily == AF_INET;
        });
        ASSERT_NE(entries.end(), found);
        auto entry = *found;
        const auto make = [&](DWORD flags) { return owned_socket(WSASocketW(-1, -1, -1, &entry, 0, flags)); };
        const auto root = make(root_flags | WSA_FLAG_MULTIPOINT_D_ROOT);
        ASSERT_TRUE(listen_on_loopback(root.get(), AF_INET));
        const auto join_once = [&] {
            const auto leaf = make(leaf_flags);
            ASSERT_TRUE(set_nonblocking(leaf.get()));
            ASSERT_EQ(leaf.get(), plain_join(leaf.get(), local_name(root.get())));
            ASSERT_TRUE(readable(root.fd()));
            const owned_socket branch(jl_accept(root.get(), nullptr, nullptr));
            ASSERT_TRUE(branch) << last_failure();
        };
        for (int round = 0; round < 200; ++round) {
            join_once();
        }
        const auto before = in_use();
        for (int round = 0; round < rounds; ++round) {
            join_once();
        }
        const auto limit = before + 256 * 1024; // a leak of 256 bytes a join would be found
        EXPECT_TRUE(eventually([&] { return in_use() < limit; }))
            << before << " bytes before, " << in_use() << " now";
    }
    EXPECT_EQ(0, WSACleanup());
#endif
}

} // namespace
} // namespace joinleaf::test
