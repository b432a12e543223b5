// SPDX-License-Identifier: Apache-2.0
//
// What the library offers: two protocol entries, the option table, instances.
#include "base.hpp"
#include "endpoint.hpp"
#include "instance.hpp"

#include <array>
#include <memory>
#include <utility>

namespace joinleaf::udp_mcast {

namespace {

constexpr std::uint32_t common_flags =
    XP1_CONNECTIONLESS | XP1_MESSAGE_ORIENTED | XP1_SUPPORT_MULTIPOINT | XP1_QOS_SUPPORTED;

// CT-12. The largest messages are what a datagram's 16-bit length leaves: IPv4 counts its own header in, IPv6
// does not. Broadcast is IPv4's alone.
constexpr jl_protocol protocol(const char* name, std::uint32_t flags, std::int32_t family,
                               std::int32_t address_size, std::uint32_t message_size) {
    return {sizeof(jl_protocol),
            name,
            common_flags | flags,
            PFL_MATCHES_PROTOCOL_ZERO,
            family,
            SOCK_DGRAM,
            IPPROTO_UDP,
            0,
            address_size,
            address_size,
            message_size,
            0,
            0,
            JL_CAN_MIX_ORDINARY};
}

constexpr jl_protocol ipv4 = protocol("ipv4", XP1_SUPPORT_BROADCAST, AF_INET, sizeof(sockaddr_in), 65507);
constexpr jl_protocol ipv6 = protocol("ipv6", 0, AF_INET6, sizeof(sockaddr_in6), 65527);
constexpr std::array protocols{&ipv4, &ipv6};

constexpr jl_ops ops = provider::make_ops<instance, endpoint>();

std::int32_t create(const jl_create* arguments, jl_instance** out) noexcept {
    try {
        auto options = read_settings(*arguments);
        if (!options) {
            explain(options.error().sentence);
            return options.error().code;
        }
        auto made = std::make_unique<instance>(std::move(*options));
        *out = reinterpret_cast<jl_instance*>(made.release());
        return 0;
    } catch (...) {
        return provider::code_of_current_exception();
    }
}

void destroy(jl_instance* made) noexcept {
    delete reinterpret_cast<instance*>(made);
}

} // namespace

} // namespace joinleaf::udp_mcast

JL_PROVIDER_EXPORT int jl_provider_startup(std::uint32_t host_abi_min, std::uint32_t host_abi_max,
                                           const jl_host* host, jl_provider* out) {
    using namespace joinleaf;
    if (const int code = provider::negotiate(host_abi_min, host_abi_max, *out); code != 0) {
        return code;
    }
    joinleaf::provider::keep_host(*host);
    const auto options = udp_mcast::option_table();
    out->name = "udp-mcast";
    out->version = "0.1.0";
    out->summary = "IP multicast and ordinary UDP: nonrooted sessions over IPv4 and IPv6.";
    out->protocols = udp_mcast::protocols.data();
    out->protocol_count = static_cast<std::uint32_t>(udp_mcast::protocols.size());
    out->options = options.data();
    out->option_count = static_cast<std::uint32_t>(options.size());
    out->ops = &udp_mcast::ops;
    out->create = udp_mcast::create;
    out->destroy = udp_mcast::destroy;
    return 0;
}
