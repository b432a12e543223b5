// SPDX-License-Identifier: Apache-2.0
#include "service.hpp"

#include "base.hpp"

#include <algorithm>

#include <netinet/in.h>
#include <sys/socket.h>

namespace joinleaf::tcp_root {
namespace {

constexpr int unprivileged_priority = 6;

} // namespace

void mark(int fd, int family, ULONG service_type) noexcept {
    const int level = family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
    const int traffic_class = static_cast<int>(jl_service_dscp(service_type) << 2);
    ::setsockopt(fd, level, family == AF_INET6 ? IPV6_TCLASS : IP_TOS, &traffic_class, sizeof traffic_class);
    // Behind the traffic class: the kernel derives a priority of its own from that.
    int priority = jl_service_priority(service_type);
    if (::setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof priority) != 0) {
        priority = std::min(priority, unprivileged_priority);
        ::setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof priority);
    }
}

qos_frame_bytes make_qos_frame(const QOS& qos, std::uint32_t how) noexcept {
    qos_frame_bytes out{};
    const auto flags = how == JL_QOS_FINAL ? wire::flag_final : std::uint8_t{0};
    const auto head = wire::encode(wire::frame{wire::frame_kind::qos, flags, wire::qos_size});
    const auto flows = wire::encode_qos(qos);
    std::ranges::copy(flows, std::ranges::copy(head, out.begin()).out);
    return out;
}

void report_change(jl_handle* socket, const wire::frame& head,
                   std::span<const std::byte, wire::qos_size> flows) noexcept {
    if (socket != nullptr && host().qos_changed != nullptr) {
        const QOS asked = wire::decode_qos(flows);
        host().qos_changed(socket, &asked, (head.flags & wire::flag_final) != 0 ? JL_QOS_FINAL : JL_QOS_TELL);
    }
}

} // namespace joinleaf::tcp_root
