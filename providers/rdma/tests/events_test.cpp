// SPDX-License-Identifier: Apache-2.0
//
// What the events of rdma_cm and failed work requests are to an application: the codes of FD_CLOSE, and of calls that fail.
#include "verbs/handles.hpp"

#include "joinleaf/provider.hpp"

#include <cerrno>
#include <tuple>

#include <gtest/gtest.h>

namespace joinleaf::rdma::verbs {
namespace {

TEST(Events, EV_42_WhatEndsAConnectionOrAMembershipHasItsCode) {
    const std::tuple<rdma_cm_event_type, int, const char*> all[] = {
        {RDMA_CM_EVENT_DISCONNECTED, WSAECONNRESET, "the connection ended"},
        {RDMA_CM_EVENT_DEVICE_REMOVAL, WSAENETDOWN, "the RDMA device has been removed"},
        {RDMA_CM_EVENT_ADDR_CHANGE, WSAENETDOWN, "the network device has changed its address"},
        {RDMA_CM_EVENT_MULTICAST_ERROR, WSAENETDOWN, "the network has ended the membership of the group"},
        {RDMA_CM_EVENT_CONNECT_ERROR, WSAECONNABORTED, "the connection could not be established"},
        {RDMA_CM_EVENT_UNREACHABLE, WSAECONNABORTED, "the connection could not be established"},
    };
    for (const auto& [event, code, sentence] : all) {
        EXPECT_EQ(code, end_of(event).code) << rdma_event_str(event);
        EXPECT_EQ(sentence, end_of(event).sentence) << rdma_event_str(event);
    }
}

TEST(Events, WhatEndsNothingIsNoFailure) {
    for (const auto event :
         {RDMA_CM_EVENT_TIMEWAIT_EXIT, RDMA_CM_EVENT_ESTABLISHED, RDMA_CM_EVENT_MULTICAST_JOIN,
          RDMA_CM_EVENT_ADDR_RESOLVED, RDMA_CM_EVENT_ROUTE_RESOLVED}) {
        EXPECT_EQ(0, end_of(event).code) << rdma_event_str(event);
    }
}

// A flush only follows what has been told already.
TEST(Events, EV_42_AFailedWorkRequestIsAnAbortOrAReset_AFlushIsNothing) {
    const std::pair<ibv_wc_status, int> all[] = {
        {IBV_WC_SUCCESS, 0},
        {IBV_WC_WR_FLUSH_ERR, 0},
        {IBV_WC_RETRY_EXC_ERR, WSAECONNABORTED},
        {IBV_WC_RNR_RETRY_EXC_ERR, WSAECONNABORTED},
        {IBV_WC_LOC_LEN_ERR, WSAECONNABORTED},
        {IBV_WC_REM_OP_ERR, WSAECONNRESET},
        {IBV_WC_FATAL_ERR, WSAECONNRESET},
    };
    for (const auto& [status, code] : all) {
        EXPECT_EQ(code, end_of(status).code) << ibv_wc_status_str(status);
    }
}

TEST(Events, AJoinThatComesToNothingHasTheCodeOfItsCause) {
    const std::tuple<rdma_cm_event_type, int, int> all[] = {
        {RDMA_CM_EVENT_ADDR_ERROR, -ETIMEDOUT, WSAENETUNREACH},
        {RDMA_CM_EVENT_ROUTE_ERROR, -EINVAL, WSAENETUNREACH},
        {RDMA_CM_EVENT_UNREACHABLE, -ETIMEDOUT, WSAETIMEDOUT},
        {RDMA_CM_EVENT_UNREACHABLE, -EHOSTUNREACH, WSAENETUNREACH},
        {RDMA_CM_EVENT_DEVICE_REMOVAL, 0, WSAENETDOWN},
        {RDMA_CM_EVENT_CONNECT_ERROR, -EPROTO, WSAECONNREFUSED},
    };
    for (const auto& [event, status, code] : all) {
        const failure why = join_failure(event, status);
        EXPECT_EQ(code, why.code) << rdma_event_str(event);
        EXPECT_FALSE(why.sentence.empty()) << rdma_event_str(event);
    }
}

} // namespace
} // namespace joinleaf::rdma::verbs
