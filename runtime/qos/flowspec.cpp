// SPDX-License-Identifier: Apache-2.0
#include "runtime/qos/flowspec.hpp"

#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "runtime/explanation.hpp"

namespace joinleaf::qos {
namespace {

using fault = std::optional<std::string>;

// What SERVICE_NO_TRAFFIC_CONTROL consists of besides the top bit is no part of a type either.
constexpr ULONG signalling_bits = SERVICE_NO_TRAFFIC_CONTROL | SERVICE_NO_QOS_SIGNALING;

const char* name_of(ULONG type) noexcept {
    switch (type) {
    case SERVICETYPE_NOTRAFFIC: return "SERVICETYPE_NOTRAFFIC";
    case SERVICETYPE_BESTEFFORT: return "SERVICETYPE_BESTEFFORT";
    case SERVICETYPE_CONTROLLEDLOAD: return "SERVICETYPE_CONTROLLEDLOAD";
    case SERVICETYPE_GUARANTEED: return "SERVICETYPE_GUARANTEED";
    case SERVICETYPE_NOCHANGE: return "SERVICETYPE_NOCHANGE";
    case SERVICETYPE_NETWORK_CONTROL: return "SERVICETYPE_NETWORK_CONTROL";
    case SERVICETYPE_QUALITATIVE: return "SERVICETYPE_QUALITATIVE";
    default: return nullptr; // the other values describe a network, or packets, and cannot be asked for
    }
}

bool has_flow(ULONG type) noexcept {
    return type != SERVICETYPE_NOTRAFFIC && type != SERVICETYPE_NOCHANGE;
}

bool rate_may_be_open(ULONG type, bool sending) noexcept {
    if (type == SERVICETYPE_BESTEFFORT || type == SERVICETYPE_QUALITATIVE ||
        type == SERVICETYPE_NETWORK_CONTROL) {
        return true;
    }
    return !sending && type == SERVICETYPE_CONTROLLEDLOAD; // QS-13
}

fault bad_rates(const FLOWSPEC& flow, ULONG type, bool sending) {
    if (flow.TokenRate == 0) {
        return "a TokenRate of 0 is not legal; QOS_NOT_SPECIFIED leaves it open";
    }
    if (flow.TokenRate == QOS_NOT_SPECIFIED) {
        return rate_may_be_open(type, sending) ? fault{} : fmt::format("{} needs a TokenRate", name_of(type));
    }
    if (flow.PeakBandwidth < flow.TokenRate) { // QS-11; QOS_NOT_SPECIFIED is above every rate
        return fmt::format("PeakBandwidth {} is below TokenRate {}", flow.PeakBandwidth, flow.TokenRate);
    }
    return std::nullopt;
}

// QS-25. 0: a stream; 1: whatever the path carries; all ones: no limit.
fault bad_size(const FLOWSPEC& flow, const jl_protocol& entry) {
    const bool limited = entry.message_size > 1 && entry.message_size != 0xFFFFFFFFU;
    if (limited && flow.MaxSduSize != QOS_NOT_SPECIFIED && flow.MaxSduSize > entry.message_size) {
        return fmt::format("MaxSduSize {} is above the {} bytes that a message may have", flow.MaxSduSize,
                           entry.message_size);
    }
    return std::nullopt;
}

fault fault_of(const FLOWSPEC& flow, const jl_protocol& entry, bool sending) {
    const auto type = type_of(flow);
    if (name_of(type) == nullptr) {
        return fmt::format("ServiceType {:#x} cannot be asked for", flow.ServiceType);
    }
    if (!has_flow(type)) {
        return std::nullopt;
    }
    if ((entry.service_flags & XP1_QOS_SUPPORTED) == 0) {
        return type == SERVICETYPE_BESTEFFORT
                   ? bad_size(flow, entry)
                   : fmt::format("{} is more than best effort, and the entry \"{}\" has no XP1_QOS_SUPPORTED",
                                 name_of(type), entry.name);
    }
    auto found = bad_rates(flow, type, sending);
    return found ? found : bad_size(flow, entry);
}

// The list of QOS_OBJECT_HDR with what follows each. Joinleaf knows no such object but the end of the list.
std::int32_t check_objects(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        QOS_OBJECT_HDR head{};
        if (bytes.size() < sizeof head) {
            set_explanation("ProviderSpecific ends in the middle of a QOS_OBJECT_HDR");
            return WSAEFAULT;
        }
        std::memcpy(&head, bytes.data(), sizeof head);
        if (head.ObjectLength < sizeof head || head.ObjectLength > bytes.size()) {
            set_explanation(fmt::format("ProviderSpecific: an object of {} bytes where {} are left",
                                        head.ObjectLength, bytes.size()));
            return WSAEFAULT;
        }
        if (head.ObjectType == QOS_OBJECT_END_OF_LIST) {
            return 0;
        }
        set_explanation(
            fmt::format("ProviderSpecific: no entry knows objects of type {:#x}", head.ObjectType));
        return WSAEOPNOTSUPP;
    }
    return 0;
}

std::int32_t refuse(std::string_view which, const std::string& why) {
    set_explanation(fmt::format("{}: {}", which, why));
    return WSAEOPNOTSUPP;
}

} // namespace

ULONG type_of(const FLOWSPEC& flow) noexcept {
    return flow.ServiceType & ~signalling_bits;
}

std::int32_t check(const QOS& asked, const jl_protocol& entry, DWORD direction) {
    const auto& objects = asked.ProviderSpecific;
    if (const auto code = check_objects(std::as_bytes(std::span(objects.buf, objects.len))); code != 0) {
        return code;
    }
    if (direction != JL_RECEIVER_ONLY) {
        if (const auto why = fault_of(asked.SendingFlowspec, entry, true)) {
            return refuse("SendingFlowspec", *why);
        }
    }
    if (direction != JL_SENDER_ONLY) {
        if (const auto why = fault_of(asked.ReceivingFlowspec, entry, false)) {
            return refuse("ReceivingFlowspec", *why);
        }
    }
    return 0;
}

QOS unspecified() noexcept {
    FLOWSPEC open{};
    open.TokenRate = open.TokenBucketSize = open.PeakBandwidth = QOS_NOT_SPECIFIED;
    open.Latency = open.DelayVariation = QOS_NOT_SPECIFIED;
    open.ServiceType = SERVICETYPE_BESTEFFORT;
    open.MaxSduSize = open.MinimumPolicedSize = QOS_NOT_SPECIFIED;
    return {open, open, {0, nullptr}};
}

QOS merged(const QOS& former, const QOS& asked, DWORD direction) noexcept {
    QOS made = former;
    if (direction != JL_RECEIVER_ONLY && type_of(asked.SendingFlowspec) != SERVICETYPE_NOCHANGE) {
        made.SendingFlowspec = asked.SendingFlowspec;
    }
    if (direction != JL_SENDER_ONLY && type_of(asked.ReceivingFlowspec) != SERVICETYPE_NOCHANGE) {
        made.ReceivingFlowspec = asked.ReceivingFlowspec;
    }
    made.ProviderSpecific = {0, nullptr};
    return made;
}

QOS turned(const QOS& seen_here) noexcept {
    return {seen_here.ReceivingFlowspec, seen_here.SendingFlowspec, {0, nullptr}};
}

bool same(const QOS& one, const QOS& other) noexcept {
    return std::memcmp(&one.SendingFlowspec, &other.SendingFlowspec, sizeof(FLOWSPEC)) == 0 &&
           std::memcmp(&one.ReceivingFlowspec, &other.ReceivingFlowspec, sizeof(FLOWSPEC)) == 0;
}

FLOWSPEC best_effort(FLOWSPEC flow) noexcept {
    flow.ServiceType = (flow.ServiceType & signalling_bits) | SERVICETYPE_BESTEFFORT;
    return flow;
}

bool is_silent(const QOS& qos) noexcept {
    return ((qos.SendingFlowspec.ServiceType | qos.ReceivingFlowspec.ServiceType) &
            SERVICE_NO_QOS_SIGNALING) != 0;
}

} // namespace joinleaf::qos
