// SPDX-License-Identifier: Apache-2.0
//
// Quality of service of one socket: what is in force, what it holds of the provider's capacity, how the other
// end hears of it, and the shaping of what is sent (clauses QS). The provider only marks its packets.
#include <cstring>
#include <utility>

#include "runtime/catalog/provider.hpp"
#include "runtime/log.hpp"
#include "runtime/qos/flowspec.hpp"
#include "runtime/socket/socket_object.hpp"

namespace joinleaf::socket {

// ---- admission

// Takes what `wanted` needs in the place of what is held. refuses: what does not fit is WSAEOPNOTSUPP and
// nothing changes; else it goes on as best effort. A root and a listener hold nothing: what they ask for is
// what later sockets begin with, each of which asks for itself (QS-22).
std::int32_t socket_object::reserve(QOS& wanted, bool refuses) {
    auto& ledger = *entry_.owner->capacity;
    const std::lock_guard hold(lock_);
    const bool is_template = role_ == role::root || listening_;
    const auto outcome = ledger.ask(quality_->held, qos::reservation_of(wanted), !refuses);
    if (!outcome.refusal.empty()) {
        set_explanation("provider \"" + entry_.owner->name + "\": " + outcome.refusal);
        if (refuses) {
            return WSAEOPNOTSUPP;
        }
        log(severity::info, "provider \"{}\": a flow goes on as best effort: {}", entry_.owner->name,
            outcome.refusal);
    }
    if (!outcome.sending_fits) {
        wanted.SendingFlowspec = qos::best_effort(wanted.SendingFlowspec);
    }
    if (!outcome.receiving_fits) {
        wanted.ReceivingFlowspec = qos::best_effort(wanted.ReceivingFlowspec);
    }
    quality_.edit().held = outcome.held;
    if (is_template) {
        give_capacity_back();
    }
    return 0;
}

// lock_ held.
void socket_object::give_capacity_back() {
    if (quality_) {
        entry_.owner->capacity->release(std::exchange(quality_.edit().held, {}));
    }
}

bool socket_object::refuses_unsatisfied() const noexcept {
    return entry_.owner->qos.on_unsatisfied == config::qos_rule::unsatisfied::fail;
}

// ---- what is in force

socket_object::flow_state socket_object::flow_now() {
    const std::lock_guard hold(lock_);
    return {quality_->in_force, quality_->given};
}

// The values are admitted: from now on they hold.
void socket_object::put_in_force(const flow_state& now) {
    {
        const std::lock_guard hold(lock_);
        quality_.edit().in_force = now.qos;
        quality_.edit().given = now.given;
    }
    shape_by(this, now.qos.SendingFlowspec);
    if (binds_root_) {
        quality_root_->shape_by(this, now.qos.SendingFlowspec);
    }
}

// Whether the root's own application has chosen what this leaf is sent, so that the session's data keeps to it.
// A leaf does not slow the session down by asking for little.
void socket_object::bind_root(bool binds) {
    if (quality_root_ == nullptr) {
        return;
    }
    binds_root_ = binds;
    if (!binds) {
        quality_root_->unshape(this);
    }
}

// The sender of the flow is this socket; owner: whose flow it is, this socket's own or that of a leaf.
void socket_object::shape_by(const void* owner, const FLOWSPEC& flow) {
    {
        const std::lock_guard hold(lock_);
        if (!shaper_owner_ && qos::shaper::binds(flow)) {
            shaper_owner_ = std::make_unique<qos::shaper>();
            shaper_.store(shaper_owner_.get(), std::memory_order_release);
        }
    }
    if (auto* const shaper = shaper_.load(std::memory_order_acquire)) {
        shaper->set(owner, flow);
        const std::lock_guard hold(lock_);
        kick(JL_OUT); // what was due later may be due now
    }
}

// Tells the provider, which marks the packets and, as `how` says, the peer.
std::int32_t socket_object::tell_provider(std::uint32_t how) {
    if (ops().qos == nullptr) {
        return 0;
    }
    const auto now = flow_now().qos;
    const std::lock_guard guard(guard_out_);
    return provider_ended_ ? 0 : ops().qos(endpoint_, &now, qos::is_silent(now) ? JL_QOS_LOCAL : how);
}

void socket_object::tell_provider_soon(std::uint32_t how) {
    {
        const std::lock_guard hold(lock_);
        quality_.edit().to_tell = how;
    }
    schedule_pump();
}

void socket_object::tell_what_is_due() {
    std::optional<std::uint32_t> how;
    {
        const std::lock_guard hold(lock_);
        if (quality_) {
            how = std::exchange(quality_.edit().to_tell, std::nullopt);
        }
    }
    if (how) {
        tell_provider(*how);
    }
}

// One record per change (EV-48, QS-19).
void socket_object::record_quality_change() {
    const std::lock_guard hold(lock_);
    record_.reenable(FD_QOS);
    record(FD_QOS, 0);
}

// Back to what was before a request that came to nothing (QS-04). [any]
void socket_object::restore(const flow_state& former) {
    QOS again = former.qos;
    reserve(again, false);
    put_in_force({again, former.given});
    tell_provider_soon(JL_QOS_LOCAL);
}

void socket_object::release_quality() {
    {
        const std::lock_guard hold(lock_);
        give_capacity_back();
    }
    bind_root(false);
}

void socket_object::unshape(const void* owner) {
    if (auto* const shaper = shaper_.load(std::memory_order_acquire)) {
        shaper->lift(owner);
        const std::lock_guard hold(lock_);
        kick(JL_OUT);
        if (selected_.load(std::memory_order_relaxed) != 0) {
            schedule_pump();
        }
    }
}

// ---- SIO_SET_QOS, SIO_GET_QOS

std::int32_t socket_object::set_qos(const QOS& asked) {
    flow_state former;
    bool established = false;
    DWORD direction = JL_BOTH;
    {
        const std::lock_guard hold(lock_);
        if (operation_->pending && role_ != role::root) {
            return WSAEALREADY; // what is asked is on its way to the peer
        }
        former = {quality_->in_force, quality_->given};
        established = connection_ == connection::established;
        direction = direction_;
        record_.reenable(FD_QOS); // a renegotiation (EV-48)
    }
    if (const auto code = qos::check(asked, *entry_.protocol, direction); code != 0) {
        return code;
    }
    const auto wanted = qos::merged(former.qos, asked, direction);
    auto granted = wanted;
    if (const auto code = reserve(granted, refuses_unsatisfied()); code != 0) {
        return code;
    }
    bind_root(true);
    put_in_force({granted, true});
    if (const auto code = tell_provider(established ? JL_QOS_TELL : JL_QOS_LOCAL); code != 0) {
        restore(former);
        return code;
    }
    if (!qos::same(wanted, granted)) {
        record_quality_change();
    }
    return 0;
}

std::int32_t socket_object::get_qos(QOS& out) {
    bool connected = false;
    {
        const std::lock_guard hold(lock_);
        connected = connection_ == connection::established && !connectionless();
        if (!bound_ && connection_ != connection::established) {
            return WSAEINVAL; // QS-17
        }
    }
    if (connected) { // what the peer has changed and nobody has read yet
        std::int32_t code = 0;
        const std::lock_guard guard(guard_in_);
        if (!provider_ended_) {
            ask_in(code);
        }
    }
    const std::lock_guard hold(lock_);
    record_.reenable(FD_QOS);
    out = quality_->in_force;
    return 0;
}

// ---- joining and being joined

// Puts in force what a join asks for, before anybody hears of it; `flow` is the socket whose connection it
// will be: this one, or the new socket for an invited leaf, which begins with what the root has set.
std::int32_t socket_object::begin_quality(const QOS* asked, DWORD direction, socket_object& flow) {
    const auto former = flow.flow_now();
    if (!service(XP1_QOS_SUPPORTED) || (asked == nullptr && !former.given)) {
        return 0; // best effort, as was checked
    }
    {
        const std::lock_guard hold(lock_);
        operation_.edit().former_flow = former;
    }
    const auto wanted = asked == nullptr ? former.qos : qos::merged(former.qos, *asked, direction);
    auto granted = wanted;
    if (const auto code = flow.reserve(granted, refuses_unsatisfied()); code != 0) {
        return code;
    }
    flow.bind_root(asked != nullptr);
    flow.put_in_force({granted, true});
    {
        const std::lock_guard hold(lock_);
        operation_.edit().quality_changed = !qos::same(wanted, granted);
    }
    return flow.tell_provider(JL_QOS_LOCAL);
}

// A connect or join of which nothing came leaves what was before (QS-04); an invited leaf's socket is good for
// nothing. [any]
void socket_object::undo_quality(socket_object& flow) {
    std::optional<flow_state> former;
    {
        const std::lock_guard hold(lock_);
        former = std::exchange(operation_.edit().former_flow, std::nullopt);
    }
    if (former && &flow == this) {
        restore(*former);
    } else if (former) {
        flow.release_quality();
    }
}

// The peer's answer to a connect or join. [any] True: not what was asked for is in force.
bool socket_object::settle_quality(const jl_outcome& outcome, std::int32_t code, socket_object& flow) {
    bool asked = false;
    bool changed = false;
    {
        const std::lock_guard hold(lock_);
        asked = operation_->former_flow.has_value();
        changed = operation_->quality_changed;
    }
    if (!asked) {
        return false; // an answer to what nobody asked is none
    }
    if (code != 0) {
        undo_quality(flow);
        return false;
    }
    return (outcome.qos != nullptr && flow.adopt(*outcome.qos)) || changed;
}

// What the peer has granted takes the place of what was asked (QS-18). [any] True: something is different.
bool socket_object::adopt(const QOS& granted) {
    const auto former = flow_now();
    auto now = qos::merged(former.qos, granted, JL_BOTH);
    if (qos::check(now, *entry_.protocol, JL_BOTH) != 0) {
        log(severity::warning, "provider \"{}\": the peer grants what cannot be honoured here: {}",
            entry_.owner->name, take_explanation());
        return false;
    }
    if (qos::same(now, former.qos)) {
        return false;
    }
    if (std::memcmp(&now.SendingFlowspec, &former.qos.SendingFlowspec, sizeof(FLOWSPEC)) != 0) {
        bind_root(true); // the root asked for this leaf itself
    }
    reserve(now, false);
    put_in_force({now, true});
    tell_provider_soon(JL_QOS_LOCAL);
    return true;
}

// The request's QoS as the condition function leaves it, for the socket that is admitted: 0, or
// WSAEOPNOTSUPP. Without a request that socket has what the listener has (JL-71).
std::int32_t socket_object::admit_quality(const request& who, const jl_answer& given) {
    if (!service(XP1_QOS_SUPPORTED)) {
        return 0;
    }
    auto wanted = flow_now();
    if (who.qos) {
        const auto decided = qos::merged(*who.qos, given.qos == nullptr ? *who.qos : *given.qos, JL_BOTH);
        if (const auto code = qos::check(decided, *entry_.protocol, JL_BOTH); code != 0) {
            return code;
        }
        wanted = {qos::turned(decided), true};
        bind_root(std::memcmp(&decided.ReceivingFlowspec, &who.qos->ReceivingFlowspec, sizeof(FLOWSPEC)) != 0);
    }
    if (!wanted.given) {
        return 0;
    }
    if (const auto code = reserve(wanted.qos, refuses_unsatisfied()); code != 0) {
        return code;
    }
    put_in_force(wanted);
    return 0;
}

// The peer of the connection has set another QoS. What this side cannot honour it answers with what it can,
// unless the peer has said its last word. [any]
void socket_object::on_qos_changed(const QOS& seen_there, std::uint32_t how) {
    if (!service(XP1_QOS_SUPPORTED)) {
        return;
    }
    const auto former = flow_now();
    auto now = qos::merged(former.qos, qos::turned(seen_there), JL_BOTH);
    const bool is_final = how == JL_QOS_FINAL;
    if (qos::check(seen_there, *entry_.protocol, JL_BOTH) != 0 ||
        reserve(now, refuses_unsatisfied() && !is_final) != 0) {
        log(severity::info, "provider \"{}\": a change of the peer's is not taken: {}", entry_.owner->name,
            take_explanation());
        if (!is_final) {
            tell_provider_soon(JL_QOS_FINAL);
        }
        return;
    }
    if (std::memcmp(&now.SendingFlowspec, &former.qos.SendingFlowspec, sizeof(FLOWSPEC)) != 0) {
        bind_root(false);
    }
    const bool as_asked = qos::same(now, qos::merged(former.qos, qos::turned(seen_there), JL_BOTH));
    put_in_force({now, true});
    tell_provider_soon(as_asked || is_final ? JL_QOS_LOCAL : JL_QOS_FINAL);
    if (!qos::same(now, former.qos)) {
        record_quality_change();
    }
}

// ---- shaping

// tx under the shaper: as many of the messages as there are tokens for. guard_out_ is held.
std::int32_t socket_object::transmit_shaped(qos::shaper& shaper, std::span<jl_msg> messages,
                                            std::uint32_t& done) {
    const auto verdict = shaper.admit(messages);
    if (verdict.code != 0) {
        return verdict.code;
    }
    const auto code = ops().tx(endpoint_, messages.data(), verdict.count, &done);
    if (code == 0) {
        shaper.charge(messages.first(done));
    }
    return code;
}

// When the sender's next tokens are there; nothing: it is not held back.
dispatch::deadline socket_object::tokens_due() {
    auto* const shaper = shaper_.load(std::memory_order_acquire);
    return shaper == nullptr ? dispatch::deadline{} : shaper->due();
}

std::int32_t socket_object::wait_for_tokens(const dispatch::deadline& due, const dispatch::deadline& until) {
    auto& self = dispatch::waiter::of_thread();
    add_waiter(self, JL_OUT);
    bool closing = false;
    {
        const std::lock_guard hold(lock_);
        closing = closing_;
    }
    const bool in_time = !until || *due <= *until;
    const bool kicked = !closing && self.wait_exactly(in_time ? *due : *until);
    remove_waiter(self);
    const std::lock_guard hold(lock_);
    return closing_ ? WSAEINTR : in_time || kicked ? 0 : WSAETIMEDOUT;
}

// True: the sender is held back, and the loop will look again when its tokens are there.
bool socket_object::awaits_tokens() {
    if (!tokens_due()) {
        return false;
    }
    if (!token_timer_set_.exchange(true)) {
        hold();
        loop_.post([](void* self) { static_cast<socket_object*>(self)->start_token_timer(); }, this);
    }
    return true;
}

// [reactor]
void socket_object::start_token_timer() {
    bool closing = false;
    {
        const std::lock_guard hold(lock_);
        closing = closing_;
    }
    const auto due = tokens_due();
    if (closing || !due) {
        end_token_timer();
        return;
    }
    token_timer_ = loop_.start(
        *due - std::chrono::steady_clock::now(),
        [](void* self) { static_cast<socket_object*>(self)->end_token_timer(); }, this);
}

// [reactor] The tokens are there, or the socket is being closed.
void socket_object::end_token_timer() {
    if (token_timer_ != nullptr) {
        loop_.drop(std::exchange(token_timer_, nullptr));
    }
    token_timer_set_ = false;
    {
        const std::lock_guard hold(lock_);
        kick(JL_OUT);
    }
    schedule_pump(); // FD_WRITE, and the overlapped sends that wait
    drop();
}

// The timer may be set for a time far off; its hold on this object ends now.
void socket_object::forget_token_timer() {
    if (token_timer_set_.load()) {
        hold();
        loop_.post(
            [](void* raw) {
                auto& self = *static_cast<socket_object*>(raw);
                if (self.token_timer_ != nullptr) {
                    self.end_token_timer();
                }
                self.drop();
            },
            this);
    }
}

} // namespace joinleaf::socket
