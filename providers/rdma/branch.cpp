// SPDX-License-Identifier: Apache-2.0
#include "branch.hpp"

#include <utility>

namespace joinleaf::rdma {

std::int32_t branch::bind(const sockaddr*, std::uint32_t) {
    return WSAEINVAL;
}

std::int32_t branch::no_data_here(std::int32_t graceful) const {
    const auto hold = home()->lock();
    if (leaf_ && leaf_->ended) {
        return *leaf_->ended == 0 ? graceful : *leaf_->ended;
    }
    return leaf_ && leaf_->is_open() ? WSAEOPNOTSUPP : WSAENOTCONN;
}

std::int32_t branch::tx(jl_msg*, std::uint32_t, std::uint32_t* done) {
    *done = 0;
    return no_data_here(WSAEOPNOTSUPP);
}

std::int32_t branch::rx(jl_msg*, std::uint32_t, std::uint32_t* done, std::uint32_t* left) {
    *done = 0;
    *left = JL_LEFT_UNKNOWN;
    return no_data_here(WSAEDISCON);
}

std::int32_t branch::arm(std::uint32_t direction, std::int32_t* code) {
    const auto hold = home()->lock();
    if (!leaf_ || !leaf_->ended || (direction != JL_IN && direction != JL_OUT)) {
        return JL_ARMED;
    }
    *code = *leaf_->ended;
    return JL_ENDED;
}

std::int32_t branch::shutdown(std::int32_t how) {
    const auto hold = home()->lock();
    if (!leaf_ || (!leaf_->is_open() && !leaf_->ended)) {
        return WSAENOTCONN;
    }
    if (leaf_->is_open()) {
        home()->shut_leaf(*leaf_, how);
    }
    return 0;
}

void branch::close(std::uint32_t how) {
    const auto self = shared_from_this();
    const auto hold = home()->lock();
    if (left_) {
        return;
    }
    if (leaf_) {
        leaf_->socket = nullptr;
    }
    // A session that ends waits for its leaves itself; a join that is pending is its root's affair.
    if (!leaf_ || !leaf_->is_open() || (leaf_->data->closing && how != JL_CLOSE_ABORT)) {
        check_closed();
        return;
    }
    home()->part(*leaf_, how, nullptr);
    if (!leaf_->is_open()) {
        check_closed();
        return;
    }
    auto next = std::exchange(leaf_->on_gone, nullptr);
    leaf_->on_gone = [self = std::static_pointer_cast<branch>(self), next = std::move(next)] {
        if (next) {
            next();
        }
        const auto again = self->home()->lock();
        self->check_closed();
    };
}

void branch::check_closed() {
    if (!std::exchange(left_, true)) {
        leave_home();
    }
}

std::int32_t branch::name(std::uint32_t peer, sockaddr* name, std::uint32_t* length) {
    const auto hold = home()->lock();
    if (!leaf_ || (peer != 0 && leaf_->remote.size == 0) || (peer == 0 && leaf_->local.size == 0)) {
        return peer != 0 ? WSAENOTCONN : WSAEINVAL;
    }
    return (peer != 0 ? leaf_->remote : leaf_->local).store(name, length);
}

std::int32_t branch::ioctl(std::uint32_t code, const void*, std::uint32_t, void* out, std::uint32_t out_size,
                           std::uint32_t* bytes) {
    return is_fionread(code) ? store_count(0, out, out_size, bytes) : WSAEOPNOTSUPP;
}

std::int32_t branch::stats(jl_stats* out) {
    const auto hold = home()->lock();
    if (leaf_) {
        const jl_leaf_stats leaf = hub::describe(*leaf_);
        out->sent_messages = leaf.sent_messages;
        out->sent_bytes = leaf.sent_bytes;
        out->received_messages = leaf.received_messages;
        out->received_bytes = leaf.received_bytes;
        out->queued_bytes = leaf.queued_bytes;
        out->last_error = leaf.last_error;
    }
    return 0;
}

} // namespace joinleaf::rdma
