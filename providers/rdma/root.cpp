// SPDX-License-Identifier: Apache-2.0
#include "root.hpp"

#include "branch.hpp"

#include <utility>

namespace joinleaf::rdma {

root::root(jl_handle* handle, std::shared_ptr<hub> home, const settings& limits, int family)
    : socket(handle, std::move(home), family), data_(std::make_shared<flow>(handle, limits)) {
    data_->is_root = true;
    data_->is_d_root = this->home()->data_role() == wire::data_role::root;
}

std::int32_t root::bind(const sockaddr* name, std::uint32_t length) {
    const auto hold = home()->lock();
    return home()->device().local_name().size != 0 ? WSAEINVAL : home()->bind(address::of(name, length));
}

std::int32_t root::listen(std::int32_t backlog) {
    const auto hold = home()->lock();
    return home()->device().local_name().size == 0 ? WSAEINVAL : home()->listen(handle(), backlog);
}

std::int32_t root::join(const jl_join* join) {
    const address target = address::of(join->name, join->name_len);
    if (const auto code = check_target(target); code != 0) {
        return code;
    }
    const auto hold = home()->lock();
    if (joining_) {
        return WSAEALREADY;
    }
    if (const auto code = bind_if_unbound(); code != 0) {
        return code;
    }
    auto* const child = static_cast<branch*>(reinterpret_cast<endpoint*>(join->child));
    const auto self = std::static_pointer_cast<root>(shared_from_this());
    join_op_ = join->op;
    const auto who = home()->join({target, false, data_, join, child->socket_handle()},
                                  [self, op = join->op](const join_result& result) {
                                      self->joining_ = nullptr;
                                      report_join(self->handle(), op, result);
                                  });
    child->attach(who);
    joining_ = who->on_joined ? who : nullptr;
    return 0;
}

std::int32_t root::accept(void* request, endpoint* child, const jl_answer* answer) {
    const auto hold = home()->lock();
    if (child == nullptr) {
        home()->refuse(request);
        return 0;
    }
    if (answer != nullptr && answer->callee_len > wire::data_max) {
        home()->refuse(request);
        return WSAEFAULT;
    }
    const auto who = home()->take(request);
    if (!who) {
        return WSAECONNRESET;
    }
    who->socket = static_cast<branch*>(child)->socket_handle();
    static_cast<branch*>(child)->attach(who);
    return home()->admit(who, data_, answer);
}

std::int32_t root::tx(jl_msg* messages, std::uint32_t count, std::uint32_t* done) {
    const auto hold = home()->lock();
    return home()->tx(*data_, messages, count, done);
}

std::int32_t root::rx(jl_msg* messages, std::uint32_t count, std::uint32_t* done, std::uint32_t* left) {
    const auto hold = home()->lock();
    return home()->rx(*data_, messages, count, done, left);
}

std::int32_t root::arm(std::uint32_t direction, std::int32_t* code) {
    const auto hold = home()->lock();
    return home()->arm(*data_, direction, code);
}

void root::cancel(std::uint64_t op) {
    const auto hold = home()->lock();
    if (joining_ && join_op_ == op && home()->cancel(*joining_)) {
        joining_ = nullptr;
        report_join(handle(), op, {{WSA_OPERATION_ABORTED, "the join was cancelled"}, nullptr});
    }
}

std::int32_t root::shutdown(std::int32_t how) {
    const auto hold = home()->lock();
    const bool again = how == SD_RECEIVE ? data_->shut_in : data_->shut_out;
    if (data_->peers.empty() && !again) {
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

void root::close(std::uint32_t how) {
    const auto self = shared_from_this();
    const auto hold = home()->lock();
    if (left_) {
        return;
    }
    if (!std::exchange(closing_, true)) {
        data_->socket = nullptr;
        data_->closing = true;
        home()->stop_listening();
        if (joining_) {
            home()->cancel(*std::exchange(joining_, nullptr));
        }
        home()->shut_in(*data_);
    }
    const auto everyone = data_->peers;
    for (const auto& each : everyone) {
        home()->part(*each, how, nullptr);
    }
    // Those that remain are waited for.
    parting_ = data_->peers.size();
    if (parting_ == 0) {
        check_closed();
        return;
    }
    for (const auto& each : data_->peers) {
        auto next = std::exchange(each->on_gone, nullptr);
        each->on_gone = [self = std::static_pointer_cast<root>(self), next = std::move(next)] {
            if (next) {
                next();
            }
            const auto again = self->home()->lock();
            self->check_closed();
        };
    }
}

void root::check_closed() {
    if (data_->peers.empty() && !std::exchange(left_, true)) {
        home()->forget(data_);
        leave_home();
    }
}

std::int32_t root::name(std::uint32_t peer, sockaddr* name, std::uint32_t* length) {
    const auto hold = home()->lock();
    if (peer != 0) {
        return WSAENOTCONN;
    }
    const address local = home()->device().local_name();
    return local.size != 0 ? local.store(name, length) : WSAEINVAL;
}

std::int32_t root::ioctl(std::uint32_t code, const void*, std::uint32_t, void* out, std::uint32_t out_size,
                         std::uint32_t* bytes) {
    if (is_fionread(code)) {
        const auto hold = home()->lock();
        home()->look();
        return store_count(data_->box.queued_bytes(), out, out_size, bytes);
    }
    // IO-26: loopback is an affair of nonrooted data.
    return code == SIO_MULTIPOINT_LOOPBACK ? WSAEINVAL : WSAEOPNOTSUPP;
}

std::int32_t root::stats(jl_stats* out) {
    const auto hold = home()->lock();
    home()->fill(*data_, *out);
    return 0;
}

std::int32_t root::leaves(jl_leaf_stats* out, std::uint32_t room, std::uint32_t* count) {
    const auto hold = home()->lock();
    *count = hub::list(*data_, {out, room});
    return 0;
}

} // namespace joinleaf::rdma
