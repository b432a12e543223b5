// SPDX-License-Identifier: Apache-2.0
#include "verbs/handles.hpp"

#include "locked_memory.hpp"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace joinleaf::rdma::verbs {
namespace {

std::int32_t code_of(int error) noexcept {
    switch (error) {
    case ENODEV:
    case ENOSYS: return WSAENETDOWN;
    case EAGAIN: return WSAENOBUFS;
    default: return jl_wsa_error(error);
    }
}

std::string words(int error) {
    const char* const text = ::strerrordesc_np(error);
    return text != nullptr ? text : fmt::format("error {}", error);
}

// rdma_cm gives an errno, negative, or the reason of InfiniBand's connection manager, positive. 8 is "invalid service id",
// which a port has on which nobody listens; 28 is a refusal by the other side's program.
failure rejected(int status) {
    constexpr int nobody_listens = 8;
    return {WSAECONNREFUSED,
            status == nobody_listens ? "nobody listens there" : fmt::format("rejected, reason {}", status)};
}

} // namespace

std::string host_text(const address& of) {
    const std::string text = of.text();
    const std::string host = text.substr(0, text.rfind(':'));
    return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

std::string sentence(const char* function, int error) {
    const std::string text = fmt::format("{}: {}", function, words(error));
    return error == ENOMEM || error == EPERM ? text + locked_memory_hint() : text;
}

tl::unexpected<failure> failed(const char* function, int error) {
    return tl::unexpected(failure{code_of(error), sentence(function, error)});
}

failure join_failure(rdma_cm_event_type event, int status) {
    if (event == RDMA_CM_EVENT_REJECTED) {
        return rejected(status);
    }
    const bool late = status == -ETIMEDOUT;
    const std::string why = status < 0 ? words(-status) : fmt::format("status {}", status);
    switch (static_cast<int>(event)) {
    case RDMA_CM_EVENT_ADDR_ERROR:
        return {late || status == 0 ? WSAENETUNREACH : jl_wsa_error(-status),
                "no RDMA device leads to that address: " + why};
    case RDMA_CM_EVENT_ROUTE_ERROR: return {WSAENETUNREACH, "no route by RDMA to that address: " + why};
    case RDMA_CM_EVENT_UNREACHABLE:
        return {late ? WSAETIMEDOUT : WSAENETUNREACH, "no answer from that address: " + why};
    case RDMA_CM_EVENT_DEVICE_REMOVAL: return {WSAENETDOWN, "the RDMA device has been removed"};
    default: return {WSAECONNREFUSED, fmt::format("{}: {}", rdma_event_str(event), why)};
    }
}

failure group_failure(const address& group, const ibv_context& device, int error) {
    constexpr int kernel_internal_enotsupp = 524;
    const std::string begin = fmt::format("group {} cannot be joined through device {}: ", host_text(group),
                                          ibv_get_device_name(device.device));
    switch (error) {
    case kernel_internal_enotsupp:
        return {WSAEOPNOTSUPP,
                begin + (group.family() == AF_INET6
                             ? "Linux has no IPv6 multicast over RoCE v2 (error 524): use an IPv4 group"
                             : "the kernel has no multicast for it (error 524)")};
    case ENOMEM:
        return {WSAENOBUFS,
                begin + "no memory, or as many processes have joined it as the device admits to a group" +
                    locked_memory_hint()};
    case ETIMEDOUT: return {WSAETIMEDOUT, begin + "no subnet manager answers"};
    default: return {code_of(error), begin + words(error)};
    }
}

failure end_of(rdma_cm_event_type event) {
    switch (static_cast<int>(event)) {
    case RDMA_CM_EVENT_DISCONNECTED: return {WSAECONNRESET, "the connection ended"};
    case RDMA_CM_EVENT_DEVICE_REMOVAL: return {WSAENETDOWN, "the RDMA device has been removed"};
    case RDMA_CM_EVENT_ADDR_CHANGE: return {WSAENETDOWN, "the network device has changed its address"};
    case RDMA_CM_EVENT_MULTICAST_ERROR:
        return {WSAENETDOWN, "the network has ended the membership of the group"};
    case RDMA_CM_EVENT_CONNECT_ERROR:
    case RDMA_CM_EVENT_UNREACHABLE: return {WSAECONNABORTED, "the connection could not be established"};
    default: return {};
    }
}

failure end_of(ibv_wc_status status) {
    switch (static_cast<int>(status)) {
    case IBV_WC_SUCCESS:
    case IBV_WC_WR_FLUSH_ERR: return {};
    // EV-42: a timeout is an abort.
    case IBV_WC_RETRY_EXC_ERR:
    case IBV_WC_RNR_RETRY_EXC_ERR: return {WSAECONNABORTED, "the peer does not answer any more"};
    case IBV_WC_LOC_LEN_ERR: return {WSAECONNABORTED, "what it sends is longer than a buffer"};
    default: return {WSAECONNRESET, fmt::format("a work request failed: {}", ibv_wc_status_str(status))};
    }
}

} // namespace joinleaf::rdma::verbs
