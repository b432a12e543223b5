// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int handshake_fuzz_one(const std::uint8_t* data, std::size_t size);

namespace joinleaf::tcp_root::test {
namespace {

// What the fuzz target has to survive, and every beginning of it, in each ordinary test run.
int feed(const char* folder, int (*target)(const std::uint8_t*, std::size_t)) {
    int seeds = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
        ++seeds;
        for (std::size_t size = 0; size <= bytes.size(); size += bytes.size() > 200 ? std::size_t{97} : 1) {
            EXPECT_EQ(target(reinterpret_cast<const std::uint8_t*>(bytes.data()), size), 0);
        }
    }
    return seeds;
}

TEST(Seeds, EachOneAndEachBeginning_HoldsTheRules) {
    EXPECT_GE(feed(TCP_ROOT_SEEDS, LLVMFuzzerTestOneInput), 9);
    EXPECT_GE(feed(TCP_ROOT_HANDSHAKE_SEEDS, handshake_fuzz_one), 9);
}

} // namespace
} // namespace joinleaf::tcp_root::test
