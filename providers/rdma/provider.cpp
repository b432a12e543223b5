// SPDX-License-Identifier: Apache-2.0
//
// The place of the RDMA provider: it loads, looks for devices and tells the operator what it found. It has no transport engine, so that
// `create` always refuses, no socket is ever made and its entry is never offered.
#include "devices.hpp"

#include <joinleaf/provider.hpp>

#include <iterator>

#include <netinet/in.h>
#include <sys/socket.h>

namespace joinleaf::rdma {
namespace {

const jl_host* host = nullptr;

// No member is made: `instance::open` refuses. The table of functions has to be complete all the same.
struct member {
    std::int32_t bind(const sockaddr*, std::uint32_t) { return WSAENETDOWN; }
    std::int32_t join(const jl_join*) { return WSAENETDOWN; }
    std::int32_t tx(jl_msg*, std::uint32_t, std::uint32_t*) { return WSAENETDOWN; }
    std::int32_t rx(jl_msg*, std::uint32_t, std::uint32_t*, std::uint32_t*) { return WSAENETDOWN; }
    std::int32_t arm(std::uint32_t, std::int32_t* code) {
        *code = WSAENETDOWN;
        return JL_ENDED;
    }
    std::int32_t shutdown(std::int32_t) { return WSAENETDOWN; }
    void close(std::uint32_t) { delete this; }
    std::int32_t name(std::uint32_t, sockaddr*, std::uint32_t*) { return WSAENETDOWN; }
};

struct instance {
    std::int32_t open(jl_handle*, jl_open&, member*&) { return WSAENETDOWN; }
};

// Only what is sure of every transport over RDMA: its control plane is rooted, because devices meet by connecting, and it carries
// messages. What more an engine can do, its own entries will say.
constexpr jl_protocol rooted{
    .struct_size = sizeof(jl_protocol),
    .name = "rooted",
    .service_flags = XP1_MESSAGE_ORIENTED | XP1_SUPPORT_MULTIPOINT | XP1_MULTIPOINT_CONTROL_PLANE,
    .provider_flags = PFL_MATCHES_PROTOCOL_ZERO,
    .family = AF_INET,
    .socket_type = SOCK_SEQPACKET,
    .protocol = 0,
    .protocol_max_offset = 0,
    .max_sockaddr = sizeof(sockaddr_in),
    .min_sockaddr = sizeof(sockaddr_in),
    .message_size = 1,
    .caller_data_max = 0,
    .callee_data_max = 0,
    .abilities = 0,
};
constexpr const jl_protocol* protocols[] = {&rooted};

constexpr jl_ops ops = provider::make_ops<instance, member>();

std::int32_t create(const jl_create*, jl_instance**) noexcept {
    try {
        host->explain(sentence(look()).c_str());
        return WSAENETDOWN;
    } catch (...) {
        return provider::code_of_current_exception();
    }
}

// There is nothing to destroy, because create never made anything.
void destroy(jl_instance*) noexcept {}

} // namespace
} // namespace joinleaf::rdma

JL_PROVIDER_EXPORT int jl_provider_startup(std::uint32_t host_abi_min, std::uint32_t host_abi_max,
                                           const jl_host* upcalls, jl_provider* out) {
    using namespace joinleaf;
    if (const auto code = provider::negotiate(host_abi_min, host_abi_max, *out); code != 0) {
        return code;
    }
    rdma::host = upcalls;
    out->name = "rdma";
    out->version = "0.1.0";
    out->summary = "RDMA devices: finds them and says so; has no transport engine.";
    out->protocols = rdma::protocols;
    out->protocol_count = std::size(rdma::protocols);
    out->options = nullptr;
    out->option_count = 0;
    out->ops = &rdma::ops;
    out->create = rdma::create;
    out->destroy = rdma::destroy;
    return 0;
}
