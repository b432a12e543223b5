// SPDX-License-Identifier: Apache-2.0
//
// SIO_MULTIPOINT_LOOPBACK and IP_MULTICAST_LOOP as Winsock has them: decided by the receiver.
#include "scratch_socket.hpp"

#include <memory>
#include <ostream>

namespace joinleaf::udp_mcast::test {

// The loop of `lo`, where everything is of this host, and that of another link, where the kernel loops copies
// back.
struct link_case {
    const char* name;
    int family;
    const char* group;
    const char* unicast; // of this host

    [[nodiscard]] std::string text() const {
        return std::string(name) + (family == AF_INET6 ? "_six" : "_four");
    }
};

void PrintTo(const link_case& one, std::ostream* out) {
    *out << one.text();
}

class Loopback : public ::testing::TestWithParam<link_case> {
  protected:
    void SetUp() override {
        std::string why;
        if (!joinleaf::test::enter_new_network(why)) {
            GTEST_SKIP() << why;
        }
        const auto& link = GetParam();
        if (link.family == AF_INET6 && !joinleaf::test::has_ipv6()) {
            GTEST_SKIP() << "this kernel has no IPv6";
        }
        if (std::string(link.name) != "lo") {
            if (!joinleaf::test::add_link_pair("loop0", "loop1", why)) {
                GTEST_SKIP() << why;
            }
            ASSERT_TRUE(joinleaf::test::set_link("loop0", IFF_UP, 0, why)) << why;
            ASSERT_TRUE(joinleaf::test::set_link("loop1", IFF_UP, 0, why)) << why;
            ASSERT_TRUE(joinleaf::test::add_address("loop0", "203.0.113.1", 24, why)) << why;
            if (joinleaf::test::has_ipv6()) {
                ASSERT_TRUE(joinleaf::test::add_address("loop0", "fd99::1", 64, why)) << why;
            }
        }
        forget();
        entry_ = std::make_unique<yaml_entry>(
            std::map<std::string, option_value>{{"interface", {link.name, 0, {}}}});
        ASSERT_EQ(entry_->code(), 0);
    }

    std::unique_ptr<scratch_socket> member(std::uint16_t port) {
        auto made = std::make_unique<scratch_socket>(*entry_, GetParam().family, leaf);
        EXPECT_EQ(made->join(place(GetParam().group, port)), 0);
        return made;
    }

    std::unique_ptr<yaml_entry> entry_;
};

TEST_P(Loopback, IO_23_IO_24_DefaultIsOn_AMemberHearsItself) {
    const auto alone = member(20801);
    EXPECT_EQ(alone->send("self"), 0);
    EXPECT_EQ(alone->next().text, "self");
}

TEST_P(Loopback, IO_24_Off_AMemberDoesNotHearItself) {
    const auto alone = member(20802);
    const auto witness = member(20802);
    EXPECT_EQ(alone->control(SIO_MULTIPOINT_LOOPBACK, 0), 0);
    EXPECT_EQ(alone->send("self"), 0);
    EXPECT_EQ(witness->next().text, "self");
    EXPECT_TRUE(alone->is_quiet());
    EXPECT_EQ(alone->control(SIO_MULTIPOINT_LOOPBACK, 1), 0);
    EXPECT_EQ(alone->send("again"), 0);
    EXPECT_EQ(alone->next().text, "again");
}

TEST_P(Loopback, IO_25_ReceiverDecides_FromOffToOnArrives_FromOnToOffDoesNot) {
    const auto on = member(20803);
    const auto off = member(20803);
    EXPECT_EQ(off->control(SIO_MULTIPOINT_LOOPBACK, 0), 0);
    EXPECT_EQ(off->send("B to A"), 0);
    EXPECT_EQ(on->next().text, "B to A");
    EXPECT_EQ(on->send("A to B"), 0);
    EXPECT_EQ(on->next().text, "A to B");
    EXPECT_TRUE(off->is_quiet());
}

TEST_P(Loopback, IO_23_Off_BeforeTheJoin_HoldsAfterIt) {
    const auto witness = member(20804);
    scratch_socket off(*entry_, GetParam().family, leaf);
    EXPECT_EQ(off.control(SIO_MULTIPOINT_LOOPBACK, 0), 0);
    ASSERT_EQ(off.join(place(GetParam().group, 20804)), 0);
    EXPECT_EQ(witness->send("local"), 0);
    EXPECT_EQ(witness->next().text, "local");
    EXPECT_TRUE(off.is_quiet());
}

TEST_P(Loopback, Off_StillReceivesUnicastOfThisHost) {
    const auto off = member(20805);
    EXPECT_EQ(off->control(SIO_MULTIPOINT_LOOPBACK, 0), 0);
    EXPECT_EQ(off->send("direct", place(GetParam().unicast, 20805)), 0);
    EXPECT_EQ(off->next().text, "direct");
}

TEST_P(Loopback, D_17_BsdOptionIsTheSameState) {
    const bool six = GetParam().family == AF_INET6;
    const int level = six ? IPPROTO_IPV6 : IPPROTO_IP;
    const int option = six ? IPV6_MULTICAST_LOOP : IP_MULTICAST_LOOP;
    const auto off = member(20806);
    const auto witness = member(20806);
    int read_back = -1;
    EXPECT_EQ(off->get(level, option, read_back), 0);
    EXPECT_EQ(read_back, 1);
    EXPECT_EQ(off->set(level, option, 0), 0);
    EXPECT_EQ(off->get(level, option, read_back), 0);
    EXPECT_EQ(read_back, 0);
    EXPECT_EQ(off->send("mine"), 0);
    EXPECT_EQ(witness->next().text, "mine");
    EXPECT_TRUE(off->is_quiet());
    EXPECT_EQ(off->control(SIO_MULTIPOINT_LOOPBACK, 1), 0);
    EXPECT_EQ(off->get(level, option, read_back), 0);
    EXPECT_EQ(read_back, 1);
}

TEST_P(Loopback, OptionLoopback_Off_IsTheStateOfNewSockets) {
    const auto& link = GetParam();
    const yaml_entry quiet({{"interface", {link.name, 0, {}}}, {"loopback", {"", 0, {}}}});
    const auto witness = member(20807);
    scratch_socket off(quiet, link.family, leaf);
    ASSERT_EQ(off.join(place(link.group, 20807)), 0);
    EXPECT_EQ(witness->send("local"), 0);
    EXPECT_EQ(witness->next().text, "local");
    EXPECT_TRUE(off.is_quiet());
}

// What the filter refuses is not lost, and must not be counted as such.
TEST_P(Loopback, Off_CountsNoLoss) {
    const auto off = member(20808);
    EXPECT_EQ(off->control(SIO_MULTIPOINT_LOOPBACK, 0), 0);
    EXPECT_EQ(off->send("mine"), 0);
    EXPECT_EQ(off->control(SIO_MULTIPOINT_LOOPBACK, 1), 0);
    jl_stats stats{};
    stats.struct_size = sizeof stats;
    EXPECT_EQ(off->ops().stats(off->endpoint(), &stats), 0);
    EXPECT_EQ(stats.dropped_messages, 0U);
    EXPECT_EQ(stats.sent_messages, 1U);
}

INSTANTIATE_TEST_SUITE_P(UdpMcast, Loopback,
                         ::testing::Values(link_case{"lo", AF_INET, "239.192.8.1", "127.0.0.1"},
                                           link_case{"lo", AF_INET6, "ff15::8:1", "::1"},
                                           link_case{"loop0", AF_INET, "239.192.8.2", "203.0.113.1"},
                                           link_case{"loop0", AF_INET6, "ff15::8:2", "fd99::1"}),
                         [](const auto& one) { return one.param.text(); });

TEST(LoopbackControl, IO_26_OrdinarySocket_FailsWithInvalid) {
    const yaml_entry entry;
    scratch_socket ordinary(entry, AF_INET, 0);
    EXPECT_EQ(ordinary.control(SIO_MULTIPOINT_LOOPBACK, 0), WSAEINVAL);
}

TEST(LoopbackControl, IO_20_ShortInput_FailsWithFault) {
    const yaml_entry entry;
    scratch_socket member(entry, AF_INET, leaf);
    std::uint32_t bytes = 0;
    const char byte = 0;
    const auto& ops = member.ops();
    EXPECT_EQ(ops.ioctl(member.endpoint(), SIO_MULTIPOINT_LOOPBACK, &byte, 1, nullptr, 0, &bytes), WSAEFAULT);
    EXPECT_EQ(ops.ioctl(member.endpoint(), SIO_MULTICAST_SCOPE, nullptr, 0, nullptr, 0, &bytes), WSAEFAULT);
}

} // namespace joinleaf::udp_mcast::test
