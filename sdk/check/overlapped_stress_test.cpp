// SPDX-License-Identifier: Apache-2.0
//
// Exactly one indication for each operation that began, whatever threads do at the same time: start, cancel,
// close, end (clauses IO-43, IO-50, LC-17).
#include "tests/support/channel.hpp"
#include "tests/support/overlapped_call.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <random>
#include <set>
#include <thread>

namespace joinleaf::test {
namespace {

constexpr int rounds = 12;
constexpr int starters = 3;
constexpr int calls_each = 60;

// One operation and how often it was told.
struct counted {
    WSAOVERLAPPED state{};
    std::array<char, 32> room{};
    std::atomic<int> told{0};
    bool begun = false;
};

thread_local int told_in_this_thread = 0;

void CALLBACK tell(DWORD /*code*/, DWORD /*bytes*/, LPWSAOVERLAPPED state, DWORD /*flags*/) {
    reinterpret_cast<counted*>(state)->told.fetch_add(1); // its first member
    ++told_in_this_thread;
}

bool is_documented(int code) {
    static const std::set<int> all{0,
                                   WSA_IO_PENDING,
                                   WSAENOTSOCK,
                                   WSAENOTCONN,
                                   WSAECONNRESET,
                                   WSAESHUTDOWN,
                                   WSAECONNABORTED,
                                   WSAEWOULDBLOCK,
                                   WSAEDISCON,
                                   WSAEINTR};
    return all.contains(code);
}

class OverlappedStress : public channel_test {
  protected:
    using batch = std::vector<std::unique_ptr<counted>>;

    static batch make_batch() {
        batch all;
        for (int i = 0; i < calls_each; ++i) {
            all.push_back(std::make_unique<counted>());
        }
        return all;
    }

    static bool all_are_told(const std::vector<batch>& all) {
        return std::ranges::all_of(all, [](const batch& part) {
            return std::ranges::all_of(part, [](const auto& one) { return !one->begun || one->told > 0; });
        });
    }

    // Whose sockets are reset when they are closed: what nobody reads does not hold them up.
    channel open_hard() {
        auto made = open();
        const linger hard{1, 0};
        for (const auto* const s : {&made.from, &made.to}) {
            EXPECT_TRUE(worked(jl_setsockopt(s->get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard)));
        }
        return made;
    }

    // The ends of a channel as other threads use them while it is closed.
    struct ends {
        SOCKET from;
        SOCKET to;
    };
    static ends ends_of(const channel& way) { return {way.from.get(), way.to.get()}; }

    // Starts sends and receives on both ends.
    static void start_all(const ends& way, batch& all, unsigned seed,
                          LPWSAOVERLAPPED_COMPLETION_ROUTINE routine) {
        std::minstd_rand random(seed);
        for (auto& one : all) {
            WSABUF buffer{16, one->room.data()};
            DWORD flags = 0;
            const bool sends = random() % 2 == 0;
            const int returned =
                sends ? WSASend(way.from, &buffer, 1, nullptr, 0, &one->state, routine)
                      : WSARecv(way.to, &buffer, 1, nullptr, &flags, &one->state, routine);
            const int code = returned == 0 ? 0 : WSAGetLastError();
            one->begun = code == 0 || code == WSA_IO_PENDING;
            EXPECT_TRUE(is_documented(code)) << code_name(code);
        }
    }

    // Cancels, sends and receives in the ordinary way, and at last closes both ends.
    static void disturb(channel& way, unsigned seed, const batch& some) {
        std::minstd_rand random(seed);
        ASSERT_TRUE(set_nonblocking(way.to.get()));
        for (int i = 0; i < 40; ++i) {
            switch (random() % 4) {
            case 0: jl_cancel_io_ex(event_handle(way.to.get()), &some[random() % some.size()]->state); break;
            case 1: jl_cancel_io_ex(event_handle(way.to.get()), nullptr); break;
            case 2: receive_text(way.to.get(), 16); break;
            default: std::this_thread::yield(); break;
            }
        }
        EXPECT_EQ(0, way.to.close());
        EXPECT_EQ(0, way.from.close());
    }
};

TEST_P(OverlappedStress, IO_43_IO_50_RoutinesRunExactlyOnce) {
    for (unsigned round = 0; round < rounds; ++round) {
        auto way = open_hard();
        const auto both = ends_of(way);
        std::vector<batch> all(starters);
        for (auto& one : all) {
            one = make_batch();
        }
        std::atomic<bool> closed{false};
        std::vector<std::thread> threads;
        for (unsigned i = 0; i < starters; ++i) {
            threads.emplace_back([&, i] {
                told_in_this_thread = 0;
                start_all(both, all[i], round * 10 + i, tell);
                while (!closed) {
                    jl_sleep_ex(1, TRUE);
                }
                int begun = 0;
                for (const auto& one : all[i]) {
                    begun += one->begun ? 1 : 0;
                }
                eventually([&] {
                    jl_sleep_ex(0, TRUE);
                    return told_in_this_thread >= begun;
                });
                while (jl_sleep_ex(1, TRUE) == WSA_WAIT_IO_COMPLETION) {} // none too many
                EXPECT_EQ(begun, told_in_this_thread) << "in the thread that began them";
            });
        }
        disturb(way, round, all[0]);
        closed = true;
        for (auto& one : threads) {
            one.join();
        }
        for (const auto& part : all) {
            for (const auto& one : part) {
                ASSERT_EQ(one->begun ? 1 : 0, one->told.load());
                ASSERT_TRUE(HasOverlappedIoCompleted(&one->state));
            }
        }
    }
}

TEST_P(OverlappedStress, IO_53_PacketsComeExactlyOnce) {
    for (unsigned round = 0; round < rounds; ++round) {
        auto way = open_hard();
        const auto both = ends_of(way);
        const HANDLE port = jl_create_io_completion_port(event_handle(way.to.get()), nullptr, 1, starters);
        ASSERT_NE(nullptr, port);
        ASSERT_NE(nullptr, jl_create_io_completion_port(event_handle(way.from.get()), port, 1, 0));
        std::vector<batch> all(starters);
        for (auto& one : all) {
            one = make_batch();
        }
        std::vector<std::thread> takers;
        for (int i = 0; i < 2; ++i) {
            takers.emplace_back([port] {
                for (;;) {
                    DWORD bytes = 0;
                    ULONG_PTR key = 0;
                    LPWSAOVERLAPPED state = nullptr;
                    jl_get_queued_completion_status(port, &bytes, &key, &state, WSA_INFINITE);
                    if (state == nullptr) {
                        return;
                    }
                    reinterpret_cast<counted*>(state)->told.fetch_add(1);
                }
            });
        }
        std::vector<std::thread> threads;
        for (unsigned i = 0; i < starters; ++i) {
            threads.emplace_back([&, i] { start_all(both, all[i], round * 10 + i, nullptr); });
        }
        disturb(way, round, all[0]);
        for (auto& one : threads) {
            one.join();
        }
        EXPECT_TRUE(eventually([&] { return all_are_told(all); }));
        for (std::size_t i = 0; i < takers.size(); ++i) {
            jl_post_queued_completion_status(port, 0, 0, nullptr); // behind one that would be told twice
        }
        for (auto& one : takers) {
            one.join();
        }
        for (const auto& part : all) {
            for (const auto& one : part) {
                ASSERT_EQ(one->begun ? 1 : 0, one->told.load());
            }
        }
        EXPECT_TRUE(jl_close_handle(port));
    }
}

TEST_P(OverlappedStress, IO_43_IO_50_EventsAreSetForEachThatBeganWhenThreadsEnd) {
    for (unsigned round = 0; round < rounds; ++round) {
        const auto way = open_hard();
        const auto both = ends_of(way);
        const owned_event event;
        std::vector<batch> all(starters);
        std::vector<std::thread> threads;
        for (unsigned i = 0; i < starters; ++i) {
            all[i] = make_batch();
            for (auto& one : all[i]) {
                one->state.hEvent = event.get();
            }
            threads.emplace_back([&, i] { start_all(both, all[i], round * 10 + i, nullptr); });
        }
        for (auto& one : threads) {
            one.join();
        }
        for (const auto& part : all) {
            for (const auto& one : part) {
                ASSERT_TRUE(!one->begun || eventually([&] { return HasOverlappedIoCompleted(&one->state); }));
            }
        }
        EXPECT_TRUE(eventually([&] { return event.is_set(); }))
            << "the last one sets it behind all that reset it";
    }
}

INSTANTIATE_TEST_SUITE_P(Transports, OverlappedStress, ::testing::ValuesIn(all_transports()),
                         transport_name());

} // namespace
} // namespace joinleaf::test
