// SPDX-License-Identifier: Apache-2.0
//
// Processes full of leaves are killed and come back while the root sends without a pause: every leaf that lives
// has every message, in order (clauses LC-01, LC-04, IO-05).
#include "tests/support/child_process.hpp"
#include "tests/support/session_fixture.hpp"

#include <atomic>
#include <random>
#include <thread>

namespace joinleaf::test {
namespace {

constexpr int living_processes = 4;
constexpr int leaves_each = 25;
constexpr int mortal_processes = 6;
constexpr int mortal_leaves = 20;
constexpr int deaths = 24;
constexpr int most_messages = 20'000; // so that the time is bounded; from then on one a millisecond

std::vector<session_plan> plans_that_ask() {
    auto plans = session_plans({plan::rooted});
    std::erase_if(plans, [](const session_plan& each) { return each.built != way::ask; });
    return plans;
}

class Churn : public session_test {
  protected:
    [[nodiscard]] child_process crowd(const address& root, int leaves) const {
        const auto text = root.text();
        return child_process({JOINLEAF_TEST_CROWD, family() == AF_INET6 ? "6" : "4",
                              text.substr(0, text.find(',')), std::to_string(root.port()),
                              std::to_string(leaves)});
    }
};

// Lets in whoever asks, and lets go of whoever is gone.
class doorkeeper {
  public:
    explicit doorkeeper(SOCKET root) : thread_([this, root] { keep(root); }) {}
    doorkeeper(const doorkeeper&) = delete;
    doorkeeper& operator=(const doorkeeper&) = delete;
    ~doorkeeper() {
        stop_ = true;
        thread_.join();
    }
    [[nodiscard]] int admitted() const { return admitted_; }

  private:
    void keep(SOCKET root) {
        std::vector<owned_socket> branches;
        while (!stop_) {
            std::vector<pollfd> fds{{static_cast<int>(root), POLLIN, 0}};
            for (const owned_socket& each : branches) {
                fds.push_back({each.fd(), POLLIN, 0});
            }
            ::poll(fds.data(), fds.size(), 10);
            for (std::size_t i = branches.size(); i > 0; --i) {
                if (fds[i].revents != 0) {
                    branches.erase(branches.begin() + static_cast<std::ptrdiff_t>(i - 1));
                }
            }
            for (owned_socket made(jl_accept(root, nullptr, nullptr)); made;
                 made = owned_socket(jl_accept(root, nullptr, nullptr))) {
                branches.push_back(std::move(made));
                ++admitted_;
            }
        }
    }

    std::atomic<bool> stop_{false};
    std::atomic<int> admitted_{0};
    std::thread thread_;
};

TEST_P(Churn, LC_01_LC_04_IO_05_ProcessesAreKilledAtRandom_TheRestMissesNothing) {
    auto root = make_root();
    ASSERT_TRUE(listen_on_loopback(root.get(), family(), 512));
    ASSERT_TRUE(set_nonblocking(root.get()));
    const address at = local_name(root.get());
    const doorkeeper door(root.get());
    std::vector<child_process> living;
    std::vector<child_process> mortal;
    for (int i = 0; i < living_processes; ++i) {
        living.push_back(crowd(at, leaves_each));
    }
    for (child_process& each : living) {
        ASSERT_EQ("joined", each.line());
    }
    std::atomic<bool> stop{false};
    std::atomic<long> sent{0};
    std::thread feed([&] {
        const auto send_whole = [&](const std::string& text) {
            while (send_text(root.get(), text) == SOCKET_ERROR) {
                if (WSAGetLastError() != WSAEWOULDBLOCK) {
                    ADD_FAILURE() << last_failure();
                    return;
                }
                poll_for(static_cast<int>(root.get()), POLLOUT, std::chrono::milliseconds(5));
            }
        };
        for (; !stop; ++sent) {
            send_whole(std::to_string(sent));
            if (sent > most_messages) {
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
        }
        send_whole("end");
    });
    std::mt19937 chance(4711); // NOLINT(cert-msc32-c,cert-msc51-cpp): the same deaths in each run
    for (int i = 0; i < mortal_processes; ++i) {
        mortal.push_back(crowd(at, mortal_leaves));
    }
    for (int i = 0; i < deaths; ++i) {
        auto& one = mortal[chance() % mortal_processes];
        if (chance() % 4 != 0) { // else in the middle of its joins
            EXPECT_EQ("joined", one.line());
        }
        one.kill();
        EXPECT_EQ(-SIGKILL, one.wait());
        one = crowd(at, mortal_leaves);
    }
    stop = true;
    feed.join();
    const auto all = std::to_string(sent);
    for (child_process& each : living) {
        EXPECT_EQ("right 0 " + all, each.line()) << "it joined before the first message";
        EXPECT_EQ(0, each.wait());
    }
    EXPECT_GE(door.admitted(), living_processes * leaves_each);
    mortal.clear();
    jl_statistics now{};
    now.struct_size = sizeof now;
    EXPECT_TRUE(eventually([&] { return jl_socket_statistics(root.get(), &now) == 0 && now.leaves == 0; }))
        << now.leaves << " leaves are left";
}

INSTANTIATE_TEST_SUITE_P(Transports, Churn, ::testing::ValuesIn(plans_that_ask()), session_plan_name());

} // namespace
} // namespace joinleaf::test
