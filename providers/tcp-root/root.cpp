// SPDX-License-Identifier: Apache-2.0
#include "root.hpp"

#include "branch.hpp"
#include "greeting.hpp"
#include "service.hpp"

#include <cstring>
#include <utility>

namespace joinleaf::tcp_root {

// One WSAJoinLeaf on this root.
struct root::invitation {
    std::uint64_t op;
    std::uint32_t direction;
    address target;
    std::shared_ptr<link> leaf;
};

root::root(jl_handle* handle, std::shared_ptr<const settings> limits, wire::roles who, int family,
           tcp::descriptor fd)
    : endpoint(handle),
      limits_(std::move(limits)),
      who_(who),
      family_(family),
      session_(std::make_shared<session>(handle, limits_, who)),
      fd_(std::move(fd)) {
    options_.apply(fd_.get());
}

int root::fd() const {
    return acceptor_ ? acceptor_->fd() : fd_.get();
}

std::int32_t root::bind(const sockaddr* name, std::uint32_t length) {
    const std::lock_guard hold(mutex_);
    return bound_ ? WSAEINVAL : bind_locked(address::of(name, length));
}

std::int32_t root::bind_locked(const address& name) {
    const std::int32_t code = tcp::bind(fd_.get(), name);
    bound_ = code == 0;
    return code;
}

std::int32_t root::listen(std::int32_t backlog) {
    const std::lock_guard hold(mutex_);
    if (!bound_) {
        return WSAEINVAL;
    }
    if (acceptor_) {
        return acceptor_->listen({}, backlog);
    }
    auto made = std::make_shared<acceptor>(handle(), session_->loop(), limits_, who_);
    const std::int32_t code = made->listen(std::move(fd_), backlog);
    if (code == 0) {
        acceptor_ = std::move(made);
    }
    return code;
}

std::int32_t root::join(const jl_join* join) {
    const address target = address::of(join->name, join->name_len);
    if (target.family() != family_) {
        return WSAEAFNOSUPPORT;
    }
    if (!target.is_one_peer()) {
        return WSAEADDRNOTAVAIL;
    }
    std::unique_lock lock(mutex_);
    if (joiner_) {
        return WSAEALREADY;
    }
    if (!bound_) {
        if (const auto code = bind_locked(any_of(family_)); code != 0) {
            return code;
        }
    }
    auto fd = tcp::make(family_);
    if (!fd) {
        return fd.error();
    }
    options_.apply(fd->get());
    if (join->qos != nullptr) {
        mark(fd->get(), family_, join->qos->SendingFlowspec.ServiceType);
    }
    // The port is chosen by connect, which knows the peer: bind would also hand out one that an earlier
    // connection to the same leaf has not given back yet.
    const int late = 1;
    ::setsockopt(fd->get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late);
    if (const auto code = tcp::bind(fd->get(), tcp::local_name(this->fd()).with_port(0)); code != 0) {
        return code;
    }
    auto* const child = static_cast<branch*>(reinterpret_cast<endpoint*>(join->child));
    const invitation what{join->op, join->direction, target, child->leaf()};
    const auto attempt = std::make_shared<joiner>(session_->loop(), limits_, who_, target);
    joiner_ = attempt;
    join_op_ = join->op;
    lock.unlock();
    const auto self = std::static_pointer_cast<root>(shared_from_this());
    attempt->start(std::move(*fd), make_hello(who_, *join, limits_->beat()), join->callee_room,
                   [self, what](joiner::outcome& outcome) { self->invited(what, outcome); });
    // JL-53: the socket for the leaf has its local address while the join is pending.
    attempt->with_fd([&](int each) {
        session_->expect(*what.leaf, tcp::local_name(each));
        return 0;
    });
    return 0;
}

void root::invited(const invitation& what, joiner::outcome& outcome) {
    std::int32_t code = 0;
    if (outcome) {
        code = take_in(what, *outcome);
    } else {
        code = outcome.error().code;
        explain(outcome.error().sentence);
    }
    std::optional<upcall> telling;
    {
        const std::lock_guard hold(mutex_);
        joiner_ = nullptr;
        if (closing_) {
            return;
        }
        telling.emplace(*this);
    }
    report_join(handle(), what.op, code, outcome ? &outcome->answer : nullptr);
}

std::int32_t root::take_in(const invitation& what, joiner::admission& got) {
    session::newcomer who;
    who.fd = std::move(got.fd);
    who.peer = what.target;
    who.data = got.answer.head().who.data;
    who.beat = got.answer.head().beat;
    who.deaf = what.direction == JL_RECEIVER_ONLY;
    who.mute = what.direction == JL_SENDER_ONLY;
    const std::int32_t code = session_->admit(what.leaf, std::move(who));
    return code == WSAESHUTDOWN ? WSAECONNABORTED : code;
}

std::int32_t root::accept(void* request, endpoint* child, const jl_answer* answer) {
    std::shared_ptr<acceptor> from;
    {
        const std::lock_guard hold(mutex_);
        from = acceptor_;
    }
    if (!from) {
        return WSAEINVAL;
    }
    if (child == nullptr) {
        from->refuse(request, answer != nullptr ? answer->code : 0);
        return 0;
    }
    if (answer != nullptr && answer->callee_len > wire::data_max) {
        from->refuse(request, 0);
        return WSAEFAULT;
    }
    auto asked = from->take(request);
    if (!asked) {
        return asked.error();
    }
    session::newcomer who;
    who.fd = std::move(asked->fd);
    who.peer = asked->peer;
    who.local = from->name().is_one_peer() ? from->name() : address();
    who.data = asked->hello.who.data;
    who.beat = asked->hello.beat;
    who.deaf = asked->hello.direction == JL_SENDER_ONLY;
    who.mute = asked->hello.direction == JL_RECEIVER_ONLY;
    who.lead = make_admission(who_, answer, limits_->beat());
    return session_->admit(static_cast<branch*>(child)->leaf(), std::move(who));
}

std::int32_t root::tx(jl_msg* messages, std::uint32_t count, std::uint32_t* done) {
    return session_->tx(messages, count, done);
}

std::int32_t root::rx(jl_msg* messages, std::uint32_t count, std::uint32_t* done, std::uint32_t* left) {
    return session_->rx(messages, count, done, left);
}

std::int32_t root::arm(std::uint32_t direction, std::int32_t* code) {
    return session_->arm(direction, code);
}

void root::cancel(std::uint64_t op) {
    std::shared_ptr<joiner> attempt;
    {
        const std::lock_guard hold(mutex_);
        attempt = join_op_ == op ? joiner_ : nullptr;
    }
    if (attempt && attempt->cancel()) {
        {
            const std::lock_guard hold(mutex_);
            joiner_ = nullptr;
        }
        report_join(handle(), op, WSA_OPERATION_ABORTED, nullptr);
    }
}

void root::waits(bool on) {
    session_->waits(on);
}

std::int32_t root::shutdown(std::int32_t how) {
    return session_->shutdown(how);
}

void root::close(std::uint32_t how) {
    const auto home = session_;
    std::unique_lock lock(mutex_);
    if (std::exchange(closing_, true)) {
        lock.unlock();
        home->close(how, nullptr);
        return;
    }
    const auto attempt = std::exchange(joiner_, nullptr);
    const auto from = acceptor_;
    fd_.reset();
    lock.unlock();
    if (attempt) {
        attempt->cancel();
    }
    if (from) {
        from->close();
    }
    home->close(how, [this] { report_closed(); });
}

std::int32_t root::name(std::uint32_t peer, sockaddr* name, std::uint32_t* length) {
    const std::lock_guard hold(mutex_);
    if (peer != 0) {
        return WSAENOTCONN;
    }
    if (acceptor_) {
        return acceptor_->name().store(name, length);
    }
    return bound_ ? tcp::local_name(fd()).store(name, length) : WSAEINVAL;
}

std::int32_t root::set_option(std::int32_t level, std::int32_t name, const void* value, std::uint32_t size) {
    if (level == JL_SOL_JOINLEAF && name == JL_SO_SLOW_LEAF) {
        slow_rule rule = session_->slow_rule_now();
        const std::int32_t code = load_slow_rule(value, size, *limits_, rule);
        if (code == 0) {
            session_->set_slow_rule(rule);
        }
        return code;
    }
    {
        const std::lock_guard hold(mutex_);
        if (const auto code = options_.set(fd(), level, name, value, size); code != 0) {
            return code;
        }
    }
    session_->with_each_fd([&](int each) { socket_options::set_once(each, level, name, value, size); });
    return 0;
}

std::int32_t root::get_option(std::int32_t level, std::int32_t name, void* value, std::uint32_t* size) {
    if (level == JL_SOL_JOINLEAF && name == JL_SO_SLOW_LEAF) {
        return store_slow_rule(session_->slow_rule_now(), value, size);
    }
    const std::lock_guard hold(mutex_);
    return socket_options::get(fd(), level, name, value, size);
}

std::int32_t root::set_echo(const void* in, std::uint32_t in_size) {
    if (who_.plane == wire::data_plane::rooted) {
        return WSAEINVAL; // IO-26: loopback is an affair of nonrooted data
    }
    BOOL wanted = FALSE;
    if (in == nullptr || in_size < sizeof wanted) {
        return WSAEFAULT;
    }
    std::memcpy(&wanted, in, sizeof wanted);
    const std::lock_guard hold(mutex_);
    session_->set_echo(wanted != FALSE, bound_ ? tcp::local_name(fd()) : any_of(family_));
    return 0;
}

std::int32_t root::ioctl(std::uint32_t code, const void* in, std::uint32_t in_size, void* out,
                         std::uint32_t out_size, std::uint32_t* bytes) {
    if (is_fionread(code)) {
        return store_count(session_->readable_bytes(), out, out_size, bytes);
    }
    return code == SIO_MULTIPOINT_LOOPBACK ? set_echo(in, in_size) : WSAEOPNOTSUPP;
}

// What later leaves begin with; those that are there keep their own (QS-22).
std::int32_t root::qos(const QOS* qos, std::uint32_t) {
    const std::lock_guard hold(mutex_);
    options_.keep_service(family_, qos->SendingFlowspec.ServiceType);
    mark(fd(), family_, qos->SendingFlowspec.ServiceType);
    return 0;
}

std::int32_t root::stats(jl_stats* out) {
    session_->fill(*out);
    return 0;
}

std::int32_t root::leaves(jl_leaf_stats* out, std::uint32_t room, std::uint32_t* count) {
    *count = session_->list({out, room});
    return 0;
}

void report_join(jl_handle* handle, std::uint64_t op, std::int32_t code, const greeting_reader* answer) {
    jl_outcome outcome{};
    outcome.struct_size = sizeof outcome;
    outcome.code = code;
    std::optional<QOS> qos;
    if (code == 0 && answer != nullptr) {
        const auto data = answer->data();
        outcome.callee_data = data.empty() ? nullptr : data.data();
        outcome.callee_len = static_cast<std::uint32_t>(data.size());
        qos = answer->qos();
        outcome.qos = qos ? &*qos : nullptr;
    }
    host().complete(handle, op, &outcome);
}

} // namespace joinleaf::tcp_root
