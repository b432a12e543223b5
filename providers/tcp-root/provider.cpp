// SPDX-License-Identifier: Apache-2.0
//
// The entry of the library: what tcp-root offers.
#include "base.hpp"
#include "instance.hpp"
#include "settings.hpp"

#include "joinleaf/provider.hpp"

namespace {

namespace tcp_root = joinleaf::tcp_root;

using lifecycle = joinleaf::provider::lifecycle<tcp_root::instance>;

constexpr jl_ops ops = joinleaf::provider::make_ops<tcp_root::instance, tcp_root::endpoint>();

} // namespace

JL_PROVIDER_EXPORT int jl_provider_startup(uint32_t host_abi_min, uint32_t host_abi_max, const jl_host* host,
                                           jl_provider* out) {
    if (const int code = joinleaf::provider::negotiate(host_abi_min, host_abi_max, *out); code != 0) {
        return code;
    }
    joinleaf::provider::keep_host(*host);
    if (!joinleaf::provider::has_reactor(*host) || host->expose == nullptr) {
        joinleaf::provider::explain("tcp-root needs a host with a reactor: watch, timer, post and expose");
        return WSASYSNOTREADY;
    }
    lifecycle::host = host;
    const auto protocols = tcp_root::protocol_table();
    const auto options = tcp_root::option_table();
    out->name = "tcp-root";
    out->version = JOINLEAF_VERSION_STRING;
    out->summary = "Rooted sessions over TCP, their data rooted or relayed to every member by the root; "
                   "ordinary TCP sockets.";
    out->protocols = protocols.data();
    out->protocol_count = static_cast<uint32_t>(protocols.size());
    out->options = options.data();
    out->option_count = static_cast<uint32_t>(options.size());
    out->ops = &ops;
    out->create = lifecycle::create;
    out->destroy = lifecycle::destroy;
    return 0;
}
