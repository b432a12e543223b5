// SPDX-License-Identifier: Apache-2.0
//
// Quality of service by name: WSAGetQOSByName and its templates.
#include <array>
#include <cstring>
#include <string>
#include <string_view>

#include "runtime/api/call.hpp"
#include "runtime/api/user_memory.hpp"

using namespace joinleaf;

namespace {

struct media {
    std::string_view name;
    ULONG rate; // bytes per second, with 12 bytes of RTP in each packet
    ULONG bucket;
    SERVICETYPE service;
};

// Voice: the codec's frames in packets of 20 ms (G.723.1: 30 ms), the bucket four of them. Video: the usual
// bit rate of the format, the bucket a picture that is coded whole.
constexpr std::array templates{
    media{"G711", (160 + 12) * 50, 4 * (160 + 12), SERVICETYPE_GUARANTEED},
    media{"G723.1", (24 + 12) * 34, 4 * (24 + 12), SERVICETYPE_GUARANTEED},
    media{"G729", (20 + 12) * 50, 4 * (20 + 12), SERVICETYPE_GUARANTEED},
    media{"GSM6.10", (33 + 12) * 50, 4 * (33 + 12), SERVICETYPE_GUARANTEED},
    media{"H261QCIF", 64'000 / 8, 8'192, SERVICETYPE_CONTROLLEDLOAD},
    media{"H261CIF", 320'000 / 8, 32'768, SERVICETYPE_CONTROLLEDLOAD},
    media{"H263QCIF", 64'000 / 8, 8'192, SERVICETYPE_CONTROLLEDLOAD},
    media{"H263CIF", 128'000 / 8, 16'384, SERVICETYPE_CONTROLLEDLOAD},
};

FLOWSPEC flow_of(const media& what) noexcept {
    FLOWSPEC made{};
    made.TokenRate = what.rate;
    made.TokenBucketSize = what.bucket;
    made.PeakBandwidth = made.Latency = made.DelayVariation = QOS_NOT_SPECIFIED;
    made.ServiceType = what.service;
    made.MaxSduSize = made.MinimumPolicedSize = QOS_NOT_SPECIFIED;
    return made;
}

// All names, each with its zero, and one more at the end.
int store_names(WSABUF& room) {
    std::string names;
    for (const auto& each : templates) {
        names.append(each.name).push_back('\0');
    }
    names.push_back('\0');
    const auto offered = room.len;
    room.len = static_cast<ULONG>(names.size());
    if (offered < names.size()) {
        return WSAENOBUFS;
    }
    if (!api::writable(room.buf, names.size())) {
        return WSAEFAULT;
    }
    names.copy(room.buf, names.size());
    return 0;
}

int find_template(const WSABUF& name, QOS* qos) {
    if (!api::readable(name.buf, name.len) || !api::writable(qos, sizeof *qos)) {
        return WSAEFAULT;
    }
    const std::string_view given(name.buf, ::strnlen(name.buf, name.len));
    for (const auto& each : templates) {
        if (each.name == given) {
            *qos = {flow_of(each), flow_of(each), {0, nullptr}};
            return 0;
        }
    }
    return WSAEINVAL;
}

} // namespace

BOOL WSAGetQOSByName(SOCKET s, LPWSABUF name, LPQOS qos) {
    const int failed = api::socket_call(s, [&](socket::socket_object& /*object*/) {
        WSABUF asked{};
        if (!api::get(name, asked)) {
            return WSAEFAULT;
        }
        if (qos != nullptr) {
            return find_template(asked, qos);
        }
        return api::writable(name, sizeof *name) ? store_names(*name) : WSAEFAULT;
    });
    return failed == 0 ? TRUE : FALSE;
}
