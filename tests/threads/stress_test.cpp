// SPDX-License-Identifier: Apache-2.0
//
// Eight threads make calls at random on sockets that they share: only documented codes, no call that never ends,
// nothing left behind. STRESS_SECONDS and STRESS_SEED in the environment choose another length and another
// sequence; the short form is for every run, the minute carries the label `long`.
#include "tests/support/footprint.hpp"
#include "tests/support/runtime_fixture.hpp"
#include "tests/threads/random_calls.hpp"

#include <cstdlib>

namespace joinleaf::test {
namespace {

constexpr unsigned thread_count = 8;

unsigned from_environment(const char* name, unsigned otherwise) {
    const char* const text = std::getenv(name);
    return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

class Stress : public runtime_test {
  protected:
    // One runtime's life: threads at work, the sockets closed or the last WSACleanup under their hands, an end.
    static void one_life(unsigned seed, std::chrono::milliseconds length, bool cleanup_under_way) {
        shared_sockets shared;
        std::vector<std::future<bool>> threads;
        threads.reserve(thread_count);
        for (unsigned i = 0; i < thread_count; ++i) {
            threads.push_back(in_background([&shared, seed, i] {
                random_caller(shared, seed * 100 + i).run();
                return true;
            }));
        }
        const auto end = clock::now() + length;
        while (clock::now() < end && !::testing::Test::HasFailure()) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            shared.put(static_cast<std::size_t>(clock::now().time_since_epoch().count()) %
                           shared_sockets::places,
                       INVALID_SOCKET); // so that no blocked call outlives its socket
        }
        if (cleanup_under_way) {
            end_runtime();
        }
        shared.stop = true;
        shared.close_all();
        for (auto& thread : threads) {
            EXPECT_TRUE(result_of(thread, "a thread of random calls"));
        }
        shared.close_all(); // what they made in the meantime
        EXPECT_LT(shared.calls / 20, shared.successes) << "of " << shared.calls;
        for (const auto& one : shared.undocumented()) {
            ADD_FAILURE() << one << " (STRESS_SEED " << seed << ")";
        }
    }

    void many_lives(std::chrono::milliseconds length) {
        const unsigned first = from_environment("STRESS_SEED", 1);
        const auto end = clock::now() + length;
        one_life(first, std::chrono::milliseconds(300), true); // what is made once is made
        const footprint before;
        for (unsigned round = 1; clock::now() < end && !HasFailure(); ++round) {
            ASSERT_TRUE(start_runtime(configuration(quick())));
            one_life(first + round, std::chrono::milliseconds(700), round % 2 == 0);
            end_runtime();
            EXPECT_TRUE(is_back_at(before)) << "STRESS_SEED " << first + round;
        }
    }

    static transport_options quick() {
        return {.tcp = "join_timeout: 1s, handshake_timeout: 1s, leaf_timeout: 500ms, send_buffer: 256KiB"};
    }
};

TEST_F(Stress, ManyThreadsCallAtRandom) {
    many_lives(std::chrono::seconds(from_environment("STRESS_SECONDS", 4)));
}

TEST_F(Stress, ManyThreadsCallAtRandomForAMinute) {
    many_lives(std::chrono::seconds(from_environment("STRESS_SECONDS", 60)));
}

} // namespace
} // namespace joinleaf::test
