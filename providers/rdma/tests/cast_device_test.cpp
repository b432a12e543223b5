// SPDX-License-Identifier: Apache-2.0
//
// Roots that send to a group over engine verbs and real devices: the cable of tests/rdma, where this runs.
#include "cast_device_fixture.hpp"

#include <cstdio>
#include <cstdlib>

namespace joinleaf::rdma::test {
namespace {

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

TEST_F(Cast, OnePacketAMessageHoweverManyLeavesThereAre) {
    use("239.77.2.1", "RDMA_A4", "RDMA_B4");
    auto at = make_root();
    const auto name = at.listen(16, a_);
    std::vector<pair> leaves;
    leaves.reserve(3);
    for (std::size_t i = 1; i <= 3; ++i) {
        leaves.push_back(ask_from(b_, at, name));
        wait_seated(at, i);
    }
    constexpr int count = 100;
    const auto before = packet_count("cable_a");
    send_to_all(at, leaves, count, 3000);
    const auto used = packet_count("cable_a") - before;
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
        leaves.push_back(ask_from(b_, at, name));
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
    leaves.push_back(ask_from(b_, at, name));
    EXPECT_TRUE(fake_host::wait_for_log("group ff15::77: "));
    send_to_all(at, leaves, 20, 3000);
    EXPECT_EQ(0U, figures(at).datagrams);
}

} // namespace
} // namespace joinleaf::rdma::test
