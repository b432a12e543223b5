// SPDX-License-Identifier: Apache-2.0
#include <joinleaf/provider.h>

#include <gtest/gtest.h>

namespace joinleaf::qos {
namespace {

TEST(Service, QS_15_PrioritiesFollowThePrecedence) {
    EXPECT_GT(jl_service_priority(SERVICETYPE_NETWORK_CONTROL), jl_service_priority(SERVICETYPE_GUARANTEED));
    EXPECT_GT(jl_service_priority(SERVICETYPE_GUARANTEED), jl_service_priority(SERVICETYPE_CONTROLLEDLOAD));
    EXPECT_GT(jl_service_priority(SERVICETYPE_CONTROLLEDLOAD), jl_service_priority(SERVICETYPE_BESTEFFORT));
    // Linux' bulk priority is a higher number than best effort's, and served behind it.
    EXPECT_EQ(2, jl_service_priority(SERVICETYPE_QUALITATIVE));
}

TEST(Service, QS_12_TheSignallingBitsAreNoPartOfAType) {
    EXPECT_EQ(46U, jl_service_dscp(SERVICETYPE_GUARANTEED | SERVICE_NO_TRAFFIC_CONTROL));
    EXPECT_EQ(26U, jl_service_dscp(SERVICETYPE_CONTROLLEDLOAD | SERVICE_NO_QOS_SIGNALING));
    EXPECT_EQ(6, jl_service_priority(SERVICETYPE_GUARANTEED | SERVICE_NO_TRAFFIC_CONTROL));
}

TEST(Service, WhatIsNoTypeOfAFlowIsBestEffort) {
    EXPECT_EQ(0U, jl_service_dscp(SERVICETYPE_NOTRAFFIC));
    EXPECT_EQ(0U, jl_service_dscp(0x77));
    EXPECT_EQ(0, jl_service_priority(0x77));
}

} // namespace
} // namespace joinleaf::qos
