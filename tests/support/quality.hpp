// SPDX-License-Identifier: Apache-2.0
//
// FLOWSPECs as values, and the two ioctls of a socket's quality of service.
#pragma once

#include "tests/support/call_result.hpp"
#include "tests/support/runtime_fixture.hpp"

#include <joinleaf/winsock2.h>

#include <cstring>
#include <optional>
#include <ostream>
#include <string>

namespace joinleaf::test {

inline FLOWSPEC flow(SERVICETYPE type, ULONG rate = QOS_NOT_SPECIFIED, ULONG bucket = QOS_NOT_SPECIFIED) {
    FLOWSPEC made{};
    made.TokenRate = rate;
    made.TokenBucketSize = bucket;
    made.PeakBandwidth = made.Latency = made.DelayVariation = QOS_NOT_SPECIFIED;
    made.ServiceType = type;
    made.MaxSduSize = made.MinimumPolicedSize = QOS_NOT_SPECIFIED;
    return made;
}

inline QOS both(SERVICETYPE type, ULONG rate = QOS_NOT_SPECIFIED) {
    return {flow(type, rate), flow(type, rate), {0, nullptr}};
}

// Different in the two directions, so that a mix-up shows.
inline QOS lopsided(ULONG sending_rate, ULONG receiving_rate) {
    return {flow(SERVICETYPE_GUARANTEED, sending_rate),
            flow(SERVICETYPE_CONTROLLEDLOAD, receiving_rate),
            {0, nullptr}};
}

inline QOS turned(const QOS& qos) {
    return {qos.ReceivingFlowspec, qos.SendingFlowspec, {0, nullptr}};
}

inline std::string text_of(const FLOWSPEC& flow) {
    return "{rate " + std::to_string(flow.TokenRate) + ", bucket " + std::to_string(flow.TokenBucketSize) +
           ", peak " + std::to_string(flow.PeakBandwidth) + ", type " + std::to_string(flow.ServiceType) +
           ", largest " + std::to_string(flow.MaxSduSize) + "}";
}

inline bool same_flow(const FLOWSPEC& one, const FLOWSPEC& other) {
    return std::memcmp(&one, &other, sizeof one) == 0;
}

inline ::testing::AssertionResult same_qos(const QOS& wanted, const std::optional<QOS>& found) {
    if (!found) {
        return ::testing::AssertionFailure() << "there is no QoS: " << last_failure();
    }
    if (same_flow(wanted.SendingFlowspec, found->SendingFlowspec) &&
        same_flow(wanted.ReceivingFlowspec, found->ReceivingFlowspec)) {
        return ::testing::AssertionSuccess();
    }
    return ::testing::AssertionFailure()
           << "sending " << text_of(found->SendingFlowspec) << " receiving "
           << text_of(found->ReceivingFlowspec) << ", expected sending " << text_of(wanted.SendingFlowspec)
           << " receiving " << text_of(wanted.ReceivingFlowspec);
}

inline int set_qos(SOCKET s, QOS qos) {
    DWORD bytes = 0;
    return WSAIoctl(s, SIO_SET_QOS, &qos, sizeof qos, nullptr, 0, &bytes, nullptr, nullptr);
}

inline std::optional<QOS> get_qos(SOCKET s) {
    QOS qos{};
    DWORD bytes = 0;
    if (WSAIoctl(s, SIO_GET_QOS, nullptr, 0, &qos, sizeof qos, &bytes, nullptr, nullptr) != 0) {
        return std::nullopt;
    }
    EXPECT_EQ(sizeof qos, bytes);
    return qos;
}

// The usual configuration with a capacity, in bytes per second, for each of its providers.
inline std::string with_capacity(ULONG bytes_per_second, const std::string& on_unsatisfied) {
    std::string yaml = configuration();
    const std::string rule = "    qos: {capacity: " + std::to_string(bytes_per_second * 8) +
                             "bit, on_unsatisfied: " + on_unsatisfied + "}\n";
    for (auto at = yaml.find("    options:"); at != std::string::npos; at = yaml.find("    options:", at)) {
        yaml.insert(at, rule);
        at += rule.size() + 1;
    }
    return yaml;
}

} // namespace joinleaf::test
