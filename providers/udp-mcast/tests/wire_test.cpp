// SPDX-License-Identifier: Apache-2.0
//
// What the kernel tells the network about a session, and how its datagrams look on the wire.
#include "two_bridges.hpp"

#include <netinet/icmp6.h>
#include <netinet/igmp.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

namespace joinleaf::udp_mcast::test {

namespace {

std::string bytes_of(const char* address) {
    std::array<char, sizeof(in6_addr)> bytes{};
    const bool six = std::string(address).find(':') != std::string::npos;
    ::inet_pton(six ? AF_INET6 : AF_INET, address, bytes.data());
    return {bytes.data(), six ? sizeof(in6_addr) : sizeof(in_addr)};
}

// An IGMPv3 report (224.0.0.22) or an MLDv2 report (ff02::16) that has a record of this type for the group.
// 2: exclude none, that is a member; 4 and 3: changes to it and from it; 5 and 6: sources come and go.
std::function<bool(const std::string&)> report_of(const char* group, std::initializer_list<int> types) {
    return [wanted = bytes_of(group), all = std::vector<int>(types)](const std::string& packet) {
        const bool four = (packet[0] & 0xf0) == 0x40;
        const bool is_report = four ? packet[9] == IPPROTO_IGMP
                                    : packet.size() > 48 && static_cast<unsigned char>(packet[48]) == 143;
        const auto at = packet.find(wanted, 24);
        return is_report && at != std::string::npos &&
               std::any_of(all.begin(), all.end(), [&](int type) { return packet[at - 4] == type; });
    };
}

class Wire : public two_bridges {};

TEST_F(Wire, JoinAndLeave_AreSeenOnTheWire_AtTheChosenLinkAlone) {
    for (const int family : {AF_INET, AF_INET6}) {
        const auto& group = family == AF_INET ? group_ : six_;
        const auto protocol = family == AF_INET ? ETH_P_IP : ETH_P_IPV6;
        const auto here = listen_at(left_, protocol);
        const auto there = listen_at(right_, protocol);
        auto member = at(home_, "eth0", family);
        ASSERT_EQ(member->socket.join(group), 0);
        EXPECT_TRUE(here->sees(report_of(group.host().c_str(), {2, 4})));
        member.reset();
        EXPECT_TRUE(here->sees(report_of(group.host().c_str(), {3})));
        EXPECT_FALSE(there->sees(report_of(group.host().c_str(), {2, 3, 4}), joinleaf::test::vigilance));
    }
}

TEST_F(Wire, Sources_AreToldToTheRouter) {
    const auto wire = listen_at(left_, ETH_P_IP);
    const place group("232.1.19.1", 21904);
    const auto member = at(home_, "eth0", AF_INET, {{"sources", {"", 0, {"10.9.0.2"}}}});
    const auto wanted = at(left_, "eth0");
    const auto stranger = at(home_, "eth0");
    ASSERT_EQ(member->socket.join(group), 0);
    const auto names_source = [](const std::string& packet) {
        return report_of("232.1.19.1", {1, 5})(packet) &&
               packet.find(bytes_of("10.9.0.2"), 24) != std::string::npos;
    };
    EXPECT_TRUE(wire->sees(names_source));
    EXPECT_EQ(stranger->socket.send("no", group), 0);
    EXPECT_EQ(wanted->socket.send("yes", group), 0);
    EXPECT_EQ(member->socket.next().text, "yes");
    EXPECT_TRUE(member->socket.is_quiet());
}

TEST_F(Wire, LinkThatWentDownAndUp_HearsItsSessionAgain) {
    for (const int family : {AF_INET, AF_INET6}) {
        const auto& group = family == AF_INET ? group_ : six_;
        const auto member = at(home_, "eth0", family);
        const auto sender = at(left_, "eth0", family);
        ASSERT_EQ(member->socket.join(group), 0);
        ASSERT_EQ(sender->socket.join(group, JL_SENDER_ONLY), 0);
        EXPECT_EQ(sender->socket.send("before"), 0);
        EXPECT_EQ(member->socket.next().text, "before");
        const auto wire = listen_at(left_, family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
        home_.ip("link set eth0 down");
        EXPECT_EQ(sender->socket.send("meanwhile"), 0);
        home_.ip("link set eth0 up");
        EXPECT_TRUE(wire->sees(report_of(group.host().c_str(), {2, 4}))) << "the network is told again";
        EXPECT_TRUE(joinleaf::test::eventually([&] {
            EXPECT_EQ(sender->socket.send("after"), 0);
            return member->socket.receive().text == "after";
        }));
        while (member->socket.receive().code == 0) {}
        // Its own sends go there again too.
        const auto back = at(left_, "eth0", family);
        ASSERT_EQ(back->socket.join(group), 0);
        EXPECT_TRUE(joinleaf::test::eventually(
            [&] { return member->socket.send("own") == 0 && back->socket.receive().text == "own"; }));
    }
}

// What a host on the wire sees of the packets that carry this text: the code point, and the payload's bytes.
struct marked {
    unsigned code_point = 99;
    std::size_t bytes = 0;
};

marked mark_of(capture& wire, const std::string& text) {
    marked found;
    wire.sees([&](const std::string& packet) {
        const bool four = (packet[0] & 0xf0) == 0x40;
        const auto first = static_cast<unsigned char>(packet[0]);
        const auto second = static_cast<unsigned char>(packet[1]);
        const unsigned traffic_class = four ? second : ((first & 0xfU) << 4U) | (second >> 4U);
        found = {traffic_class >> 2U, packet.size() - (four ? 28U : 48U)};
        return packet.find(text) != std::string::npos;
    });
    return found;
}

TEST_F(Wire, QS_15_TheCodePointIsSeenOnTheWire_OfALoneMessageAndOfASuperPacket) {
    const FLOWSPEC open{QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED,      QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED,
                        QOS_NOT_SPECIFIED, SERVICETYPE_BESTEFFORT, QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED};
    for (const int family : {AF_INET, AF_INET6}) {
        const auto sender = at(home_, "eth0", family);
        ASSERT_EQ(sender->socket.join(family == AF_INET ? group_ : six_, JL_SENDER_ONLY), 0);
        for (const auto& [type, code_point] :
             {std::pair(SERVICETYPE_NETWORK_CONTROL, 48U), std::pair(SERVICETYPE_GUARANTEED, 46U),
              std::pair(SERVICETYPE_CONTROLLEDLOAD, 26U), std::pair(SERVICETYPE_QUALITATIVE, 10U),
              std::pair(SERVICETYPE_BESTEFFORT, 0U)}) {
            QOS qos{open, open, {0, nullptr}};
            qos.SendingFlowspec.ServiceType = type;
            ASSERT_EQ(sender->socket.ops().qos(sender->socket.endpoint(), &qos, JL_QOS_LOCAL), 0);
            const auto wire = listen_at(left_, family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
            EXPECT_EQ(sender->socket.send("alone"), 0);
            EXPECT_EQ(mark_of(*wire, "alone").code_point, code_point) << "type " << type;
            std::string text = "together";
            iovec piece{text.data(), text.size()};
            std::vector<jl_msg> messages(6, jl_msg{&piece, 1, 0, nullptr, 0, 0, 0});
            std::uint32_t done = 0;
            ASSERT_EQ(sender->socket.ops().tx(sender->socket.endpoint(), messages.data(), 6, &done), 0);
            const auto seen = mark_of(*wire, "together");
            EXPECT_EQ(seen.code_point, code_point) << "type " << type;
            EXPECT_EQ(seen.bytes % text.size(), 0U);
        }
    }
}

TEST_F(Wire, IO_16_Mtu_IsRespected_AndFragmentsAreSentOnlyWhereAskedFor) {
    for (const bool cuts : {false, true}) {
        const std::map<std::string, option_value> options{{"fragment", {"", cuts ? 1 : 0, {}}}};
        for (const int family : {AF_INET, AF_INET6}) {
            const auto& group = family == AF_INET ? group_ : six_;
            const auto member = at(left_, "eth0", family);
            const auto sender = at(home_, "eth0", family, options);
            ASSERT_EQ(member->socket.join(group), 0);
            ASSERT_EQ(sender->socket.join(group, JL_SENDER_ONLY), 0);
            const std::size_t whole = family == AF_INET ? 1472 : 1452;
            EXPECT_EQ(sender->socket.send(std::string(whole, 'w')), 0);
            EXPECT_EQ(member->socket.next().text.size(), whole);
            EXPECT_EQ(sender->socket.send(std::string(whole + 1, 'w')), cuts ? 0 : WSAEMSGSIZE);
            if (cuts) {
                EXPECT_EQ(member->socket.next().text.size(), whole + 1);
            }
            EXPECT_TRUE(member->socket.is_quiet());
        }
    }
}

TEST_F(Wire, SuperPackets_AreCutToTheMtu_AndLongerMessagesLeaveByThemselves) {
    const auto member = at(left_, "eth0");
    const auto sender = at(home_, "eth0", AF_INET, {{"fragment", {"", 1, {}}}});
    ASSERT_EQ(member->socket.join(group_), 0);
    ASSERT_EQ(sender->socket.join(group_, JL_SENDER_ONLY), 0);
    std::uint64_t calls = 0;
    for (const std::size_t size : {std::size_t{1472}, std::size_t{1473}, std::size_t{1472}}) {
        std::string text(size, 'm');
        iovec piece{text.data(), text.size()};
        std::vector<jl_msg> messages(6, jl_msg{&piece, 1, 0, nullptr, 0, 0, 0});
        std::uint32_t done = 0;
        ASSERT_EQ(sender->socket.ops().tx(sender->socket.endpoint(), messages.data(), 6, &done), 0);
        ASSERT_EQ(done, 6U);
        for (int i = 0; i < 6; ++i) {
            EXPECT_EQ(member->socket.next().text.size(), size);
        }
        jl_stats stats{};
        stats.struct_size = sizeof stats;
        ASSERT_EQ(sender->socket.ops().stats(sender->socket.endpoint(), &stats), 0);
        EXPECT_EQ(stats.send_path, JL_PATH_SEGMENTED);
        EXPECT_EQ(stats.send_calls, ++calls);
        EXPECT_EQ(stats.send_limit, calls == 1 ? 0U : JL_LIMIT_SIZE);
        EXPECT_EQ(stats.send_limit_bytes, calls == 1 ? 0U : 1473U);
    }
}

} // namespace

} // namespace joinleaf::udp_mcast::test
