// SPDX-License-Identifier: Apache-2.0
//
// Addresses as values.
#include <joinleaf/joinleaf.hpp>

#include <gtest/gtest.h>

namespace joinleaf::test {
namespace {

TEST(Address, OfBothFamilies_ComesOutOfItsTextAndGoesBack) {
    for (const std::string text :
         {"239.255.1.2:5000", "127.0.0.1:0", "[ff15::1]:65535", "[::1]:7", "[fe80::1%lo]:9"}) {
        const auto read = address::parse(text);
        ASSERT_TRUE(read) << read.error().message();
        EXPECT_EQ(text, read->text());
        EXPECT_EQ(text.front() == '[' ? AF_INET6 : AF_INET, read->family());
        EXPECT_EQ(*read, address(read->get(), read->size()));
    }
}

TEST(Address, WhatIsNone_IsRefusedByName) {
    for (const std::string text :
         {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:7x", "::1:7",
          "[::1]", "[]:7", ":7", "localhost:7", "127.0.0.256:7", "[127.0.0.1:7"}) {
        const auto read = address::parse(text);
        ASSERT_FALSE(read) << text << " is " << read->text();
        EXPECT_EQ(WSAEINVAL, read.code()) << text;
        EXPECT_NE(read.error().explanation().find('\''), std::string::npos) << read.error().message();
    }
    EXPECT_THROW(address("localhost", 7), failure);
    EXPECT_THROW(address("", 7), failure);
}

TEST(Address, Empty_HasNoFamily) {
    const address nothing;
    EXPECT_TRUE(nothing.empty());
    EXPECT_EQ(AF_UNSPEC, nothing.family());
    EXPECT_EQ("nothing", nothing.text());
    EXPECT_TRUE(address(nullptr, 16).empty());
    const sockaddr_storage room{};
    EXPECT_TRUE(address(reinterpret_cast<const sockaddr*>(&room), sizeof room + 1).empty());
}

TEST(Address, AnotherPort_IsAnotherAddress) {
    const auto one = address::loopback(AF_INET6, 7);
    EXPECT_EQ("[::1]:7", one.text());
    EXPECT_EQ("[::1]:8", one.with_port(8).text());
    EXPECT_FALSE(one == one.with_port(8));
    EXPECT_EQ("0.0.0.0:0", address::any(AF_INET).text());
}

TEST(Address, ANameIsResolved_OneThatIsNoneIsNot) {
    const auto found = address::resolve("127.0.0.1", 80);
    ASSERT_TRUE(found) << found.error().message();
    ASSERT_EQ(1U, found->size());
    EXPECT_EQ("127.0.0.1:80", found->front().text());
    const auto none = address::resolve("no host has spaces", 80);
    ASSERT_FALSE(none);
    EXPECT_TRUE(none.code() == WSAHOST_NOT_FOUND || none.code() == WSATRY_AGAIN) << none.error().message();
    EXPECT_NE(none.error().explanation().find("no host has spaces"), std::string::npos);
}

} // namespace
} // namespace joinleaf::test
