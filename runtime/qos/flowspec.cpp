// SPDX-License-Identifier: Apache-2.0
#include "runtime/qos/flowspec.hpp"

namespace joinleaf::qos {
namespace {

constexpr ULONG signalling_bits = SERVICE_NO_TRAFFIC_CONTROL | SERVICE_NO_QOS_SIGNALING;

// The type without the two signalling bits (QS-12). They overlap in 0x80000000 with nothing a type uses.
ULONG type_of(const FLOWSPEC& flow) noexcept {
    return flow.ServiceType & ~signalling_bits;
}

bool needs_nothing(const FLOWSPEC& flow) noexcept {
    switch (type_of(flow)) {
    case SERVICETYPE_NOTRAFFIC:
    case SERVICETYPE_BESTEFFORT:
    case SERVICETYPE_NOCHANGE: return true;
    default: return false;
    }
}

bool rate_may_be_open(ULONG type, bool sending) noexcept {
    if (type == SERVICETYPE_BESTEFFORT || type == SERVICETYPE_QUALITATIVE ||
        type == SERVICETYPE_NETWORK_CONTROL) {
        return true;
    }
    return !sending && type == SERVICETYPE_CONTROLLEDLOAD; // QS-13
}

bool consistent(const FLOWSPEC& flow, bool sending) noexcept {
    const auto type = type_of(flow);
    switch (type) {
    case SERVICETYPE_NOTRAFFIC:
    case SERVICETYPE_NOCHANGE: return true;
    case SERVICETYPE_BESTEFFORT:
    case SERVICETYPE_CONTROLLEDLOAD:
    case SERVICETYPE_GUARANTEED:
    case SERVICETYPE_NETWORK_CONTROL:
    case SERVICETYPE_QUALITATIVE: break;
    default: return false;
    }
    if (flow.TokenRate == 0 || (flow.TokenRate == QOS_NOT_SPECIFIED && !rate_may_be_open(type, sending))) {
        return false;
    }
    return flow.PeakBandwidth == QOS_NOT_SPECIFIED || flow.TokenRate == QOS_NOT_SPECIFIED ||
           flow.PeakBandwidth >= flow.TokenRate; // QS-11
}

bool honourable(const FLOWSPEC& flow, DWORD service_flags, bool sending) noexcept {
    return (service_flags & XP1_QOS_SUPPORTED) != 0 ? consistent(flow, sending) : needs_nothing(flow);
}

} // namespace

std::int32_t check(const QOS& asked, DWORD service_flags, DWORD direction) noexcept {
    const bool sending =
        direction == JL_RECEIVER_ONLY || honourable(asked.SendingFlowspec, service_flags, true);
    const bool receiving =
        direction == JL_SENDER_ONLY || honourable(asked.ReceivingFlowspec, service_flags, false);
    return sending && receiving ? 0 : WSAEOPNOTSUPP;
}

} // namespace joinleaf::qos
