// SPDX-License-Identifier: Apache-2.0
//
// Connect and join: what may start now, the one pending operation of a socket, and the wait for its outcome
// (clauses JL).
#include "runtime/socket/alert.hpp"
#include "runtime/socket/socket_object.hpp"

#include "runtime/qos/flowspec.hpp"

#include <netinet/in.h>

namespace joinleaf::socket {
namespace {

// Whether an address of the Internet families names nobody: any-address or port 0 (JL-07).
bool names_nobody(const sockaddr* name) noexcept {
    if (name->sa_family == AF_INET) {
        const auto& in = *reinterpret_cast<const sockaddr_in*>(name);
        return in.sin_addr.s_addr == htonl(INADDR_ANY) || in.sin_port == 0;
    }
    if (name->sa_family == AF_INET6) {
        const auto& in6 = *reinterpret_cast<const sockaddr_in6*>(name);
        return IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr) || in6.sin6_port == 0;
    }
    return false;
}

// Whether an address stands for many, which no root and no leaf of a rooted session can have (JL-08).
bool names_many(const sockaddr* name) noexcept {
    if (name->sa_family == AF_INET) {
        const auto host = ntohl(reinterpret_cast<const sockaddr_in*>(name)->sin_addr.s_addr);
        return IN_MULTICAST(host) || host == INADDR_BROADCAST;
    }
    return name->sa_family == AF_INET6 &&
           IN6_IS_ADDR_MULTICAST(&reinterpret_cast<const sockaddr_in6*>(name)->sin6_addr);
}

constexpr DWORD direction_bits = JL_SENDER_ONLY | JL_RECEIVER_ONLY | JL_BOTH;

// 1|2, and 4 with either, mean both (JL-14).
DWORD direction_of(DWORD asked) noexcept {
    return asked == JL_SENDER_ONLY || asked == JL_RECEIVER_ONLY ? asked : static_cast<DWORD>(JL_BOTH);
}

} // namespace

std::int32_t socket_object::check_join_role(const join_arguments& arguments) {
    if (role_ == role::ordinary) {
        return WSAEINVAL;
    }
    const auto abilities = entry_.protocol->abilities;
    const bool rooted = service(XP1_MULTIPOINT_CONTROL_PLANE);
    if ((role_ == role::root && (abilities & JL_CAN_INVITE) == 0) ||
        (role_ == role::member && rooted && (abilities & JL_CAN_ASK) == 0) || ops().join == nullptr) {
        return WSAEOPNOTSUPP;
    }
    if (arguments.direction == 0 || (arguments.direction & ~direction_bits) != 0) {
        return WSAEINVAL;
    }
    return 0;
}

std::int32_t socket_object::check_join_state() {
    const std::lock_guard hold(lock_);
    if (role_ == role::member && listening_) {
        return WSAEINVAL;
    }
    if (operation_->pending) {
        return WSAEALREADY;
    }
    if (role_ == role::root_leaf || (role_ == role::member && connection_ == connection::established)) {
        return WSAEISCONN;
    }
    return 0;
}

std::int32_t socket_object::check_join_data(const join_arguments& arguments) {
    if (names_nobody(arguments.name) ||
        (service(XP1_MULTIPOINT_CONTROL_PLANE) && names_many(arguments.name))) {
        return WSAEADDRNOTAVAIL;
    }
    if (!arguments.caller_data.empty() && !service(XP1_CONNECT_DATA)) {
        return WSAEPROTONOSUPPORT;
    }
    if (arguments.caller_data.size() > entry_.protocol->caller_data_max) {
        return WSAEFAULT;
    }
    if (arguments.qos != nullptr) {
        return qos::check(*arguments.qos, *entry_.protocol, direction_of(arguments.direction));
    }
    return 0;
}

// Makes the one pending operation of this socket; its number, or WSAEALREADY when another thread was faster.
result<std::uint64_t> socket_object::begin_operation(const join_arguments& arguments, bool is_join,
                                                     socket_object* child) {
    const std::lock_guard hold(lock_);
    if (operation_->pending) {
        return tl::unexpected(WSAEALREADY);
    }
    auto& begun = operation_.edit();
    begun = {};
    begun.id = ++last_operation_;
    begun.pending = true;
    begun.told = false;
    begun.is_join = is_join;
    begun.child = child;
    begun.overlapped = arguments.overlapped;
    begun.callee = arguments.callee;
    begun.callee_room = arguments.callee == nullptr ? 0 : arguments.callee->len;
    record_.reenable(FD_CONNECT); // each attempt arms it anew (JL-35)
    if (child == nullptr) {
        connection_ = connectionless() ? connection_ : connection::pending;
        direction_ = is_join ? direction_of(arguments.direction) : direction_;
        update_gates();
    } else {
        child->hold();
        hold_for(*child);
    }
    return begun.id;
}

// The child keeps its inviting root alive until the invitation is over.
void socket_object::hold_for(socket_object& child) {
    hold();
    const std::lock_guard hold_child(child.lock_);
    child.inviting_root_ = this;
    child.connection_ = connection::pending;
    child.update_gates();
}

std::int32_t socket_object::launch(const join_arguments& arguments, std::uint64_t op, socket_object* child) {
    jl_join join{};
    join.struct_size = sizeof join;
    join.direction = direction_of(arguments.direction);
    join.op = op;
    join.name = arguments.name;
    join.name_len = arguments.name_len;
    join.caller_data = arguments.caller_data.empty() ? nullptr : arguments.caller_data.data();
    join.caller_len = static_cast<std::uint32_t>(arguments.caller_data.size());
    join.callee_room = arguments.callee == nullptr
                           ? 0
                           : std::min<std::uint32_t>(arguments.callee->len, entry_.protocol->callee_data_max);
    join.child = child == nullptr ? nullptr : child->endpoint_;
    const auto flow = (child == nullptr ? *this : *child).flow_now();
    join.qos = !service(XP1_QOS_SUPPORTED) ? arguments.qos : flow.given ? &flow.qos : nullptr;
    if (join.qos != nullptr && qos::is_silent(*join.qos)) {
        join.qos = nullptr;
    }
    const std::lock_guard guard(guard_out_);
    const bool is_join = operation_->is_join; // nobody else begins an operation while this one is pending
    return is_join ? ops().join(endpoint_, &join) : ops().connect(endpoint_, &join);
}

std::int32_t socket_object::wait_for_operation(std::uint64_t op) {
    auto& self = dispatch::waiter::of_thread();
    add_waiter(self, wait_operation);
    std::int32_t code = 0;
    for (;;) {
        {
            const std::lock_guard hold(lock_);
            if (operation_->id != op || !operation_->pending) {
                code = operation_->id == op ? operation_->code : WSA_OPERATION_ABORTED;
                operation_.edit().told = true; // the call itself tells
                if (code != 0) {
                    set_explanation(operation_->sentence);
                }
                break;
            }
            if (closing_) {
                code = WSAEINTR;
                break;
            }
        }
        if (!run_queued_calls(this)) { // ST-19; then the wait goes on
            self.wait({}, {});
        }
    }
    remove_waiter(self);
    return code == WSA_OPERATION_ABORTED ? WSAEINTR : code;
}

std::int32_t socket_object::check_connect(const join_arguments& arguments, bool waits) {
    {
        const std::lock_guard hold(lock_);
        if (operation_->pending) {
            return WSAEALREADY;
        }
        if (!connectionless() && connection_ == connection::established) {
            return WSAEISCONN;
        }
        if (listening_ || seating_->awaited_at != nullptr) {
            return WSAEINVAL;
        }
        if (ops().connect == nullptr || (multipoint() && !connectionless())) {
            return WSAEOPNOTSUPP;
        }
        if (waits && condition_scope::active()) {
            return WSAEINPROGRESS;
        }
    }
    if (!connectionless() && names_nobody(arguments.name)) {
        return WSAEADDRNOTAVAIL;
    }
    if (arguments.qos != nullptr) {
        return qos::check(*arguments.qos, *entry_.protocol, JL_BOTH);
    }
    return 0;
}

// The number of the operation that is under way now, or perhaps over.
result<std::uint64_t> socket_object::begin_connect(const join_arguments& arguments) {
    const auto op = begin_operation(arguments, false, nullptr);
    if (!op) {
        return op;
    }
    auto code = begin_quality(arguments.qos, JL_BOTH, *this);
    code = code != 0 ? code : launch(arguments, *op, nullptr);
    if (code != 0) {
        undo_quality(*this);
        const std::lock_guard hold(lock_);
        auto& over = operation_.edit();
        over.pending = false;
        over.told = true;
        const bool was_cancelled =
            arguments.overlapped != nullptr && std::exchange(over.overlapped, nullptr) == nullptr;
        connection_ = connectionless() ? connection_ : connection::none;
        update_gates();
        if (was_cancelled) { // and told so: it counts as begun
            return op;
        }
        return tl::unexpected(code);
    }
    mark_bound();
    return op;
}

std::int32_t socket_object::connect(const join_arguments& arguments) {
    const bool waits = !nonblocking();
    if (const auto code = check_connect(arguments, waits); code != 0) {
        return code;
    }
    const auto op = begin_connect(arguments);
    if (!op) {
        return op.error();
    }
    if (waits) {
        return wait_for_operation(*op);
    }
    const std::lock_guard hold(lock_);
    return operation_->id == *op && !operation_->pending ? operation_->code : WSAEWOULDBLOCK;
}

result<SOCKET> socket_object::join(const join_arguments& arguments) {
    if (auto code = check_join_role(arguments); code != 0) {
        return tl::unexpected(code);
    }
    if (auto code = check_join_state(); code != 0) {
        return tl::unexpected(code);
    }
    if (auto code = check_join_data(arguments); code != 0) {
        return tl::unexpected(code);
    }
    if (role_ != role::root) {
        return run_join(arguments, nullptr);
    }
    // The new c_leaf socket for the leaf that is invited (JL-70).
    const catalog::query asked{
        entry_.protocol->family, entry_.protocol->socket_type, entry_.protocol->protocol,
        (flags_ & WSA_FLAG_OVERLAPPED) | WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF};
    auto child = create(loops_, entry_, asked, this);
    if (!child) {
        return tl::unexpected(child.error());
    }
    auto outcome = run_join(arguments, child->get());
    if (!outcome) {
        discard(std::move(*child));
    }
    return outcome;
}

// Starts the join and, on a blocking socket, waits for its outcome. What comes back: s itself, or the child.
result<SOCKET> socket_object::run_join(const join_arguments& arguments, socket_object* child) {
    const auto answered = child == nullptr ? number() : child->number();
    const auto op = begin_operation(arguments, true, child);
    if (!op) {
        return tl::unexpected(op.error());
    }
    auto& flow = child == nullptr ? *this : *child;
    auto code = begin_quality(arguments.qos, direction_of(arguments.direction), flow);
    code = code != 0 ? code : launch(arguments, *op, child);
    if (code != 0) {
        undo_quality(flow);
        forget_operation();
        const std::lock_guard hold(lock_);
        if (child == nullptr) {
            connection_ = connection::none;
            update_gates();
        }
        return tl::unexpected(code);
    }
    mark_bound();
    if (nonblocking()) {
        return answered;
    }
    if (code = wait_for_operation(*op); code != 0) {
        return tl::unexpected(code);
    }
    return answered;
}

} // namespace joinleaf::socket
