// SPDX-License-Identifier: Apache-2.0
//
// A provider that lets an exception out of its C functions: of startup, or with THROW_LATER of create.
#include <joinleaf/provider.h>

#include <stdexcept>

namespace {

[[maybe_unused]] std::int32_t create(const jl_create*, jl_instance**) {
    throw std::runtime_error("the disk is on fire");
}
[[maybe_unused]] void destroy(jl_instance*) {}

[[maybe_unused]] jl_ops functions() {
    jl_ops ops{};
    ops.struct_size = sizeof ops;
    ops.open = [](jl_instance*, jl_handle*, jl_open*, jl_endpoint**) -> std::int32_t { return WSAENOBUFS; };
    ops.bind = [](jl_endpoint*, const sockaddr*, std::uint32_t) -> std::int32_t { return WSAENOTSOCK; };
    ops.tx = [](jl_endpoint*, jl_msg*, std::uint32_t, std::uint32_t*) -> std::int32_t { return WSAENOTSOCK; };
    ops.rx = [](jl_endpoint*, jl_msg*, std::uint32_t, std::uint32_t*, std::uint32_t*) -> std::int32_t {
        return WSAENOTSOCK;
    };
    ops.arm = [](jl_endpoint*, std::uint32_t, std::int32_t*) -> std::int32_t { return JL_ENDED; };
    ops.shutdown = [](jl_endpoint*, std::int32_t) -> std::int32_t { return WSAENOTSOCK; };
    ops.close = [](jl_endpoint*, std::uint32_t) {};
    ops.name = [](jl_endpoint*, std::uint32_t, sockaddr*, std::uint32_t*) -> std::int32_t {
        return WSAENOTSOCK;
    };
    return ops;
}

} // namespace

JL_PROVIDER_EXPORT int jl_provider_startup(std::uint32_t, std::uint32_t, const jl_host*, jl_provider* out) {
#ifdef THROW_LATER
    static const jl_ops ops = functions();
    static jl_protocol row{};
    row.struct_size = sizeof row;
    row.name = "ordinary";
    row.family = AF_INET;
    row.socket_type = SOCK_STREAM;
    row.protocol = IPPROTO_TCP;
    row.max_sockaddr = row.min_sockaddr = sizeof(sockaddr_in);
    row.abilities = JL_CAN_MIX_ORDINARY;
    static const jl_protocol* const rows[] = {&row};
    out->abi_min = out->abi_max = JL_ABI_VERSION;
    out->name = "throwing";
    out->protocols = rows;
    out->protocol_count = 1;
    out->ops = &ops;
    out->create = create;
    out->destroy = destroy;
    return 0;
#else
    (void)out;
    throw 42;
#endif
}
