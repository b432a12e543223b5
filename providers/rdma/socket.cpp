// SPDX-License-Identifier: Apache-2.0
#include "socket.hpp"

#include <cstring>
#include <utility>

#include <sys/socket.h>

namespace joinleaf::rdma {

socket::socket(jl_handle* handle, std::shared_ptr<hub> home, int family)
    : endpoint(handle), home_(std::move(home)), family_(family) {
    const auto hold = home_->lock();
    home_->enter();
}

std::int32_t socket::check_target(const address& target) const noexcept {
    if (target.family() != family_) {
        return WSAEAFNOSUPPORT;
    }
    return target.is_one_peer() ? 0 : WSAEADDRNOTAVAIL;
}

std::int32_t socket::bind_if_unbound() {
    return home_->device().local_name().size == 0 ? home_->bind(any_of(family_)) : 0;
}

void socket::leave_home() {
    home_->leave([self = std::static_pointer_cast<socket>(shared_from_this())] { self->report_closed(); });
}

std::int32_t socket::set_option(std::int32_t level, std::int32_t name, const void* value, std::uint32_t size) {
    const auto hold = home_->lock();
    return home_->device().set_option(level, name, value, size);
}

std::int32_t socket::get_option(std::int32_t level, std::int32_t name, void* value, std::uint32_t* size) {
    if (level == SOL_SOCKET && name == SO_TYPE) {
        return provider::store_option(SOCK_SEQPACKET, value, size);
    }
    const auto hold = home_->lock();
    return home_->device().get_option(level, name, value, size);
}

void report_join(jl_handle* handle, std::uint64_t op, const join_result& result) {
    jl_outcome outcome{};
    outcome.struct_size = sizeof outcome;
    outcome.code = result.why.code;
    if (result.answer != nullptr) {
        const wire::greeting& answer = *result.answer;
        outcome.callee_data = answer.user.empty() ? nullptr : answer.user.data();
        outcome.callee_len = static_cast<std::uint32_t>(answer.user.size());
        outcome.qos = answer.qos ? &*answer.qos : nullptr;
    } else {
        explain(result.why.sentence);
    }
    host().complete(handle, op, &outcome);
}

} // namespace joinleaf::rdma
