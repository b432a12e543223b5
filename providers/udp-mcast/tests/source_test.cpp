// SPDX-License-Identifier: Apache-2.0
//
// Source-specific sessions.
#include "scratch_socket.hpp"

namespace joinleaf::udp_mcast::test {

class Sources : public private_network {
  protected:
    static std::map<std::string, option_value> only(std::vector<std::string> list) {
        return {{"sources", {"", 0, std::move(list)}}};
    }
    yaml_entry any_source_;
    const place group_{"232.1.9.1", 20901};
};

class SourcesSix : public private_network_six {};

TEST_F(Sources, OptionSources_AdmitsThoseSendersOnly) {
    const yaml_entry entry(only({"127.0.0.5", "127.0.0.6"}));
    scratch_socket member(entry, AF_INET, leaf);
    ASSERT_EQ(member.join(group_), 0);
    for (const char* host : {"127.0.0.4", "127.0.0.5", "127.0.0.6", "127.0.0.7"}) {
        scratch_socket sender(any_source_, AF_INET, leaf);
        ASSERT_EQ(sender.bind(place(host, 0)), 0);
        EXPECT_EQ(sender.send(host, group_), 0);
    }
    EXPECT_EQ(member.next().text, "127.0.0.5");
    EXPECT_EQ(member.next().text, "127.0.0.6");
    EXPECT_TRUE(member.is_quiet());
}

TEST_F(SourcesSix, OptionSources_AdmitsThoseSendersOnly) {
    std::string why;
    ASSERT_TRUE(joinleaf::test::add_address("lo", "fd55::5", 128, why)) << why;
    const place group("ff35::9:1", 20902);
    const yaml_entry entry({{"sources", {"", 0, {"fd55::5", "192.0.2.1"}}}});
    const yaml_entry any_source;
    scratch_socket member(entry, AF_INET6, leaf);
    ASSERT_EQ(member.join(group), 0);
    for (const char* host : {"::1", "fd55::5"}) {
        scratch_socket sender(any_source, AF_INET6, leaf);
        ASSERT_EQ(sender.bind(place(host, 0)), 0);
        EXPECT_EQ(sender.send(host, group), 0);
    }
    EXPECT_EQ(member.next().text, "fd55::5");
    EXPECT_TRUE(member.is_quiet());
}

TEST_F(Sources, OptionSources_WithoutOneOfTheFamily_FailsTheJoinInsteadOfAdmittingAll) {
    const yaml_entry entry(only({"fd55::5"}));
    scratch_socket member(entry, AF_INET, leaf);
    EXPECT_EQ(member.join(group_), WSAEADDRNOTAVAIL);
    ASSERT_FALSE(heard().explanations.empty());
    EXPECT_NE(heard().explanations.back().find("the option 'sources' names no sender"), std::string::npos);
    EXPECT_EQ(member.join(group_, JL_SENDER_ONLY), 0); // a sender admits nobody anyway
}

TEST_F(Sources, OptionSources_MoreThanTheKernelTakes_FailsTheJoinAndLeavesNone) {
    std::vector<std::string> many;
    for (int i = 1; i <= 40; ++i) { // net.ipv4.igmp_max_msf is 10
        many.push_back("127.0.1." + std::to_string(i));
    }
    const yaml_entry entry(only(many));
    scratch_socket member(entry, AF_INET, leaf);
    EXPECT_EQ(member.join(group_), WSAENOBUFS);
    EXPECT_NE(heard().explanations.back().find("igmp_max_msf"), std::string::npos);
    scratch_socket sender(any_source_, AF_INET, leaf);
    ASSERT_EQ(sender.bind(place("127.0.1.1", 0)), 0);
    EXPECT_EQ(sender.send("refused", group_), 0);
    EXPECT_EQ(sender.send("marker", place("127.0.0.1", group_.port())), 0);
    EXPECT_EQ(member.next().text, "marker");
}

TEST_F(Sources, IO_28_BsdOptions_AddAndDropOneSource) {
    scratch_socket member(any_source_, AF_INET, 0);
    scratch_socket sender(any_source_, AF_INET, leaf);
    ASSERT_EQ(member.bind(place("0.0.0.0", group_.port())), 0);
    ASSERT_EQ(sender.bind(place("127.0.0.5", 0)), 0);
    ip_mreq_source request{};
    ::inet_pton(AF_INET, "232.1.9.1", &request.imr_multiaddr);
    ::inet_pton(AF_INET, "127.0.0.5", &request.imr_sourceaddr);
    ASSERT_EQ(member.set(IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, request), 0);
    EXPECT_EQ(sender.send("admitted", group_), 0);
    EXPECT_EQ(member.next().text, "admitted");
    EXPECT_EQ(member.set(IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, request), WSAEADDRNOTAVAIL);
    ASSERT_EQ(member.set(IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, request), 0);
    EXPECT_EQ(sender.send("dropped", group_), 0);
    EXPECT_EQ(sender.send("marker", place("127.0.0.1", group_.port())), 0);
    EXPECT_EQ(member.next().text, "marker");
}

TEST_F(Sources, IO_28_BsdOptions_BlockAndUnblockOneSource) {
    scratch_socket member(any_source_, AF_INET, leaf);
    scratch_socket sender(any_source_, AF_INET, leaf);
    ASSERT_EQ(sender.bind(place("127.0.0.5", 0)), 0);
    ASSERT_EQ(member.join(group_), 0);
    group_source_req request{};
    std::memcpy(&request.gsr_group, group_.get(), group_.length());
    const place source("127.0.0.5", 0);
    std::memcpy(&request.gsr_source, source.get(), source.length());
    ASSERT_EQ(member.set(IPPROTO_IP, MCAST_BLOCK_SOURCE, request), 0);
    EXPECT_EQ(sender.send("blocked", group_), 0);
    ASSERT_EQ(member.set(IPPROTO_IP, MCAST_UNBLOCK_SOURCE, request), 0);
    EXPECT_EQ(sender.send("unblocked", group_), 0);
    EXPECT_EQ(member.next().text, "unblocked");
}

} // namespace joinleaf::udp_mcast::test
