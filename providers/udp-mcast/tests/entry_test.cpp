// SPDX-License-Identifier: Apache-2.0
//
// What the library says of itself.
#include "fake_host.hpp"

#include <gtest/gtest.h>

#include <set>

namespace joinleaf::udp_mcast::test {

TEST(Entry, CT_12_FlagsAreThoseOfNonrootedMulticast) {
    const auto& table = provider_table();
    ASSERT_EQ(table.protocol_count, 2U);
    constexpr std::uint32_t common =
        XP1_CONNECTIONLESS | XP1_MESSAGE_ORIENTED | XP1_SUPPORT_MULTIPOINT | XP1_QOS_SUPPORTED;
    const auto& four = *table.protocols[0];
    EXPECT_STREQ(four.name, "ipv4");
    EXPECT_EQ(four.service_flags, common | XP1_SUPPORT_BROADCAST);
    EXPECT_EQ(four.family, AF_INET);
    EXPECT_EQ(four.message_size, 65507U);
    const auto& six = *table.protocols[1];
    EXPECT_STREQ(six.name, "ipv6");
    EXPECT_EQ(six.service_flags, common);
    EXPECT_EQ(six.family, AF_INET6);
    EXPECT_EQ(six.message_size, 65527U);
    for (const auto* protocol : {&four, &six}) {
        EXPECT_EQ(protocol->provider_flags, std::uint32_t{PFL_MATCHES_PROTOCOL_ZERO});
        EXPECT_EQ(protocol->socket_type, SOCK_DGRAM);
        EXPECT_EQ(protocol->protocol, IPPROTO_UDP);
        EXPECT_EQ(protocol->caller_data_max, 0U);
        EXPECT_EQ(protocol->callee_data_max, 0U);
        EXPECT_EQ(protocol->abilities, JL_CAN_MIX_ORDINARY);
    }
}

TEST(Entry, CT_81_VersionsOutsideTheRangeAreRefused) {
    jl_provider out{};
    out.struct_size = sizeof out;
    const auto beyond = JL_ABI_VERSION + 1;
    EXPECT_EQ(jl_provider_startup(beyond, beyond, &fake_host(), &out), WSAVERNOTSUPPORTED);
    EXPECT_EQ(out.abi_min, JL_ABI_VERSION);
    EXPECT_EQ(out.abi_max, JL_ABI_VERSION);
}

TEST(Entry, NonrootedConnectionless_HasNoListenerAndNoRequests) {
    const auto& ops = *provider_table().ops;
    EXPECT_EQ(ops.struct_size, sizeof(jl_ops));
    EXPECT_EQ(ops.listen, nullptr);
    EXPECT_EQ(ops.accept, nullptr);
    for (const bool there :
         {ops.open != nullptr, ops.bind != nullptr, ops.connect != nullptr, ops.join != nullptr,
          ops.tx != nullptr, ops.rx != nullptr, ops.arm != nullptr, ops.shutdown != nullptr,
          ops.close != nullptr, ops.name != nullptr, ops.set_option != nullptr, ops.get_option != nullptr,
          ops.ioctl != nullptr, ops.stats != nullptr, ops.qos != nullptr}) {
        EXPECT_TRUE(there);
    }
}

TEST(Entry, OptionTableNamesEachOptionOnceWithASentence) {
    std::set<std::string> keys;
    const auto& table = provider_table();
    for (std::uint32_t i = 0; i < table.option_count; ++i) {
        const auto& option = *table.options[i];
        EXPECT_EQ(option.struct_size, sizeof(jl_option));
        EXPECT_TRUE(keys.insert(option.key).second) << option.key;
        EXPECT_EQ(std::string(option.help).back(), '.') << option.key;
    }
    EXPECT_EQ(keys, (std::set<std::string>{"interface", "ttl", "loopback", "rcvbuf", "sndbuf", "sources",
                                           "reuse", "offload", "coalesce", "coalesce_delay", "gather",
                                           "sequence", "fragment"}));
}

} // namespace joinleaf::udp_mcast::test
