// SPDX-License-Identifier: Apache-2.0
//
// ConnectEx and DisconnectEx: the outcome of a connect, and the end of sending, as overlapped operations.
#include <utility>

#include "runtime/explanation.hpp"
#include "runtime/socket/message.hpp"
#include "runtime/socket/socket_object.hpp"

namespace joinleaf::socket {

std::int32_t socket_object::start_connect(const join_arguments& arguments) {
    if (connectionless() || multipoint()) {
        set_explanation("ConnectEx is for ordinary connections; a session is joined by WSAJoinLeaf");
        return WSAEOPNOTSUPP;
    }
    {
        const std::lock_guard hold(lock_);
        if (!bound_) {
            set_explanation("ConnectEx needs a socket that is bound");
            return WSAEINVAL;
        }
    }
    if (const auto code = check_connect(arguments, false); code != 0) {
        return code;
    }
    auto& one = *arguments.overlapped;
    if (one.starter != nullptr) {
        dispatch::apc_queue::of_thread()->at_end(cancel_started_by); // IO-50
    }
    one.begin();
    const auto op = begin_connect(arguments);
    return op ? WSA_IO_PENDING : op.error();
}

void socket_object::queue_first_send() {
    dispatch::operation* one = nullptr;
    {
        const std::lock_guard hold(lock_);
        if (operation_->first_send != nullptr) {
            one = std::exchange(operation_.edit().first_send, nullptr);
        }
    }
    if (one != nullptr) {
        sends_.push(*one);
        queued_.fetch_or(JL_OUT);
    }
}

// A ConnectEx that has not come to its sending.
std::size_t socket_object::cancel_connect(const WSAOVERLAPPED* overlapped, const void* starter, bool quiet) {
    dispatch::operation* one = nullptr;
    std::uint64_t under_way = 0;
    {
        const std::lock_guard hold(lock_);
        if (operation_->first_send != nullptr && operation_->first_send->is_meant(overlapped, starter)) {
            one = std::exchange(operation_.edit().first_send, nullptr);
        } else if (operation_->overlapped != nullptr && operation_->overlapped->is_meant(overlapped, starter)) {
            one = std::exchange(operation_.edit().overlapped, nullptr);
            under_way = operation_->id;
        }
    }
    if (one == nullptr) {
        return 0;
    }
    if (under_way != 0 && ops().cancel != nullptr) {
        const std::lock_guard guard(guard_out_);
        if (!provider_ended_) {
            ops().cancel(endpoint_, under_way);
        }
    }
    dispatch::finished_operations finished(port(), quiet);
    one->code = WSA_OPERATION_ABORTED;
    finished.add(*one);
    return 1;
}

std::int32_t socket_object::start_disconnect(dispatch::operation& one) {
    if (connectionless()) {
        return WSAEOPNOTSUPP;
    }
    one.begin();
    if (const auto code = shutdown(SD_SEND); code != 0) {
        return code;
    }
    dispatch::finished_operations finished(port());
    const std::lock_guard guard(guard_out_);
    if (shutdown_after_) {
        disconnects_.edit().push(one); // sends wait still
        return WSA_IO_PENDING;
    }
    finished.add(one);
    return 0;
}

} // namespace joinleaf::socket
