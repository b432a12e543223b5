// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int session_fuzz_one(const std::uint8_t* data, std::size_t size);

namespace {

// How many there were; each target ends the process where something is wrong.
int play(const std::string& folder, int (*target)(const std::uint8_t*, std::size_t)) {
    int count = 0;
    for (const auto& each : std::filesystem::directory_iterator(std::string(RDMA_FUZZ) + "/" + folder)) {
        std::ifstream file(each.path(), std::ios::binary);
        const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
        // Whole, and cut off anywhere.
        for (std::size_t size = 0; size <= bytes.size(); ++size) {
            const std::vector<std::uint8_t> part(bytes.begin(),
                                                 bytes.begin() + static_cast<std::ptrdiff_t>(size));
            target(part.data(), part.size());
        }
        ++count;
    }
    return count;
}

TEST(Seeds, WhateverBytesComeAreRefusedOrUnderstood) {
    EXPECT_GE(play("seeds", LLVMFuzzerTestOneInput), 15);
}

TEST(Seeds, NoFirstMessageOrSliceReachesBeyondItsBuffer) {
    EXPECT_GE(play("seeds_session", session_fuzz_one), 15);
}

} // namespace
