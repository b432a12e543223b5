// SPDX-License-Identifier: Apache-2.0
#include "leaf.hpp"

#include "greeting.hpp"
#include "root.hpp"
#include "service.hpp"

#include <cstring>
#include <utility>

namespace joinleaf::tcp_root {

leaf::leaf(jl_handle* handle, std::shared_ptr<const settings> limits, wire::roles who, int family,
           tcp::descriptor fd)
    : endpoint(handle),
      limits_(std::move(limits)),
      who_(who),
      family_(family),
      loop_(host().loop_of(handle)),
      fd_(std::move(fd)) {
    if (fd_) {
        options_.apply(fd_.get());
    }
}

void leaf::inherit(const leaf& parent) {
    options_.inherit(parent.options_);
    const std::scoped_lock hold(mutex_, parent.mutex_);
    echo_ = parent.echo_;
}

std::int32_t leaf::bind(const sockaddr* name, std::uint32_t length) {
    const std::lock_guard hold(mutex_);
    return bound_ || !fd_ ? WSAEINVAL : bind_locked(address::of(name, length));
}

std::int32_t leaf::bind_locked(const address& name) {
    const std::int32_t code = tcp::bind(fd_.get(), name);
    if (code == 0) {
        bound_ = true;
        local_ = tcp::local_name(fd_.get());
    }
    return code;
}

std::int32_t leaf::listen(std::int32_t backlog) {
    const std::lock_guard hold(mutex_);
    if (acceptor_) {
        return acceptor_->listen({}, backlog);
    }
    if (member_) {
        return WSAEISCONN;
    }
    if (!bound_ || !fd_) {
        return WSAEINVAL;
    }
    auto made = std::make_shared<acceptor>(handle(), loop_, limits_, who_);
    const std::int32_t code = made->listen(std::move(fd_), backlog);
    if (code == 0) {
        acceptor_ = std::move(made);
    }
    return code;
}

std::int32_t leaf::join(const jl_join* join) {
    const address target = address::of(join->name, join->name_len);
    if (target.family() != family_) {
        return WSAEAFNOSUPPORT;
    }
    if (!target.is_one_peer()) {
        return WSAEADDRNOTAVAIL;
    }
    std::unique_lock lock(mutex_);
    if (joiner_ || member_ || acceptor_) {
        return joiner_ ? WSAEALREADY : member_ ? WSAEISCONN : WSAEINVAL;
    }
    if (!bound_) {
        if (const auto code = bind_locked(any_of(family_)); code != 0) {
            return code;
        }
    }
    const auto attempt = std::make_shared<joiner>(loop_, limits_, who_, target);
    joiner_ = attempt;
    join_op_ = join->op;
    auto fd = std::move(fd_);
    lock.unlock();
    const auto self = std::static_pointer_cast<leaf>(shared_from_this());
    const auto done = [self, op = join->op, direction = join->direction, target](joiner::outcome& outcome) {
        self->joined(op, direction, target, outcome);
    };
    attempt->start(std::move(fd), make_hello(who_, *join, limits_->beat()), join->callee_room, done);
    return 0;
}

void leaf::joined(std::uint64_t op, std::uint32_t direction, const address& target, joiner::outcome& outcome) {
    std::int32_t code = 0;
    std::optional<upcall> telling;
    {
        const std::lock_guard hold(mutex_);
        joiner_ = nullptr;
        if (closing_) {
            return;
        }
        telling.emplace(*this);
        if (outcome) {
            const member::rights may{direction != JL_RECEIVER_ONLY, direction != JL_SENDER_ONLY};
            code = become_member(std::move(outcome->fd), {target, outcome->answer.head().beat}, may);
        } else {
            code = outcome.error().code;
            take_back(std::move(outcome.error().fd));
            explain(outcome.error().sentence);
        }
    }
    report_join(handle(), op, code, outcome ? &outcome->answer : nullptr);
}

// The descriptor keeps its local address and serves the next attempt (JL-21, JL-33). A port of the kernel's
// own choice is given back with the connection and has to be taken again; should somebody have been faster,
// any other will do.
void leaf::take_back(tcp::descriptor fd) {
    fd_ = std::move(fd);
    if (tcp::local_name(fd_.get()).port() == local_.port()) {
        return;
    }
    if (bind_locked(local_) != 0) {
        bound_ = bind_locked(any_of(family_)) == 0;
    }
}

std::int32_t leaf::become_member(tcp::descriptor fd, const member::root_end& root, member::rights may) {
    local_ = tcp::local_name(fd.get());
    peer_ = root.name;
    bound_ = true;
    member_ = std::make_shared<member>(loop_, limits_, std::move(fd), root, may);
    member_->set_echo(echo_);
    member_->begin();
    const std::int32_t code = host().expose(handle(), member_->fd(), may.send ? JL_IN | JL_OUT : JL_IN);
    member_->report_changes_to(handle());
    live_ = member_.get();
    return code;
}

std::int32_t leaf::accept(void* request, endpoint* child, const jl_answer* answer) {
    std::shared_ptr<acceptor> from;
    {
        const std::lock_guard hold(mutex_);
        from = acceptor_;
    }
    if (!from) {
        return WSAEINVAL;
    }
    const bool too_long = answer != nullptr && answer->callee_len > wire::data_max;
    if (child == nullptr || too_long) {
        from->refuse(request, answer != nullptr && child == nullptr ? answer->code : 0);
        return too_long ? WSAEFAULT : 0;
    }
    auto asked = from->take(request);
    return asked ? static_cast<leaf*>(child)->admit(*asked, answer) : asked.error();
}

std::int32_t leaf::admit(introduction& who, const jl_answer* answer) {
    const std::lock_guard hold(mutex_);
    options_.apply(who.fd.get());
    // The direction is the root's: what it does not take is not sent, what it does not send is not received.
    const std::uint32_t direction = who.hello.direction;
    const member::rights may{direction != JL_SENDER_ONLY, direction != JL_RECEIVER_ONLY};
    if (const auto code = become_member(std::move(who.fd), {who.peer, who.hello.beat}, may); code != 0) {
        return code;
    }
    return member_->answer(make_admission(who_, answer, limits_->beat()));
}

std::int32_t leaf::tx(jl_msg* messages, std::uint32_t count, std::uint32_t* done) {
    *done = 0;
    member* const joined = live_.load(std::memory_order_acquire);
    return joined != nullptr ? joined->tx(messages, count, done) : WSAENOTCONN;
}

std::int32_t leaf::rx(jl_msg* messages, std::uint32_t count, std::uint32_t* done, std::uint32_t* left) {
    *done = 0;
    *left = JL_LEFT_UNKNOWN;
    member* const joined = live_.load(std::memory_order_acquire);
    return joined != nullptr ? joined->rx(messages, count, done, left) : WSAENOTCONN;
}

std::int32_t leaf::arm(std::uint32_t direction, std::int32_t* code) {
    member* const joined = live_.load(std::memory_order_acquire);
    if (joined == nullptr || (direction != JL_IN && direction != JL_OUT)) {
        return JL_ARMED;
    }
    return direction == JL_IN ? joined->arm_in(code) : joined->arm_out(code);
}

void leaf::cancel(std::uint64_t op) {
    std::shared_ptr<joiner> attempt;
    {
        const std::lock_guard hold(mutex_);
        attempt = join_op_ == op ? joiner_ : nullptr;
    }
    if (!attempt) {
        return;
    }
    if (auto fd = attempt->cancel()) {
        {
            const std::lock_guard hold(mutex_);
            joiner_ = nullptr;
            take_back(std::move(*fd));
        }
        report_join(handle(), op, WSA_OPERATION_ABORTED, nullptr);
    }
}

std::int32_t leaf::shutdown(std::int32_t how) {
    member* const joined = live_.load(std::memory_order_acquire);
    return joined != nullptr ? joined->shutdown(how) : WSAENOTCONN;
}

void leaf::close(std::uint32_t how) {
    std::unique_lock lock(mutex_);
    const bool again = std::exchange(closing_, true);
    const auto gone = member_;
    const auto attempt = std::exchange(joiner_, nullptr);
    const auto from = acceptor_;
    fd_.reset();
    lock.unlock();
    if (gone) {
        if (!again) {
            host().expose(handle(), gone->fd(), 0);
        }
        gone->close(how, [this] { report_closed(); });
        return;
    }
    if (again) {
        return;
    }
    if (attempt) {
        attempt->cancel();
    }
    if (from) {
        from->close();
    }
    if (attempt || from) {
        report_closed_later();
    } else {
        report_closed();
    }
}

// Behind what the loop has still to do for this socket.
void leaf::report_closed_later() {
    post(loop_, [self = std::static_pointer_cast<leaf>(shared_from_this())] { self->report_closed(); });
}

std::int32_t leaf::name(std::uint32_t peer, sockaddr* name, std::uint32_t* length) {
    const std::lock_guard hold(mutex_);
    if (peer != 0) {
        return member_ ? peer_.store(name, length) : WSAENOTCONN;
    }
    return bound_ ? local_.store(name, length) : WSAEINVAL;
}

std::int32_t leaf::with_fd(const std::function<std::int32_t(int)>& use) {
    const std::lock_guard hold(mutex_);
    if (member_) {
        return use(member_->fd());
    }
    if (joiner_) {
        return joiner_->with_fd(use);
    }
    return use(acceptor_ ? acceptor_->fd() : fd_.get());
}

std::int32_t leaf::set_option(std::int32_t level, std::int32_t name, const void* value, std::uint32_t size) {
    return with_fd([&](int fd) { return options_.set(fd, level, name, value, size); });
}

std::int32_t leaf::get_option(std::int32_t level, std::int32_t name, void* value, std::uint32_t* size) {
    return with_fd([&](int fd) { return socket_options::get(fd, level, name, value, size); });
}

// IO-23: before the join and after it.
std::int32_t leaf::set_echo(const void* in, std::uint32_t in_size) {
    if (who_.plane == wire::data_plane::rooted) {
        return WSAEINVAL; // IO-26: loopback is an affair of nonrooted data
    }
    BOOL wanted = FALSE;
    if (in == nullptr || in_size < sizeof wanted) {
        return WSAEFAULT;
    }
    std::memcpy(&wanted, in, sizeof wanted);
    const std::lock_guard hold(mutex_);
    echo_ = wanted != FALSE;
    if (member_) {
        member_->set_echo(echo_);
    }
    return 0;
}

std::int32_t leaf::ioctl(std::uint32_t code, const void* in, std::uint32_t in_size, void* out,
                         std::uint32_t out_size, std::uint32_t* bytes) {
    if (is_fionread(code)) {
        member* const joined = live_.load(std::memory_order_acquire);
        return store_count(joined != nullptr ? joined->readable_bytes() : 0, out, out_size, bytes);
    }
    return code == SIO_MULTIPOINT_LOOPBACK ? set_echo(in, in_size) : WSAEOPNOTSUPP;
}

std::int32_t leaf::qos(const QOS* qos, std::uint32_t how) {
    const ULONG type = qos->SendingFlowspec.ServiceType;
    options_.keep_service(family_, type);
    with_fd([&](int fd) {
        mark(fd, family_, type);
        return 0;
    });
    member* const joined = live_.load(std::memory_order_acquire);
    return how == JL_QOS_LOCAL || joined == nullptr ? 0 : joined->tell(make_qos_frame(*qos, how));
}

std::int32_t leaf::stats(jl_stats* out) {
    if (member* const joined = live_.load(std::memory_order_acquire)) {
        joined->fill(*out);
    }
    return 0;
}

} // namespace joinleaf::tcp_root
