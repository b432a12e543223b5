// SPDX-License-Identifier: Apache-2.0
#include "verbs/intro.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace joinleaf::rdma::verbs {
namespace {

std::vector<std::byte> bytes_of(const intro& what) {
    const auto made = encode(what);
    return {made.begin(), made.end()};
}

TEST(Intro, ComesBackAsItWasSaid) {
    const auto said = decode_intro(bytes_of({66u << 10}));
    ASSERT_TRUE(said);
    EXPECT_EQ(66u << 10, said->buffer);
}

TEST(Intro, PaddingBehindItIsIgnored) {
    auto bytes = bytes_of({1024});
    bytes.resize(56, std::byte{0xFF});
    EXPECT_TRUE(decode_intro(bytes));
}

TEST(Intro, WhatIsTooShortIsNone) {
    const auto bytes = bytes_of({4096});
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(decode_intro(std::span(bytes).first(size))) << size;
    }
}

TEST(Intro, ForeignBytesAreNone) {
    for (std::size_t at = 0; at < 4; ++at) {
        auto bytes = bytes_of({4096});
        bytes[at] ^= std::byte{1};
        EXPECT_FALSE(decode_intro(bytes)) << at;
    }
}

TEST(Intro, AVersionThatThisSideDoesNotSpeakIsNone) {
    auto newer = bytes_of({4096});
    newer[4] = std::byte{9};
    EXPECT_TRUE(decode_intro(newer)) << "it speaks the old one too";
    newer[5] = std::byte{9};
    EXPECT_FALSE(decode_intro(newer));
    auto older = bytes_of({4096});
    older[4] = std::byte{0};
    older[5] = std::byte{0};
    EXPECT_FALSE(decode_intro(older));
}

TEST(Intro, ABufferThatHoldsNoMessageIsNone) {
    EXPECT_FALSE(decode_intro(bytes_of({0})));
    EXPECT_FALSE(decode_intro(bytes_of({least_buffer - 1})));
}

} // namespace
} // namespace joinleaf::rdma::verbs
