// SPDX-License-Identifier: Apache-2.0
//
// Sessions without a root over engine verbs and real devices: rdma_a and rdma_b of tests/rdma, where this runs.
#include "device_fixture.hpp"
#include "group_fixture.hpp"
#include "verbs/handles.hpp"

#include <array>
#include <cstring>
#include <memory>

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

namespace joinleaf::rdma::test {
namespace {

class GroupDevice : public GroupSession {
  protected:
    void SetUp() override {
        limits_.slice = 8192;
        limits_.recv_buffer = 1u << 20;
        engine_ = load_verbs(limits_);
        ASSERT_NE(nullptr, engine_);
    }
    engine& way() override { return *engine_; }
    int family() override { return family_; }

    node at(const std::string& place) {
        node made = make();
        const auto name = address::parse(place);
        EXPECT_EQ(0, made.get()->bind(name.raw(), name.size));
        return made;
    }
    node member_at(const std::string& place, const address& session, std::uint32_t direction) {
        node made = at(place);
        made.start_join(session, nullptr, {}, 0, direction);
        const auto outcome = made.outcome();
        EXPECT_EQ(0, outcome.code) << outcome.sentence;
        return made;
    }

    std::unique_ptr<engine> engine_;
    int family_ = AF_INET;
    const std::string a_ = given("RDMA_A4");
    const std::string b_ = given("RDMA_B4");
};

TEST_F(GroupDevice, IO_04_AMessageIsOnePacketOnTheWire_OrOneForEachPiece) {
    const auto session = fresh_session();
    auto sender = member_at(a_, session, JL_SENDER_ONLY);
    std::vector<node> leaves;
    for (int i = 0; i < 8; ++i) {
        leaves.push_back(member_at(i % 2 == 0 ? b_ : a_, session, JL_RECEIVER_ONLY));
    }
    for (const auto& [size, pieces] : {std::pair{64U, 1U}, {4036U, 1U}, {4037U, 2U}, {65536U, 17U}}) {
        constexpr int count = 20;
        const auto before = packet_count("cable_a");
        for (int i = 0; i < count; ++i) {
            ASSERT_EQ(0, sender.send(message_number(i, size)));
            for (node& each : leaves) {
                ASSERT_EQ(message_number(i, size), take(each).text);
            }
        }
        const auto used = packet_count("cable_a") - before;
        std::printf("%d messages of %u bytes to 8 leaves: %lu packets\n", count, size,
                    static_cast<unsigned long>(used));
        EXPECT_GE(used, count * pieces);
        EXPECT_LE(used, count * pieces + 10U) << "reports of memberships are the rest";
    }
    EXPECT_EQ(80U, sender.stats().sent_messages);
    EXPECT_EQ(80U, sender.stats().send_calls) << "a doorbell each, however many pieces";
}

// Every message that does not come is counted, and told in its place.
TEST_F(GroupDevice, WithLossOnTheWire_GapsAreSentLessDelivered) {
    const auto session = fresh_session();
    auto sender = member_at(a_, session, JL_SENDER_ONLY);
    auto receiver = member_at(b_, session, JL_RECEIVER_ONLY);
    for (const std::size_t size : {200U, 10000U}) {
        ASSERT_EQ(0, sender.send("first"));
        item got = take(receiver);
        ASSERT_EQ("first", got.text);
        const auto gaps_before = receiver.stats().gaps;
        ASSERT_EQ(0, std::system("tc qdisc add dev cable_a root netem loss 10%"));
        constexpr int count = 500;
        int delivered = 0;
        int last = -1;
        std::uint64_t told = 0;
        const auto look = [&](const item& one) {
            if ((one.flags & JL_MSG_GAP) != 0) {
                told += one.gap;
                return;
            }
            const int number = std::stoi(one.text);
            EXPECT_EQ(message_number(number, size), one.text);
            EXPECT_LT(last, number);
            last = number;
            ++delivered;
        };
        for (int i = 0; i < count; ++i) {
            ASSERT_EQ(0, sender.send(message_number(i, size)));
            for (item one = try_take(receiver); one.code == 0; one = try_take(receiver)) {
                look(one);
            }
        }
        ASSERT_EQ(0, std::system("tc qdisc del dev cable_a root"));
        ASSERT_EQ(0, sender.send("last"));
        for (got = take(receiver); got.text != "last"; got = take(receiver)) {
            ASSERT_EQ(0, got.code);
            look(got);
        }
        const auto gaps = receiver.stats().gaps - gaps_before;
        std::printf("%d messages of %zu bytes over 10 %% loss: %d delivered, %lu gaps counted\n", count, size,
                    delivered, static_cast<unsigned long>(gaps));
        EXPECT_LT(0, delivered);
        EXPECT_GT(count, delivered);
        EXPECT_EQ(static_cast<std::uint64_t>(count - delivered), gaps);
        EXPECT_EQ(gaps, told);
    }
    EXPECT_EQ(0U, receiver.stats().dropped_messages);
}

TEST_F(GroupDevice, SessionsOfOneGroupAreToldApartByTheirPorts) {
    const auto one = fresh_session();
    const auto two = fresh_session();
    auto of_one = member_at(b_, one, JL_RECEIVER_ONLY);
    auto of_two = member_at(b_, two, JL_RECEIVER_ONLY);
    auto sender = member_at(a_, two, JL_SENDER_ONLY);
    ASSERT_EQ(0, sender.send("two"));
    EXPECT_EQ("two", take(of_two).text);
    EXPECT_EQ(WSAEWOULDBLOCK, try_take(of_one).code);
}

TEST_F(GroupDevice, JL_41_AnIpv6SessionOverRoceSaysWhyNot) {
    family_ = AF_INET6;
    auto s = at(given("RDMA_A6"));
    s.start_join(address::parse("ff15::77").with_port(7000));
    const auto outcome = s.outcome();
    EXPECT_EQ(WSAEOPNOTSUPP, outcome.code);
    EXPECT_NE(std::string::npos, outcome.sentence.find("no IPv6 multicast over RoCE v2 (error 524)"))
        << outcome.sentence;
}

// The IP packets that carry RoCE out of an interface.
class wire_tap {
  public:
    explicit wire_tap(const char* interface)
        : fd_(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL))) {
        sockaddr_ll where{};
        where.sll_family = AF_PACKET;
        where.sll_protocol = htons(ETH_P_ALL);
        where.sll_ifindex = static_cast<int>(::if_nametoindex(interface));
        EXPECT_EQ(0, ::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where));
    }
    // Of the next packet to the group; 0: none came.
    unsigned hops_to(const address& group) {
        constexpr std::size_t at_ttl = 8;
        constexpr std::size_t at_destination = 16;
        std::array<unsigned char, 9000> packet{};
        for (pollfd fd{fd_.get(), POLLIN, 0}; ::poll(&fd, 1, 5000) == 1;) {
            const auto size = ::recv(fd_.get(), packet.data(), packet.size(), 0);
            if (size > 28 && packet[0] == 0x45 && packet[9] == IPPROTO_UDP &&
                std::memcmp(packet.data() + at_destination, &group.four.sin_addr, 4) == 0) {
                return packet[at_ttl];
            }
        }
        return 0;
    }

  private:
    provider::descriptor fd_;
};

TEST_F(GroupDevice, IO_27_TheScopeIsTheTtlOfThePackets) {
    const auto session = fresh_session();
    auto sender = member_at(a_, session, JL_SENDER_ONLY);
    wire_tap tap("cable_a");
    ASSERT_EQ(0, sender.send("x"));
    EXPECT_EQ(1U, tap.hops_to(session));
    for (const std::int32_t scope : {7, 255}) {
        std::uint32_t bytes = 0;
        ASSERT_EQ(0, sender.get()->ioctl(SIO_MULTICAST_SCOPE, &scope, sizeof scope, nullptr, 0, &bytes));
        ASSERT_EQ(0, sender.send("x"));
        EXPECT_EQ(static_cast<unsigned>(scope), tap.hops_to(session));
    }
    for (const std::int32_t scope : {-1, 256}) {
        std::uint32_t bytes = 0;
        EXPECT_EQ(WSAEINVAL,
                  sender.get()->ioctl(SIO_MULTICAST_SCOPE, &scope, sizeof scope, nullptr, 0, &bytes));
    }
}

// As many queue pairs as the device attaches to a group, of other programs.
TEST_F(GroupDevice, JL_17_AGroupThatTheDeviceHasNoRoomFor_IsRefusedWithTheCause) {
    const auto session = fresh_session();
    verbs::owned<rdma_event_channel> channel(rdma_create_event_channel());
    rdma_cm_id* made = nullptr;
    ASSERT_EQ(0, rdma_create_id(channel.get(), &made, nullptr, RDMA_PS_UDP));
    const verbs::owned<rdma_cm_id> id(made);
    auto name = address::parse(b_);
    ASSERT_EQ(0, rdma_bind_addr(made, name.raw()));
    ibv_device_attr facts{};
    ASSERT_EQ(0, ibv_query_device(made->verbs, &facts));
    const verbs::owned<ibv_pd> domain(ibv_alloc_pd(made->verbs));
    const verbs::owned<ibv_cq> queue(ibv_create_cq(made->verbs, 16, nullptr, nullptr, 0));
    ibv_gid group{};
    group.raw[10] = group.raw[11] = 0xFF;
    std::memcpy(group.raw + 12, &session.four.sin_addr, 4);
    std::vector<ibv_qp*> others;
    for (int i = 0; i < facts.max_mcast_qp_attach; ++i) {
        ibv_qp_init_attr wanted{};
        wanted.send_cq = wanted.recv_cq = queue.get();
        wanted.qp_type = IBV_QPT_UD;
        wanted.cap = {1, 1, 1, 1, 0};
        others.push_back(ibv_create_qp(domain.get(), &wanted));
        ASSERT_NE(nullptr, others.back());
        ASSERT_EQ(0, ibv_attach_mcast(others.back(), &group, 0));
    }
    auto s = at(b_);
    s.start_join(session);
    const auto refused = s.outcome();
    EXPECT_EQ(WSAENOBUFS, refused.code);
    EXPECT_NE(std::string::npos, refused.sentence.find("as the device admits to a group")) << refused.sentence;
    ASSERT_EQ(0, ibv_detach_mcast(others.front(), &group, 0));
    s.start_join(session);
    EXPECT_EQ(0, s.outcome().code) << "JL-33";
    for (ibv_qp* const each : others) {
        ibv_destroy_qp(each);
    }
}

} // namespace
} // namespace joinleaf::rdma::test
