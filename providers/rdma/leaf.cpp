// SPDX-License-Identifier: Apache-2.0
#include "leaf.hpp"

#include <utility>

namespace joinleaf::rdma {

leaf::leaf(jl_handle* handle, std::shared_ptr<hub> home, std::shared_ptr<const settings> limits, int family,
           bool admitted)
    : socket(handle, std::move(home), family), limits_(std::move(limits)), admitted_(admitted) {}

std::int32_t leaf::bind(const sockaddr* name, std::uint32_t length) {
    const auto hold = home()->lock();
    if (admitted_ || home()->device().local_name().size != 0) {
        return WSAEINVAL;
    }
    return home()->bind(address::of(name, length));
}

std::int32_t leaf::listen(std::int32_t backlog) {
    const auto hold = home()->lock();
    if (has_joined()) {
        return WSAEISCONN;
    }
    return admitted_ || home()->device().local_name().size == 0 ? WSAEINVAL
                                                                : home()->listen(handle(), backlog);
}

std::int32_t leaf::join(const jl_join* join) {
    const address target = address::of(join->name, join->name_len);
    if (const auto code = check_target(target); code != 0) {
        return code;
    }
    const auto hold = home()->lock();
    if (pending_ || has_joined() || admitted_ || home()->is_listening()) {
        return pending_ ? WSAEALREADY : has_joined() ? WSAEISCONN : WSAEINVAL;
    }
    if (const auto code = bind_if_unbound(); code != 0) {
        return code;
    }
    pending_ = std::make_shared<flow>(handle(), *limits_);
    join_op_ = join->op;
    const auto self = std::static_pointer_cast<leaf>(shared_from_this());
    const auto who = home()->join({target, true, pending_, join, nullptr},
                                  [self, op = join->op, direction = join->direction](
                                      const join_result& result) { self->joined(op, direction, result); });
    joining_ = who->on_joined ? who : nullptr;
    return 0;
}

void leaf::joined(std::uint64_t op, std::uint32_t direction, const join_result& result) {
    const auto data = std::exchange(pending_, nullptr);
    const auto who = std::exchange(joining_, nullptr);
    if (result.answer != nullptr) {
        become_member(who, data, direction != JL_RECEIVER_ONLY, direction != JL_SENDER_ONLY);
    } else {
        home()->forget(data);
    }
    report_join(handle(), op, result);
}

void leaf::become_member(const std::shared_ptr<peer>& who, const std::shared_ptr<flow>& data, bool send,
                         bool receive) {
    data->may_send = send;
    data->may_receive = receive;
    root_ = who;
    data_ = data;
}

std::int32_t leaf::accept(void* request, endpoint* child, const jl_answer* answer) {
    const auto hold = home()->lock();
    const bool too_long = answer != nullptr && answer->callee_len > wire::data_max;
    if (child == nullptr || too_long) {
        home()->refuse(request);
        return too_long ? WSAEFAULT : 0;
    }
    const auto who = home()->take(request);
    if (!who) {
        return WSAECONNRESET;
    }
    auto* const made = static_cast<leaf*>(child);
    // The direction is the root's: what it does not take is not sent, what it does not send is not received.
    const std::uint32_t direction = who->hello.direction;
    const auto data = std::make_shared<flow>(made->handle(), *limits_);
    made->become_member(who, data, direction != JL_SENDER_ONLY, direction != JL_RECEIVER_ONLY);
    return home()->admit(who, data, answer);
}

std::int32_t leaf::tx(jl_msg* messages, std::uint32_t count, std::uint32_t* done) {
    *done = 0;
    const auto hold = home()->lock();
    return has_joined() ? home()->tx(*data_, messages, count, done) : WSAENOTCONN;
}

std::int32_t leaf::rx(jl_msg* messages, std::uint32_t count, std::uint32_t* done, std::uint32_t* left) {
    *done = 0;
    *left = JL_LEFT_UNKNOWN;
    const auto hold = home()->lock();
    return has_joined() ? home()->rx(*data_, messages, count, done, left) : WSAENOTCONN;
}

std::int32_t leaf::arm(std::uint32_t direction, std::int32_t* code) {
    const auto hold = home()->lock();
    return has_joined() ? home()->arm(*data_, direction, code) : JL_ARMED;
}

void leaf::cancel(std::uint64_t op) {
    const auto hold = home()->lock();
    if (joining_ && join_op_ == op && home()->cancel(*joining_)) {
        joining_ = nullptr;
        home()->forget(std::exchange(pending_, nullptr));
        report_join(handle(), op, {{WSA_OPERATION_ABORTED, "the join was cancelled"}, nullptr});
    }
}

std::int32_t leaf::shutdown(std::int32_t how) {
    const auto hold = home()->lock();
    if (!has_joined()) {
        return WSAENOTCONN;
    }
    if (how != SD_SEND) {
        home()->shut_in(*data_);
    }
    if (how != SD_RECEIVE) {
        home()->shut_out(*data_);
    }
    return 0;
}

void leaf::close(std::uint32_t how) {
    const auto self = shared_from_this();
    const auto hold = home()->lock();
    if (left_) {
        return;
    }
    if (!std::exchange(closing_, true)) {
        if (!admitted_) {
            home()->stop_listening();
        }
        if (joining_) {
            home()->cancel(*std::exchange(joining_, nullptr));
        }
        if (data_) {
            data_->socket = nullptr;
            data_->closing = true;
            home()->shut_in(*data_);
        }
    }
    if (root_ && root_->is_open()) {
        home()->part(*root_, how, [self = std::static_pointer_cast<leaf>(self)] {
            const auto again = self->home()->lock();
            self->check_closed();
        });
    } else {
        check_closed();
    }
}

void leaf::check_closed() {
    if (!std::exchange(left_, true)) {
        if (data_) {
            home()->forget(data_);
        }
        leave_home();
    }
}

// While it joins, the address is that of the connection (JL-53).
address leaf::local_name() const {
    if (has_joined()) {
        return root_->local;
    }
    if (joining_ && joining_->local.size != 0) {
        return joining_->local;
    }
    return admitted_ ? address{} : home()->device().local_name();
}

std::int32_t leaf::name(std::uint32_t peer, sockaddr* name, std::uint32_t* length) {
    const auto hold = home()->lock();
    if (peer != 0) {
        return has_joined() ? root_->remote.store(name, length) : WSAENOTCONN;
    }
    const address local = local_name();
    return local.size != 0 ? local.store(name, length) : WSAEINVAL;
}

std::int32_t leaf::ioctl(std::uint32_t code, const void*, std::uint32_t, void* out, std::uint32_t out_size,
                         std::uint32_t* bytes) {
    if (is_fionread(code)) {
        const auto hold = home()->lock();
        home()->look();
        return store_count(has_joined() ? data_->box.queued_bytes() : 0, out, out_size, bytes);
    }
    // IO-26: loopback is an affair of nonrooted data.
    return code == SIO_MULTIPOINT_LOOPBACK ? WSAEINVAL : WSAEOPNOTSUPP;
}

std::int32_t leaf::stats(jl_stats* out) {
    const auto hold = home()->lock();
    if (has_joined()) {
        home()->fill(*data_, *out);
    }
    return 0;
}

} // namespace joinleaf::rdma
