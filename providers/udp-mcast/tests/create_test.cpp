// SPDX-License-Identifier: Apache-2.0
//
// Options that make an instance, and those that refuse it.
#include "scratch_socket.hpp"

namespace joinleaf::udp_mcast::test {

using ::testing::Test;

class Create : public private_network {
  protected:
    // The one sentence that an instance with these options was refused with.
    static std::string refusal(std::map<std::string, option_value> options, std::int32_t code) {
        forget();
        const yaml_entry entry(std::move(options));
        EXPECT_EQ(entry.code(), code);
        EXPECT_EQ(entry.get(), nullptr);
        EXPECT_EQ(heard().explanations.size(), 1U);
        return heard().explanations.empty() ? "" : heard().explanations.front();
    }
    static option_value sources(std::vector<std::string> list) { return {"", 0, std::move(list)}; }
    static bool says(const std::string& sentence, const std::string& part) {
        return sentence.find(part) != std::string::npos;
    }
};

TEST_F(Create, NoOptions_IsMadeWithTheDefaults) {
    const yaml_entry entry;
    EXPECT_EQ(entry.code(), 0);
    EXPECT_NE(entry.get(), nullptr);
}

TEST_F(Create, InterfaceThatDoesNotExist_IsRefusedNamingItAndThoseThatWouldDo) {
    const auto sentence = refusal({{"interface", {"nosuch0", 0, {}}}}, WSAENETDOWN);
    EXPECT_TRUE(says(sentence, "lan.yaml:1:7: interface 'nosuch0'")) << sentence;
    EXPECT_TRUE(says(sentence, "those that would do: lo (127.0.0.1")) << sentence;
}

TEST_F(Create, InterfaceWithoutMulticast_IsRefusedAndNotSuggested) {
    std::string why;
    if (!joinleaf::test::add_link_pair("mute0", "mute1", why)) {
        GTEST_SKIP() << why;
    }
    ASSERT_TRUE(joinleaf::test::set_link("mute0", IFF_UP, IFF_MULTICAST, why)) << why;
    const auto sentence = refusal({{"interface", {"mute0", 0, {}}}}, WSAEINVAL);
    EXPECT_TRUE(
        says(sentence, "lan.yaml:1:7: interface 'mute0' carries no multicast; those that would do: lo (127"))
        << sentence;
    EXPECT_FALSE(says(sentence, "mute1")) << sentence; // it is down
    ASSERT_TRUE(joinleaf::test::set_link("lo", 0, IFF_UP, why)) << why;
    EXPECT_TRUE(
        says(refusal({{"interface", {"mute0", 0, {}}}}, WSAEINVAL), "no interface of this host would do"));
}

// As on most hosts, where the flags of `lo` deny what it does.
TEST_F(Create, LoopbackInterfaceWithoutTheFlag_CarriesMulticastAllTheSame) {
    std::string why;
    ASSERT_TRUE(joinleaf::test::set_link("lo", 0, IFF_MULTICAST, why)) << why;
    const yaml_entry entry({{"interface", {"lo", 0, {}}}});
    ASSERT_EQ(entry.code(), 0);
    scratch_socket one(entry, AF_INET, leaf);
    scratch_socket other(entry, AF_INET, leaf);
    const place group("239.192.6.1", 20601);
    ASSERT_EQ(one.join(group), 0);
    ASSERT_EQ(other.join(group), 0);
    EXPECT_EQ(one.send("here"), 0);
    const auto got = other.next();
    EXPECT_EQ(got.text, "here");
    EXPECT_EQ(got.from.host(), "127.0.0.1");
}

TEST_F(Create, InterfaceThatIsDown_IsRefused) {
    std::string why;
    if (!joinleaf::test::add_link_pair("down0", "down1", why)) {
        GTEST_SKIP() << why;
    }
    const auto sentence = refusal({{"interface", {"down0", 0, {}}}}, WSAENETDOWN);
    EXPECT_TRUE(says(sentence, "interface 'down0' is down; those that would do: lo (")) << sentence;
}

TEST_F(Create, InterfaceByNameIndexOrAddress_IsTheSame) {
    for (const char* text : {"lo", "1", "127.0.0.1"}) {
        EXPECT_EQ(yaml_entry({{"interface", {text, 0, {}}}}).code(), 0) << text;
    }
    if (joinleaf::test::has_ipv6()) {
        EXPECT_EQ(yaml_entry({{"interface", {"::1", 0, {}}}}).code(), 0);
    }
}

TEST_F(Create, SourceThatIsNoSender_IsRefusedWithItsPosition) {
    auto sentence = refusal({{"sources", sources({"192.0.2.1", "sender.example"})}}, WSAEINVAL);
    EXPECT_TRUE(says(sentence, "lan.yaml:6:7: source 'sender.example' is no IPv4 or IPv6 address"))
        << sentence;
    sentence = refusal({{"sources", sources({"239.1.1.1"})}}, WSAEINVAL);
    EXPECT_TRUE(says(sentence, "source '239.1.1.1' is a group")) << sentence;
    sentence = refusal({{"sources", sources({"::"})}}, WSAEINVAL);
    EXPECT_TRUE(says(sentence, "source '::' is not the address of one sender")) << sentence;
    sentence = refusal({{"sources", sources({"255.255.255.255"})}}, WSAEINVAL);
    EXPECT_TRUE(says(sentence, "is not the address of one sender")) << sentence;
    sentence = refusal({{"sources", sources({"fd00::1", "192.0.2.1", "FD00:0::1"})}}, WSAEINVAL);
    EXPECT_TRUE(says(sentence, "source 'FD00:0::1' is listed twice")) << sentence;
}

TEST_F(Create, InterfaceThatGoesAwayLater_RefusesSocketsWithASentence) {
    std::string why;
    if (!joinleaf::test::add_link_pair("gone0", "gone1", why)) {
        GTEST_SKIP() << why;
    }
    ASSERT_TRUE(joinleaf::test::set_link("gone0", IFF_UP, 0, why)) << why;
    const yaml_entry entry({{"interface", {"gone0", 0, {}}}});
    ASSERT_EQ(entry.code(), 0);
    ASSERT_TRUE(joinleaf::test::remove_link("gone0", why)) << why;
    jl_open open{};
    open.struct_size = sizeof open;
    open.family = AF_INET;
    jl_endpoint* made = nullptr;
    EXPECT_EQ(provider_table().ops->open(entry.get(), nullptr, &open, &made), WSAENETDOWN);
    ASSERT_FALSE(heard().explanations.empty());
    EXPECT_EQ(heard().explanations.back(), "interface 'gone0' is gone");
}

TEST_F(Create, ER_12_JL_17_AJoinOnAnInterfaceThatIsGone_FailsWithNetDown) {
    std::string why;
    if (!joinleaf::test::add_link_pair("left0", "left1", why)) {
        GTEST_SKIP() << why;
    }
    ASSERT_TRUE(joinleaf::test::set_link("left0", IFF_UP, 0, why)) << why;
    const yaml_entry entry({{"interface", {"left0", 0, {}}}});
    ASSERT_EQ(entry.code(), 0);
    scratch_socket socket(entry, AF_INET, leaf);
    ASSERT_TRUE(joinleaf::test::remove_link("left0", why)) << why;
    EXPECT_EQ(socket.join(place("239.192.6.9", 20609)), WSAENETDOWN);
    ASSERT_FALSE(heard().explanations.empty());
    EXPECT_TRUE(says(heard().explanations.back(), "group 239.192.6.9 cannot be joined on interface"))
        << heard().explanations.back();
}

TEST_F(Create, BufferSizes_AreSetAndAShortOneIsLoggedOnce) {
    const yaml_entry entry({{"rcvbuf", {"", 300000, {}}}, {"sndbuf", {"", 200000, {}}}});
    const scratch_socket socket(entry, AF_INET, 0);
    int bytes = 0;
    socklen_t length = sizeof bytes;
    ASSERT_EQ(::getsockopt(socket.fd(), SOL_SOCKET, SO_RCVBUF, &bytes, &length), 0);
    EXPECT_EQ(bytes, 600000); // the kernel shows twice what was asked
    ASSERT_EQ(::getsockopt(socket.fd(), SOL_SOCKET, SO_SNDBUF, &bytes, &length), 0);
    EXPECT_EQ(bytes, 400000);
    EXPECT_TRUE(heard().logs.empty());
}

TEST_F(Create, Ttl_IsThatOfEverySocket) {
    const yaml_entry entry({{"ttl", {"", 7, {}}}});
    scratch_socket four(entry, AF_INET, leaf);
    int ttl = 0;
    EXPECT_EQ(four.get(IPPROTO_IP, IP_MULTICAST_TTL, ttl), 0);
    EXPECT_EQ(ttl, 7);
    if (joinleaf::test::has_ipv6()) {
        scratch_socket six(entry, AF_INET6, leaf);
        EXPECT_EQ(six.get(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, ttl), 0);
        EXPECT_EQ(ttl, 7);
    }
}

} // namespace joinleaf::udp_mcast::test
