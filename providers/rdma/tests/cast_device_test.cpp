// SPDX-License-Identifier: Apache-2.0
//
// Roots that send to a group over engine verbs and real devices: the cable of tests/rdma, where this runs.
#include "engine_module.hpp"
#include "session_fixture.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>

namespace joinleaf::rdma::test {
namespace {

std::string given(const char* name) {
    const char* const value = std::getenv(name);
    return value != nullptr ? value : "";
}

std::uint64_t packets_sent(const char* device) {
    std::ifstream file(std::string("/sys/class/net/") + device + "/statistics/tx_packets");
    std::uint64_t count = 0;
    file >> count;
    return count;
}

// Both ends of the cable lose one packet in ten.
class losing_cable {
  public:
    losing_cable() {
        for (const char* const end : {"cable_a", "cable_b"}) {
            run(std::string("tc qdisc add dev ") + end + " root netem loss 10%");
        }
    }
    losing_cable(const losing_cable&) = delete;
    losing_cable& operator=(const losing_cable&) = delete;
    ~losing_cable() {
        for (const char* const end : {"cable_a", "cable_b"}) {
            run(std::string("tc qdisc del dev ") + end + " root");
        }
    }

  private:
    static void run(const std::string& command) { EXPECT_EQ(0, std::system(command.c_str())) << command; }
};

class Cast : public Session {
  protected:
    void SetUp() override {
        limits_.engine = "verbs";
        limits_.slice = 8192;
        limits_.send_buffer = 512u << 10;
        limits_.recv_buffer = 512u << 10;
        auto made = load_engine("verbs", limits_, VERBS_LIBRARY);
        ASSERT_TRUE(made) << made.error().sentence;
        engine_ = std::move(*made);
    }
    engine& way() override { return *engine_; }
    int family() override { return a_.family(); }

    void use(const std::string& group, const char* a, const char* b) {
        limits_.group = group;
        limits_.multicast = address::parse(group);
        a_ = address::parse(given(a));
        b_ = address::parse(given(b));
    }
    pair ask_from_far(node& at, const address& name) {
        pair made{make_leaf(), {}};
        EXPECT_EQ(0, made.leaf.get()->bind(b_.raw(), b_.size));
        made.leaf.start_join(name);
        const auto request = at.next_request();
        EXPECT_TRUE(request.has_value());
        if (request) {
            made.branch = make_branch(at);
            EXPECT_EQ(0, at.answer(*request, &made.branch));
            EXPECT_EQ(0, made.leaf.outcome().code);
        }
        return made;
    }
    static group_figures figures(node& at) {
        const auto& home = at.as<root>().home();
        const auto hold = home->lock();
        return home->of_group();
    }
    static void wait_seated(node& at, std::size_t count) {
        const auto until = std::chrono::steady_clock::now() + joinleaf::test::deadline;
        while (figures(at).leaves != count && std::chrono::steady_clock::now() < until) {
            std::this_thread::sleep_for(2ms);
        }
        ASSERT_EQ(count, figures(at).leaves);
    }
    // Sends them as fast as it can to all leaves, each of which reads on a thread of its own.
    static void send_to_all(node& at, std::vector<pair>& leaves, int count, std::size_t size) {
        std::vector<std::thread> readers;
        for (auto& each : leaves) {
            readers.emplace_back([&] {
                for (int i = 0; i < count; ++i) {
                    std::string text;
                    ASSERT_EQ(0, each.leaf.receive(text)) << i;
                    ASSERT_EQ(message_number(i, size), text);
                }
            });
        }
        for (int i = 0; i < count; ++i) {
            ASSERT_EQ(0, at.send(message_number(i, size))) << i;
        }
        for (auto& each : readers) {
            each.join();
        }
    }

    std::unique_ptr<engine> engine_;
    address a_;
    address b_;
};

TEST_F(Cast, OnePacketAMessageHoweverManyLeavesThereAre) {
    use("239.77.2.1", "RDMA_A4", "RDMA_B4");
    auto at = make_root();
    const auto name = at.listen(16, a_);
    std::vector<pair> leaves;
    leaves.reserve(3);
    for (std::size_t i = 1; i <= 3; ++i) {
        leaves.push_back(ask_from_far(at, name));
        wait_seated(at, i);
    }
    constexpr int count = 100;
    const auto before = packets_sent("cable_a");
    send_to_all(at, leaves, count, 3000);
    const auto used = packets_sent("cable_a") - before;
    const auto had = figures(at);
    std::printf(
        "%d messages to 3 leaves: %lu packets left the root's end; %lu datagrams, %lu of them again\n", count,
        static_cast<unsigned long>(used), static_cast<unsigned long>(had.datagrams),
        static_cast<unsigned long>(had.repairs));
    EXPECT_EQ(static_cast<std::uint64_t>(count), had.datagrams);
    EXPECT_GE(used, static_cast<std::uint64_t>(count));
    // Answers to what leaves have taken, marks, and what an emulated machine was too slow for, are the rest: it is far
    // from one for each leaf.
    EXPECT_LT(used, 2U * count);
}

TEST_F(Cast, IO_02_WithALossOfOneInTenEverythingComesInOrder) {
    use("239.77.2.2", "RDMA_A4", "RDMA_B4");
    limits_.leaf_timeout = 60s;
    auto at = make_root();
    const auto name = at.listen(16, a_);
    std::vector<pair> leaves;
    leaves.reserve(3);
    for (std::size_t i = 1; i <= 3; ++i) {
        leaves.push_back(ask_from_far(at, name));
        wait_seated(at, i);
    }
    const losing_cable loses;
    send_to_all(at, leaves, 150, 3000);
    const auto had = figures(at);
    std::printf(
        "150 messages to 3 leaves with 10 %% loss: %lu datagrams, %lu of them again, after %lu requests\n",
        static_cast<unsigned long>(had.datagrams), static_cast<unsigned long>(had.repairs),
        static_cast<unsigned long>(had.requests));
    EXPECT_GT(had.repairs, 0U);
}

TEST_F(Cast, AnIpv6GroupOverRoceLeavesEveryLeafToItsConnection) {
    use("ff15::77", "RDMA_A6", "RDMA_B6");
    auto at = make_root();
    const auto name = at.listen(16, a_);
    std::vector<pair> leaves;
    leaves.push_back(ask_from_far(at, name));
    EXPECT_TRUE(fake_host::wait_for_log("group ff15::77: "));
    send_to_all(at, leaves, 20, 3000);
    EXPECT_EQ(0U, figures(at).datagrams);
}

} // namespace
} // namespace joinleaf::rdma::test
