// SPDX-License-Identifier: Apache-2.0
//
// What the headers of joinleaf/provider/ promise to the author of a provider.
#include <joinleaf/provider/address.hpp>
#include <joinleaf/provider/buffers.hpp>
#include <joinleaf/provider/bytes.hpp>
#include <joinleaf/provider/kernel_tcp.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <tuple>

namespace {

using namespace joinleaf::provider;

TEST(ProviderAddress, TextAndBytesAgree) {
    const auto four = address::parse("192.0.2.1").with_port(80);
    EXPECT_EQ("192.0.2.1:80", four.text());
    EXPECT_EQ(sizeof(sockaddr_in), four.size);
    const auto six = address::parse("2001:db8::1").with_port(443);
    EXPECT_EQ("[2001:db8::1]:443", six.text());
    EXPECT_EQ(443, address::of(six.raw(), six.size).port());
    EXPECT_EQ(0U, address::parse("192.0.2.256").size);
    EXPECT_EQ("an unknown address", address{}.text());
}

TEST(ProviderAddress, JL_07_JL_08_OnePeerIsNoGroupNoBroadcastNoAnyAddressAndHasAPort) {
    for (const char* const host : {"192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"}) {
        EXPECT_TRUE(address::parse(host).with_port(1).is_one_peer()) << host;
        EXPECT_FALSE(address::parse(host).is_one_peer()) << host << " without port";
    }
    for (const char* const host :
         {"0.0.0.0", "255.255.255.255", "239.1.2.3", "::", "ff15::1", "::ffff:239.1.2.3", "::ffff:0.0.0.0"}) {
        EXPECT_FALSE(address::parse(host).with_port(1).is_one_peer()) << host;
    }
    EXPECT_TRUE(address::parse("239.1.2.3").is_multicast());
    EXPECT_TRUE(address::parse("ff15::1").is_multicast());
    EXPECT_FALSE(address::parse("2001:db8::1").is_multicast());
    EXPECT_TRUE(any_of(AF_INET6).is_any());
}

TEST(ProviderAddress, JL_83_ARoomTooSmallIsLeftAlone) {
    sockaddr_storage room{};
    std::uint32_t length = sizeof(sockaddr_in); // six will not fit
    EXPECT_EQ(WSAEFAULT, any_of(AF_INET6).store(reinterpret_cast<sockaddr*>(&room), &length));
    EXPECT_EQ(sizeof(sockaddr_in), length);
    EXPECT_EQ(0, room.ss_family);
}

TEST(ProviderBytes, NumbersStandInNetworkOrder) {
    std::array<std::byte, 13> out{};
    put8(out, 0, 0x12);
    put32(out, 1, 0x3456789A);
    put64(out, 5, 0x0102030405060708);
    EXPECT_EQ(std::byte{0x34}, out[1]);
    EXPECT_EQ(std::byte{0x08}, out[12]);
    EXPECT_EQ(0x12, get8(out, 0));
    EXPECT_EQ(0x3456789AU, get32(out, 1));
    EXPECT_EQ(0x0102030405060708U, get64(out, 5));
}

TEST(ProviderBytes, AFlowspecComesBackAsItWent) {
    const FLOWSPEC flow{1, 2, 3, 4, 5, SERVICETYPE_GUARANTEED, 7, 8};
    std::array<std::byte, flowspec_size> out{};
    put_flowspec(out, flow);
    const FLOWSPEC back = get_flowspec(out);
    EXPECT_EQ(
        std::tie(flow.TokenRate, flow.TokenBucketSize, flow.PeakBandwidth, flow.Latency, flow.ServiceType),
        std::tie(back.TokenRate, back.TokenBucketSize, back.PeakBandwidth, back.Latency, back.ServiceType));
    EXPECT_EQ(std::tie(flow.DelayVariation, flow.MaxSduSize, flow.MinimumPolicedSize),
              std::tie(back.DelayVariation, back.MaxSduSize, back.MinimumPolicedSize));
}

TEST(ProviderBuffers, PartsAreFilledReadAndCutAcrossTheirBorders) {
    std::string one(3, '.'), two, three(4, '.');
    const std::array<iovec, 3> parts{
        {{one.data(), one.size()}, {two.data(), 0}, {three.data(), three.size()}}};
    const std::string text = "abcdefgh";
    EXPECT_EQ(6U, scatter(parts, 1, std::as_bytes(std::span(text))));
    EXPECT_EQ(".ab", one);
    EXPECT_EQ("cdef", three);
    std::array<std::byte, 4> out{};
    collect(parts, 2, out);
    EXPECT_EQ("bcde", std::string(reinterpret_cast<const char*>(out.data()), out.size()));
    std::array<iovec, 3> cut{};
    ASSERT_EQ(2U, slice(parts, 2, 3, cut.data()));
    EXPECT_EQ(1U, cut[0].iov_len);
    EXPECT_EQ(2U, cut[1].iov_len);
    EXPECT_EQ(7U, total(parts));
}

TEST(ProviderTcp, AnAddressIsTakenWhileALiveSocketHoldsIt) {
    descriptor first, second;
    ASSERT_EQ(0, tcp::make(AF_INET, first));
    ASSERT_EQ(0, tcp::bind(first.get(), address::parse("127.0.0.1")));
    ASSERT_EQ(0, tcp::listen(first.get(), 1));
    ASSERT_EQ(0, tcp::make(AF_INET, second));
    EXPECT_EQ(WSAEADDRINUSE, tcp::bind(second.get(), tcp::local_name(first.get())));
}

} // namespace
