// SPDX-License-Identifier: Apache-2.0
//
// Who spaces packets: the kernel's word on the queue of a device, and the rate it is told.
#include "../device_queue.hpp"
#include "scratch_socket.hpp"

#include <support/waiting.hpp>

#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <cstdlib>
#include <cstring>

namespace joinleaf::udp_mcast::test {

namespace {

template <class Bytes> void append(std::string& to, const Bytes& bytes, std::size_t size = sizeof(Bytes)) {
    to.append(reinterpret_cast<const char*>(&bytes), size);
    to.resize((to.size() + 3) / 4 * 4);
}

// A discipline as the kernel tells of it.
std::string discipline(int link, std::uint32_t parent, const std::string& kind) {
    std::string text;
    nlmsghdr header{};
    tcmsg body{};
    header.nlmsg_type = RTM_NEWQDISC;
    header.nlmsg_len =
        static_cast<std::uint32_t>(sizeof header + sizeof body + 8 + 4 + (kind.size() + 1 + 3) / 4 * 4);
    body.tcm_ifindex = link;
    body.tcm_parent = parent;
    append(text, header);
    append(text, body);
    append(text, rtattr{8, TCA_STATS}); // another attribute before the name
    append(text, std::uint32_t{0});
    append(text, rtattr{static_cast<unsigned short>(sizeof(rtattr) + kind.size() + 1), TCA_KIND});
    append(text, *kind.c_str(), kind.size() + 1);
    return text;
}

std::string end() {
    std::string text;
    append(text, nlmsghdr{sizeof(nlmsghdr), NLMSG_DONE, 0, 0, 0});
    return text;
}

std::string found_in(const std::string& answer, unsigned link) {
    queueing_reader reader(link);
    EXPECT_FALSE(reader.read(answer + end()));
    return reader.found();
}

FLOWSPEC flow(ULONG token, ULONG peak, ULONG least, SERVICETYPE type = SERVICETYPE_GUARANTEED) {
    return {token, 5000, peak, QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED, type, QOS_NOT_SPECIFIED, least};
}

constexpr ULONG open = QOS_NOT_SPECIFIED;

} // namespace

TEST(DeviceQueue, TheRootOfTheLinkCounts) {
    const auto answer = discipline(3, TC_H_ROOT, "pfifo_fast") + discipline(2, TC_H_ROOT, "fq") +
                        discipline(2, TC_H_INGRESS, "ingress");
    EXPECT_EQ(found_in(answer, 2), "fq");
    EXPECT_EQ(found_in(answer, 3), "pfifo_fast");
    EXPECT_EQ(found_in(answer, 4), "");
    EXPECT_TRUE(spaces_packets("fq"));
    EXPECT_FALSE(spaces_packets("fq_codel"));
    EXPECT_FALSE(spaces_packets(""));
}

TEST(DeviceQueue, OfSeveralQueues_AllHaveToBeTheSame) {
    const auto many = discipline(2, TC_H_ROOT, "mq") + discipline(2, 0x80010001, "fq");
    EXPECT_EQ(found_in(many + discipline(2, 0x80010002, "fq"), 2), "fq");
    EXPECT_EQ(found_in(many + discipline(2, 0x80010002, "fq_codel"), 2), "mq");
}

TEST(DeviceQueue, AnAnswerThatIsCutShort_IsTheEnd) {
    queueing_reader reader(2);
    const auto answer = discipline(2, TC_H_ROOT, "fq");
    EXPECT_TRUE(reader.read(std::string_view(answer).substr(0, answer.size() - 8)));
    EXPECT_EQ(reader.found(), "");
    EXPECT_TRUE(reader.read(answer));
    EXPECT_EQ(reader.found(), "fq");
}

TEST(DeviceQueue, PacingRate_IsThatOfWholePackets) {
    EXPECT_EQ(pacing_rate(flow(1'000'000, open, 1000), false), 1'042'000U);
    EXPECT_EQ(pacing_rate(flow(1'000'000, open, 1000), true), 1'062'000U);
    EXPECT_EQ(pacing_rate(flow(1'000'000, 2'000'000, 1000), false), 2'084'000U)
        << "the peak, where there is one";
    EXPECT_EQ(pacing_rate(flow(64'000, open, open), false), 106'000U);
    EXPECT_FALSE(pacing_rate(flow(open, open, 1000), false));
    EXPECT_FALSE(pacing_rate(flow(POSITIVE_INFINITY_RATE, open, 1000), false));
    EXPECT_FALSE(
        pacing_rate(flow(1000, open, 1000, SERVICETYPE_GUARANTEED | SERVICE_NO_TRAFFIC_CONTROL), false));
}

class PacedSocket : public private_network {
  protected:
    static std::uint32_t paced(scratch_socket& one) {
        jl_stats stats{};
        stats.struct_size = sizeof stats;
        EXPECT_EQ(one.ops().stats(one.endpoint(), &stats), 0);
        return stats.paced;
    }
    static std::uint64_t rate(scratch_socket& one) {
        std::uint64_t value = 0;
        socklen_t length = sizeof value;
        EXPECT_EQ(::getsockopt(one.fd(), SOL_SOCKET, SO_MAX_PACING_RATE, &value, &length), 0);
        return value;
    }
    yaml_entry entry_{{{"interface", {"lo", 0, {}}}}};
    const place group_{"239.192.14.9", 21409};
};

TEST_F(PacedSocket, QS_24_WithoutFq_TheRateIsLeftAlone) {
    scratch_socket one(entry_, AF_INET, leaf);
    ASSERT_EQ(one.join(group_, JL_SENDER_ONLY), 0);
    const QOS qos{flow(1'000'000, open, 1000), flow(open, open, open), {0, nullptr}};
    ASSERT_EQ(one.ops().qos(one.endpoint(), &qos, JL_QOS_LOCAL), 0);
    EXPECT_EQ(paced(one), 0U);
    EXPECT_EQ(rate(one), ~std::uint64_t{0});
}

// What leaves at once arrives at the rate; the runtime's bucket, which is not here, has no part in it.
TEST_F(PacedSocket, QS_24_WithFq_ABurstIsSpaced) {
    if (std::system("tc qdisc add dev lo root fq quantum 1514 initial_quantum 1514 2>/dev/null") != 0) {
        GTEST_SKIP() << "this kernel has no fq (CONFIG_NET_SCH_FQ), or tc is not installed";
    }
    constexpr int count = 40;
    scratch_socket member(entry_, AF_INET, leaf);
    scratch_socket sender(entry_, AF_INET, leaf);
    const QOS qos{flow(100'000, open, 1000), flow(open, open, open), {0, nullptr}};
    ASSERT_EQ(sender.ops().qos(sender.endpoint(), &qos, JL_QOS_LOCAL), 0);
    ASSERT_EQ(member.join(group_), 0);
    ASSERT_EQ(sender.join(group_, JL_SENDER_ONLY), 0);
    const auto begin = joinleaf::test::clock::now();
    for (int i = 0; i < count; ++i) {
        ASSERT_EQ(sender.send(std::string(1000, 'x')), 0);
    }
    for (int i = 0; i < count; ++i) {
        ASSERT_EQ(member.next().text.size(), 1000U);
    }
    // Two packets of credit, and the queue's clock.
    EXPECT_GE(joinleaf::test::clock::now() - begin, std::chrono::milliseconds(10 * (count - 4)));
}

TEST_F(PacedSocket, QS_24_WithFq_TheDeviceSpacesTheFlow_AsLongAsThereIsOne) {
    if (std::system("tc qdisc add dev lo root fq 2>/dev/null") != 0) {
        GTEST_SKIP() << "this kernel has no fq (CONFIG_NET_SCH_FQ), or tc is not installed";
    }
    EXPECT_EQ(queueing_of(::if_nametoindex("lo")), "fq");
    scratch_socket one(entry_, AF_INET, leaf);
    QOS qos{flow(1'000'000, open, 1000), flow(open, open, open), {0, nullptr}};
    ASSERT_EQ(one.ops().qos(one.endpoint(), &qos, JL_QOS_LOCAL), 0);
    ASSERT_EQ(one.join(group_, JL_SENDER_ONLY), 0);
    EXPECT_EQ(paced(one), JL_PACED_DEVICE);
    EXPECT_EQ(rate(one), 1'042'000U);
    qos.SendingFlowspec = flow(open, open, open, SERVICETYPE_BESTEFFORT);
    ASSERT_EQ(one.ops().qos(one.endpoint(), &qos, JL_QOS_LOCAL), 0);
    EXPECT_EQ(paced(one), 0U);
    EXPECT_EQ(rate(one), ~std::uint64_t{0});
}

} // namespace joinleaf::udp_mcast::test
