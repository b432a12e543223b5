// SPDX-License-Identifier: Apache-2.0
#include "runtime/socket/socket_object.hpp"

#include <algorithm>
#include <condition_variable>

#include <sys/epoll.h>

#include "runtime/dispatch/spin.hpp"

namespace joinleaf::socket {
namespace {

// How many socket objects exist, for the end of the runtime.
struct census {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t alive = 0;

    void change(std::ptrdiff_t by) {
        const std::lock_guard hold(mutex);
        alive += static_cast<std::size_t>(by);
        changed.notify_all();
    }
};

census& living() {
    static auto& one = *new census;
    return one;
}

std::uint64_t next_identity() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

role role_of(DWORD flags, bool admitted_by_root) noexcept {
    if (admitted_by_root) {
        return role::root_leaf;
    }
    if ((flags & WSA_FLAG_MULTIPOINT_C_ROOT) != 0) {
        return role::root;
    }
    return (flags & WSA_FLAG_MULTIPOINT_C_LEAF) != 0 ? role::member : role::ordinary;
}

} // namespace

socket_table& open_sockets() {
    // SOCKETs may be used in destructors that run after main(), so the table is never destroyed.
    static auto& table = *new socket_table;
    return table;
}

bool wait_until_all_gone(std::chrono::milliseconds limit) {
    std::unique_lock hold(living().mutex);
    return living().changed.wait_for(hold, limit, [] { return living().alive == 0; });
}

socket_object::socket_object(dispatch::loop_pool& loops, const catalog::entry& entry, DWORD flags)
    : identity_(next_identity()),
      loops_(loops),
      loop_(loops.next()),
      entry_(entry),
      ops_(*entry.owner->table->ops),
      flags_(flags) {
    living().change(1);
}

socket_object::~socket_object() {
    if (quality_root_ != nullptr) {
        quality_root_->drop();
    }
    living().change(-1);
}

void socket_object::drop() noexcept {
    if (holds_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        delete this;
    }
}

// The last one out frees the number: at closesocket when the provider has ended by then, so that addresses
// can be used again at once.
void socket_object::drop_descriptor() noexcept {
    if (descriptor_holds_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        give_back_descriptors();
    }
}

result<socket_reference> socket_object::create(dispatch::loop_pool& loops, const catalog::entry& entry,
                                               const catalog::query& asked, socket_object* parent,
                                               void* request) {
    auto* const made = new socket_object(loops, entry, asked.flags);
    made->role_ = role_of(asked.flags, parent != nullptr && parent->role_ == role::root);
    jl_open open{};
    open.struct_size = sizeof open;
    open.protocol_index = entry.protocol_index;
    open.family = asked.family;
    open.type = asked.type;
    open.protocol = asked.protocol;
    open.flags = asked.flags;
    open.parent = parent == nullptr ? nullptr : parent->endpoint_;
    open.request = request;
    open.fd = -1;
    made->hold(); // the provider's, until it reports `closed`
    made->descriptor_holds_ = 2;
    auto code = made->ops().open(entry.owner->instance, made->handle(), &open, &made->endpoint_);
    if (code != 0) {
        made->drop();
        made->drop();
        return tl::unexpected(code);
    }
    code = made->take_descriptor(open);
    if (code == 0) {
        if (parent != nullptr) {
            made->inherit_from(*parent);
            if (made->role_ == role::root_leaf) {
                parent->hold();
                made->quality_root_ = parent;
            }
        }
        made->refresh_gates();
        if (auto held = open_sockets().publish_held(made->number(), made)) {
            return held;
        }
        code = WSAEMFILE;
    }
    made->end_provider(JL_CLOSE_ABORT);
    made->drop_descriptor();
    made->drop();
    return tl::unexpected(code);
}

void socket_object::refresh_gates() {
    const std::lock_guard hold(lock_);
    update_gates();
}

// Ends a socket that its maker has no use for, unless another thread did.
void socket_object::discard(socket_reference held) {
    auto* const object = held.get();
    const auto number = object->number();
    const bool mine = open_sockets().shut(number) && object->give_up_number(number);
    held.reset();
    if (mine) {
        object->drain_numbers();
        object->abort();
    }
}

// Lets the kernel poll the device's queue too, where it may (CAP_NET_ADMIN) and the device has one.
void socket_object::poll_device() noexcept {
    const auto time = std::chrono::duration_cast<std::chrono::microseconds>(dispatch::spin()).count();
    if (time > 0) {
        const int microseconds = static_cast<int>(std::min<std::int64_t>(time, 1000));
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_BUSY_POLL, &microseconds, sizeof microseconds);
    }
}

std::int32_t socket_object::take_descriptor(const jl_open& open) {
    fd_kind_ = open.fd_kind;
    if (fd_kind_ == JL_FD_OWN) {
        fd_ = dispatch::descriptor(open.fd);
        out_fd_ = open.fd;
        poll_device();
        return 0;
    }
    const std::lock_guard hold(lock_);
    if (fd_kind_ == JL_FD_NONE) {
        fd_ = dispatch::make_eventfd();
        return fd_ ? 0 : WSAEMFILE;
    }
    if (!fd_) { // else `expose` has made it already
        fd_ = dispatch::above_standard_streams(dispatch::descriptor(::epoll_create1(EPOLL_CLOEXEC)));
    }
    return fd_ ? 0 : WSAEMFILE;
}

void socket_object::inherit_from(socket_object& parent) {
    const std::scoped_lock hold(parent.lock_, lock_);
    nonblocking_ = parent.nonblocking_.load();
    linger_ = parent.linger_;
    send_timeout_ = parent.send_timeout_.load();
    receive_timeout_ = parent.receive_timeout_.load();
    exclusive_ = parent.exclusive_;
    conditional_accept_ = parent.conditional_accept_;
    urgent_inline_ = parent.urgent_inline_;
    if (parent.quality_) { // JL-71, QS-22; what it holds of the capacity it asks for later
        quality_.edit().in_force = parent.quality_->in_force;
        quality_.edit().given = parent.quality_->given;
    }
    bound_ = true;
    record_.inherit(parent.record_);
    selected_ = record_.selected();
}

void socket_object::interrupt() {
    {
        const std::lock_guard hold(lock_);
        closing_ = true;
        // One's own close records nothing (EV-44), nor does that of other sockets meanwhile (ST-11).
        record_.select({}, 0);
        selected_ = 0;
        kick(~0U);
    }
    if (insiders_.load() > 0) { // no kick reaches them
        const std::lock_guard guard(guard_out_);
        if (!provider_ended_) {
            ops().shutdown(endpoint_, SD_RECEIVE);
        }
    }
}

void socket_object::refuse_all_requests() {
    std::deque<std::shared_ptr<request>> queued;
    {
        const std::lock_guard hold(lock_);
        if (!admissions_) {
            return;
        }
        auto& all = admissions_.edit();
        queued.swap(all.queue);
        queued.insert(queued.end(), all.withdrawn.begin(), all.withdrawn.end());
        all.withdrawn.clear();
    }
    for (const auto& one : queued) {
        answer(*one, nullptr, nullptr);
    }
}

void socket_object::cancel_operation() {
    socket_object* root = nullptr;
    std::uint64_t op = 0;
    {
        const std::lock_guard hold(lock_);
        root = std::exchange(inviting_root_, nullptr);
        if (operation_->pending && operation_->child != nullptr) {
            op = operation_->id;
        }
    }
    if (op != 0) { // this is a root with an invitation under way (LC-16)
        {
            const std::lock_guard guard(guard_out_);
            if (ops().cancel != nullptr && !provider_ended_) {
                ops().cancel(endpoint_, op);
            }
        }
        forget_operation();
    }
    if (root == nullptr) {
        return;
    }
    // This is the leaf socket of an invitation: the root stays open and may invite again at once (JL-54).
    std::uint64_t invited = 0;
    {
        const std::lock_guard hold(root->lock_);
        if (root->operation_->pending && root->operation_->child == this && !root->operation_->cancelled) {
            root->operation_.edit().cancelled = true;
            invited = root->operation_->id;
        }
    }
    if (invited != 0) {
        {
            const std::lock_guard guard(root->guard_out_);
            if (root->ops().cancel != nullptr && !root->provider_ended_) {
                root->ops().cancel(root->endpoint_, invited);
            }
        }
        root->forget_operation();
    }
    root->drop();
}

// Ends the operation's record without an event (JL-55); waiting calls see WSA_OPERATION_ABORTED.
void socket_object::forget_operation() {
    socket_object* child = nullptr;
    {
        const std::lock_guard hold(lock_);
        if (!operation_->pending) {
            return;
        }
        auto& over = operation_.edit();
        over.pending = false;
        over.told = true;
        over.code = WSA_OPERATION_ABORTED;
        child = std::exchange(over.child, nullptr);
        kick(wait_operation);
    }
    if (child == nullptr) {
        return;
    }
    socket_object* parent = nullptr;
    {
        const std::lock_guard hold(child->lock_);
        child->connection_ = connection::failed;
        child->update_gates();
        parent = std::exchange(child->inviting_root_, nullptr);
    }
    child->drop();
    if (parent != nullptr) {
        parent->drop();
    }
}

void socket_object::unwatch() {
    network::subscription network; // ends outside the lock
    {
        const std::lock_guard hold(lock_);
        if (awaited_) {
            std::swap(network, awaited_.edit().watch);
        }
    }
    drop_watches();
}

void socket_object::drop_watches() {
    dispatch::watch* watches[2] = {};
    {
        const std::lock_guard hold(lock_);
        armed_ = 0;
        watches[0] = std::exchange(watch_, nullptr);
        watches[1] = std::exchange(out_watch_, nullptr);
    }
    for (auto* const one : watches) {
        if (one != nullptr) {
            one->owner->remove(
                one, [](void* self) { static_cast<socket_object*>(self)->drop(); }, this);
        }
    }
}

void socket_object::end_provider(std::uint32_t how) {
    const std::scoped_lock guards(guard_in_, guard_out_);
    provider_ended_ = true;
    ops().close(endpoint_, how);
}

void socket_object::wait_until_closed(std::chrono::seconds limit) {
    auto& self = dispatch::waiter::of_thread();
    const auto until = std::chrono::steady_clock::now() + limit;
    add_waiter(self, wait_closed);
    for (bool in_time = true; in_time;) {
        {
            const std::lock_guard hold(lock_);
            if (provider_closed_) {
                break;
            }
        }
        in_time = self.wait({}, until);
    }
    remove_waiter(self);
}

// What has not closed in its time ends with a reset (LC-09). on_closed waits for this call, so that the
// endpoint lives through it.
void socket_object::cut_off() {
    {
        const std::lock_guard hold(lock_);
        if (provider_closed_) {
            return;
        }
        cutting_ = std::this_thread::get_id();
    }
    end_provider(JL_CLOSE_ABORT);
    const std::lock_guard hold(lock_);
    cutting_ = {};
    cut_over.notify_all();
}

std::int32_t socket_object::linger_allows_close() {
    {
        const std::lock_guard hold(lock_);
        if (linger_.l_onoff == 0 || linger_.l_linger == 0 || !nonblocking() || numbers_ > 1) {
            return 0;
        }
    }
    jl_stats stats{};
    stats.struct_size = sizeof stats;
    const std::lock_guard guard(guard_out_);
    if (ops().stats == nullptr || ops().stats(endpoint_, &stats) != 0) {
        return 0;
    }
    return stats.queued_bytes > 0 ? WSAEWOULDBLOCK : 0;
}

void socket_object::close() {
    interrupt();
    struct linger how {};
    {
        const std::lock_guard hold(lock_);
        how = linger_;
    }
    cancel_operations(nullptr, nullptr); // IO-50
    end_wait_at_listener();
    unwatch();
    forget_token_timer();
    cancel_operation();
    release_quality();
    refuse_all_requests();
    const bool hard = how.l_onoff != 0 && how.l_linger == 0;
    end_provider(hard ? JL_CLOSE_ABORT : JL_CLOSE_GRACEFUL);
    if (how.l_onoff != 0 && how.l_linger > 0 && !nonblocking()) {
        wait_until_closed(std::chrono::seconds(how.l_linger));
        cut_off();
    }
    drop_descriptor();
    drop();
}

void socket_object::close_from_loop() {
    {
        const std::lock_guard hold(lock_);
        linger_.l_onoff = linger_.l_linger > 0 ? 0 : linger_.l_onoff; // the loop does not wait
    }
    loop_.post(
        [](void* raw) {
            auto& self = *static_cast<socket_object*>(raw);
            self.drain_numbers();
            self.close();
        },
        this);
}

void socket_object::abort() {
    {
        const std::lock_guard hold(lock_);
        linger_ = {1, 0};
    }
    forget_operations();
    close();
}

} // namespace joinleaf::socket
