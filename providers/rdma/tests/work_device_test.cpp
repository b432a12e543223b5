// SPDX-License-Identifier: Apache-2.0
//
// What a message costs over engine verbs, in what no emulation distorts: work requests, doorbells, completions, packets.
#include "cast_device_fixture.hpp"
#include "work_counter.hpp"

#include <array>
#include <cstdio>

namespace joinleaf::rdma::test {
namespace {

constexpr int messages = 200;

double each(std::uint64_t count) {
    return static_cast<double>(count) / messages;
}

class Work : public Cast {
  protected:
    Work() { limits_.window = 16; } // as is the default

    void begin(const char* what, std::size_t leaves) {
        what_ = what;
        leaves_ = leaves;
        before_ = {work_counter::of("rdma_a"), work_counter::of("rdma_b")};
        packets_ = packet_count("cable_a");
    }
    // Prints a line for each end; answers what the root's device did.
    work end() {
        const std::array<work, 2> did{work_counter::of("rdma_a") - before_[0],
                                      work_counter::of("rdma_b") - before_[1]};
        const auto packets = packet_count("cable_a") - packets_;
        for (std::size_t i = 0; i < did.size(); ++i) {
            const work& d = did[i];
            std::printf("work: %s, %zu leaves, a message, %s: %.2f send requests by %.2f doorbells, %.2f "
                        "completions of "
                        "them; %.2f received, %.2f buffers by %.2f calls; %.2f alarms",
                        what_, leaves_, i == 0 ? "root" : "all leaves", each(d.sends), each(d.doorbells),
                        each(d.sent), each(d.received), each(d.buffers), each(d.refills), each(d.alarms));
            std::printf(i == 0 ? "; %.2f packets\n" : "\n", each(packets));
        }
        return did[0];
    }
    std::vector<pair> leaves_of(node& at, std::size_t count, bool seated) {
        const auto name = at.listen(16, a_);
        std::vector<pair> made;
        made.reserve(count);
        for (std::size_t i = 1; i <= count; ++i) {
            made.push_back(ask_from(b_, at, name));
            if (seated) {
                wait_seated(at, i);
            }
        }
        return made;
    }
    // The next goes when everybody has the last.
    static void send_one_by_one(node& at, std::vector<pair>& leaves, std::size_t size) {
        for (int i = 0; i < messages; ++i) {
            ASSERT_EQ(0, at.send(message_number(i, size)));
            for (pair& each : leaves) {
                std::string text;
                ASSERT_EQ(0, each.leaf.receive(text));
                ASSERT_EQ(message_number(i, size), text);
            }
        }
    }

    const work_counter counter_;

  private:
    const char* what_ = "";
    std::size_t leaves_ = 0;
    std::array<work, 2> before_;
    std::uint64_t packets_ = 0;
};

TEST_F(Work, OverConnectionsAMessageIsOneRequestAndOneDoorbellALeafAtMost) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{3}}) {
        a_ = address::parse(given("RDMA_A4"));
        b_ = address::parse(given("RDMA_B4"));
        auto at = make_root();
        auto leaves = leaves_of(at, count, false);
        begin("64 B by connections, one by one", count);
        send_one_by_one(at, leaves, 64);
        const work alone = end();
        EXPECT_GE(alone.sends, count * messages);
        EXPECT_LE(alone.sends, count * messages * 5 / 4) << "grants are the rest";
        EXPECT_LT(alone.sent, alone.sends / 2) << "not each is told of";
        begin("64 B by connections, a flood", count);
        send_to_all(at, leaves, messages, 64);
        const work flood = end();
        EXPECT_LT(flood.sends, alone.sends) << "what waits for a buffer goes with what follows";
    }
}

TEST_F(Work, ToAGroupAMessageIsOneRequestHoweverManyLeaves) {
    use("239.77.2.3", "RDMA_A4", "RDMA_B4");
    auto at = make_root();
    auto leaves = leaves_of(at, 3, true);
    begin("3000 B to a group", 3);
    send_to_all(at, leaves, messages, 3000);
    const work did = end();
    const auto had = figures(at);
    EXPECT_GE(did.sends, static_cast<std::uint64_t>(messages));
    // What the root has to say to each leaf by its connection is the rest.
    EXPECT_LT(did.sends - had.repairs, 2U * messages);
    EXPECT_GE(did.sends, did.doorbells);
}

} // namespace
} // namespace joinleaf::rdma::test
