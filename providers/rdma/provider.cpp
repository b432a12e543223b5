// SPDX-License-Identifier: Apache-2.0
//
// The entry of the library: what rdma offers.
#include "base.hpp"
#include "instance.hpp"
#include "settings.hpp"

#include "joinleaf/provider.hpp"

namespace {

namespace rdma = joinleaf::rdma;

using lifecycle = joinleaf::provider::lifecycle<rdma::instance>;

constexpr jl_ops ops = joinleaf::provider::make_ops<rdma::instance, rdma::endpoint>();

} // namespace

JL_PROVIDER_EXPORT int jl_provider_startup(uint32_t host_abi_min, uint32_t host_abi_max, const jl_host* host,
                                           jl_provider* out) {
    if (const int code = joinleaf::provider::negotiate(host_abi_min, host_abi_max, *out); code != 0) {
        return code;
    }
    joinleaf::provider::keep_host(*host);
    if (!joinleaf::provider::has_reactor(*host)) {
        joinleaf::provider::explain("rdma needs a host with a reactor: watch, timer and post");
        return WSASYSNOTREADY;
    }
    lifecycle::host = host;
    const auto protocols = rdma::protocol_table();
    const auto options = rdma::option_table();
    out->name = "rdma";
    out->version = JOINLEAF_VERSION_STRING;
    out->summary =
        "Sessions over RDMA: rooted, reliable and in order, in software where there is no device; and by "
        "multicast of the network.";
    out->protocols = protocols.data();
    out->protocol_count = static_cast<uint32_t>(protocols.size());
    out->options = options.data();
    out->option_count = static_cast<uint32_t>(options.size());
    out->ops = &ops;
    out->create = lifecycle::create;
    out->destroy = lifecycle::destroy;
    return 0;
}
