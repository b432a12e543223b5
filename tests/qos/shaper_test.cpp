// SPDX-License-Identifier: Apache-2.0
//
// The token buckets, with a clock of the test's own.
#include "runtime/qos/shaper.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace joinleaf::qos {
namespace {

using namespace std::chrono_literals;

const int owner = 0;
const int other_owner = 0;

FLOWSPEC flow(ULONG rate, ULONG bucket) {
    FLOWSPEC made{};
    made.TokenRate = rate;
    made.TokenBucketSize = bucket;
    made.PeakBandwidth = made.Latency = made.DelayVariation = QOS_NOT_SPECIFIED;
    made.ServiceType = SERVICETYPE_GUARANTEED;
    made.MaxSduSize = made.MinimumPolicedSize = QOS_NOT_SPECIFIED;
    return made;
}

// Messages of these sizes, one piece each.
class messages {
  public:
    explicit messages(std::vector<std::size_t> sizes) : parts_(sizes.size()), list_(sizes.size()) {
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            parts_[i].iov_len = sizes[i];
            list_[i].iov = &parts_[i];
            list_[i].iov_count = 1;
            list_[i].size = sizes[i];
        }
    }
    [[nodiscard]] std::span<const jl_msg> all() const { return list_; }

  private:
    std::vector<iovec> parts_;
    std::vector<jl_msg> list_;
};

class Shaper : public ::testing::Test {
  protected:
    // Sends what may go of one message; true: it went.
    bool sends(std::size_t bytes) {
        const messages one({bytes});
        const auto verdict = shaper_.admit(one.all(), now_);
        if (verdict.count == 1) {
            shaper_.charge(one.all(), now_);
        }
        return verdict.count == 1;
    }
    std::chrono::nanoseconds wait() {
        const auto due = shaper_.due(now_);
        return due ? *due - now_ : 0ns;
    }
    shaper shaper_;
    shaper::clock::time_point now_ = shaper::clock::now();
};

TEST_F(Shaper, QS_24_TheBucketGoesAtOnce_ThenTheRateDecides) {
    shaper_.set(&owner, flow(1000, 500), now_);
    EXPECT_TRUE(sends(300));
    EXPECT_TRUE(sends(200));
    EXPECT_FALSE(sends(100));
    EXPECT_EQ(100ms, wait());
    now_ += 99ms;
    EXPECT_FALSE(sends(100));
    now_ += 1ms;
    EXPECT_TRUE(sends(100));
}

TEST_F(Shaper, QS_24_AnArrayThatIsHeldBack_WaitsForAsMuchAsHalfTheBucketTakes) {
    shaper_.set(&owner, flow(1000, 500), now_);
    EXPECT_TRUE(sends(500));
    const messages array({100, 100, 100});
    EXPECT_EQ(shaper_.admit(array.all(), now_).count, 0U);
    EXPECT_EQ(200ms, wait());
    now_ += 200ms;
    EXPECT_EQ(shaper_.admit(array.all(), now_).count, 2U);
    const messages large_first({400, 100});
    EXPECT_EQ(shaper_.admit(large_first.all(), now_).count, 0U);
    EXPECT_EQ(200ms, wait()) << "at least the first";
}

TEST_F(Shaper, QS_24_NothingBeyondTheBucketIsSavedUp) {
    shaper_.set(&owner, flow(1000, 500), now_);
    now_ += 1h;
    EXPECT_TRUE(sends(500));
    EXPECT_FALSE(sends(1));
}

TEST_F(Shaper, QS_24_OverAnyTime_NoMoreThanRateTimesTimeAndTheBucket) {
    shaper_.set(&owner, flow(10'000, 700), now_);
    const auto begin = now_;
    double sent = 0;
    for (int step = 0; step < 5000; ++step) {
        const std::size_t size = 50U + static_cast<std::size_t>(step * 37 % 400);
        sent += sends(size) ? static_cast<double>(size) : 0;
        const auto seconds = std::chrono::duration<double>(now_ - begin).count();
        ASSERT_LE(sent, 700 + 10'000 * seconds + 1e-6);
        now_ += std::chrono::microseconds(step % 7 * 300);
    }
    EXPECT_GE(sent, 0.9 * 10'000 * std::chrono::duration<double>(now_ - begin).count());
}

TEST_F(Shaper, QS_24_AMessageLargerThanTheBucket_GoesWhenEnoughHasGathered) {
    shaper_.set(&owner, flow(1000, 100), now_);
    EXPECT_FALSE(sends(600));
    EXPECT_EQ(500ms, wait());
    now_ += 500ms;
    EXPECT_TRUE(sends(600));
    EXPECT_FALSE(sends(1));
}

TEST_F(Shaper, PeakBandwidthSpreadsTheBucket) {
    auto fast = flow(1000, 100'000);
    fast.PeakBandwidth = 10'000;
    fast.MaxSduSize = 2000;
    shaper_.set(&owner, fast, now_);
    EXPECT_TRUE(sends(2000));
    EXPECT_FALSE(sends(2000)) << "the bucket has it, the peak does not allow it";
    EXPECT_EQ(200ms, wait());
}

TEST_F(Shaper, SizesAreHeldToTheFlowSpec) {
    auto sized = flow(10, 1000);
    sized.MaxSduSize = 500;
    sized.MinimumPolicedSize = 400;
    shaper_.set(&owner, sized, now_);
    EXPECT_EQ(WSAEMSGSIZE, shaper_.admit(messages({501}).all(), now_).code);
    EXPECT_TRUE(sends(1));
    EXPECT_TRUE(sends(1));
    EXPECT_FALSE(sends(1)) << "each counts as 400 bytes";
}

TEST_F(Shaper, ABatchIsCutWhereTheTokensEnd) {
    shaper_.set(&owner, flow(10, 1000), now_);
    const messages batch({400, 400, 400});
    EXPECT_EQ(2U, shaper_.admit(batch.all(), now_).count);
    EXPECT_EQ(0, shaper_.admit(batch.all(), now_).code);
}

TEST_F(Shaper, TheTightestOfSeveralFlowsCounts_UntilItIsLifted) {
    shaper_.set(&owner, flow(100'000, 10'000), now_);
    shaper_.set(&other_owner, flow(1000, 500), now_);
    EXPECT_TRUE(sends(500));
    EXPECT_FALSE(sends(1));
    shaper_.lift(&other_owner, now_);
    now_ += 10ms;
    EXPECT_TRUE(sends(1000));
}

TEST_F(Shaper, WithoutFlowsNothingIsHeldBack) {
    shaper_.set(&owner, flow(10, 10), now_);
    EXPECT_FALSE(sends(1000));
    shaper_.lift(&owner, now_);
    EXPECT_TRUE(sends(1'000'000));
    EXPECT_EQ(0ns, wait());
}

TEST_F(Shaper, SettingTheSameAgainFillsNoBucket) {
    shaper_.set(&owner, flow(1000, 500), now_);
    EXPECT_TRUE(sends(500));
    shaper_.set(&owner, flow(1000, 500), now_);
    EXPECT_FALSE(sends(1));
}

TEST_F(Shaper, FlowsThatBindNobody) {
    EXPECT_FALSE(shaper::binds(flow(QOS_NOT_SPECIFIED, 10)));
    EXPECT_FALSE(shaper::binds(flow(POSITIVE_INFINITY_RATE, 10)));
    auto free_flow = flow(1000, 10);
    free_flow.ServiceType |= SERVICE_NO_TRAFFIC_CONTROL;
    EXPECT_FALSE(shaper::binds(free_flow));
    EXPECT_TRUE(shaper::binds(flow(1000, 10)));
}

} // namespace
} // namespace joinleaf::qos
