// SPDX-License-Identifier: Apache-2.0
#include "branch.hpp"

#include "service.hpp"
#include "socket_options.hpp"

#include <utility>

namespace joinleaf::tcp_root {

branch::branch(jl_handle* handle, std::shared_ptr<session> home) : endpoint(handle), home_(std::move(home)) {
    leaf_.socket = handle;
}

std::int32_t branch::bind(const sockaddr*, std::uint32_t) {
    return WSAEINVAL;
}

std::int32_t branch::no_data_here(std::int32_t graceful) const {
    if (const auto ended = home_->ended(leaf_)) {
        return *ended == 0 ? graceful : *ended;
    }
    return home_->phase_of(leaf_) == link::phase::fresh ? WSAENOTCONN : WSAEOPNOTSUPP;
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
    const auto ended = home_->ended(leaf_);
    if (!ended || (direction != JL_IN && direction != JL_OUT)) {
        return JL_ARMED;
    }
    *code = *ended;
    return JL_ENDED;
}

std::int32_t branch::shutdown(std::int32_t how) {
    return home_->shutdown_leaf(leaf(), how);
}

void branch::close(std::uint32_t how) {
    const auto home = home_;
    const auto leaf = this->leaf();
    if (std::exchange(closing_, true)) {
        home->expel(leaf, how, nullptr);
    } else {
        home->expel(leaf, how, [this] { report_closed(); });
    }
}

std::int32_t branch::name(std::uint32_t peer, sockaddr* name, std::uint32_t* length) {
    const address found = home_->name_of(leaf_, peer != 0);
    if (found.size == 0) {
        return peer != 0 ? WSAENOTCONN : WSAEINVAL;
    }
    return found.store(name, length);
}

std::int32_t branch::set_option(std::int32_t level, std::int32_t name, const void* value, std::uint32_t size) {
    if (level == JL_SOL_JOINLEAF && name == JL_SO_SLOW_LEAF) {
        slow_rule rule = home_->slow_rule_of(leaf_);
        const std::int32_t code = load_slow_rule(value, size, *home_->limits(), rule);
        if (code == 0) {
            home_->set_slow_rule(leaf_, rule);
        }
        return code;
    }
    return home_->with_fd(leaf_,
                          [&](int fd) { return socket_options::set_once(fd, level, name, value, size); });
}

std::int32_t branch::get_option(std::int32_t level, std::int32_t name, void* value, std::uint32_t* size) {
    if (level == JL_SOL_JOINLEAF && name == JL_SO_SLOW_LEAF) {
        return store_slow_rule(home_->slow_rule_of(leaf_), value, size);
    }
    return home_->with_fd(leaf_, [&](int fd) { return socket_options::get(fd, level, name, value, size); });
}

std::int32_t branch::ioctl(std::uint32_t code, const void*, std::uint32_t, void* out, std::uint32_t out_size,
                           std::uint32_t* bytes) {
    return is_fionread(code) ? store_count(0, out, out_size, bytes) : WSAEOPNOTSUPP;
}

std::int32_t branch::qos(const QOS* qos, std::uint32_t how) {
    const int family = home_->name_of(leaf_, true).family();
    home_->with_fd(leaf_, [&](int fd) {
        mark(fd, family, qos->SendingFlowspec.ServiceType);
        return 0;
    });
    return how == JL_QOS_LOCAL ? 0 : home_->tell(leaf(), make_qos_frame(*qos, how));
}

std::int32_t branch::stats(jl_stats* out) {
    const jl_leaf_stats leaf = home_->describe(leaf_);
    out->sent_messages = leaf.sent_messages;
    out->sent_bytes = leaf.sent_bytes;
    out->received_messages = leaf.received_messages;
    out->received_bytes = leaf.received_bytes;
    out->queued_bytes = leaf.queued_bytes;
    out->dropped_messages = leaf.dropped_messages;
    out->gaps = leaf.gaps;
    out->rtt_ns = leaf.rtt_ns;
    out->last_error = leaf.last_error;
    return 0;
}

} // namespace joinleaf::tcp_root
