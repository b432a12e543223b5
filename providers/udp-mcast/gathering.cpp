// SPDX-License-Identifier: Apache-2.0
//
// A program that floods a session with plain sends (option `gather`). As long as it does anything else between two
// sends, each leaves with its call. One that does nothing but send has its messages gathered and sent as super-packets:
// by its own thread where as many have come as one takes, else by a loop at the end of the delay, or with the next call
// on the socket that is none of these sends. A message after a pause leaves at once again. What the network refuses
// then is counted as dropped, and told by the next send.
#include "endpoint.hpp"

#include "joinleaf/provider/buffers.hpp"

#include <algorithm>

namespace joinleaf::udp_mcast {

// With a QoS the runtime's bucket says when a message leaves.
bool endpoint::may_gather(const jl_msg& message) const noexcept {
    constexpr std::uint32_t no_super_packets = JL_LIMIT_DEVICE | JL_LIMIT_CALL;
    return gathers_ && message.flags == 0 && goes_to_session(message) && !flow_ &&
           (limit_.load(std::memory_order_relaxed) & no_super_packets) == 0;
}

std::int32_t endpoint::send_or_gather(jl_msg& message) {
    if (refusal_.load(std::memory_order_relaxed) != 0) {
        return refusal_.exchange(0, std::memory_order_relaxed);
    }
    if (!flooding_.load(std::memory_order_acquire)) {
        return send_alone(message);
    }
    const auto size = provider::total(provider::parts_of(message));
    const bool waits = size <= std::min(proven_, outbox::longest_alone) && !flood_.has_received();
    if (waits) {
        const auto code = gather(message, size);
        return code ? *code : send_alone(message);
    }
    const auto code = let_go();
    return code == 0 ? send_at_once(message) : code;
}

std::int32_t endpoint::send_at_once(jl_msg& message) {
    const auto code = send_one(message);
    proven_ = code == 0 ? std::max(proven_, message.size) : proven_;
    return code;
}

std::int32_t endpoint::send_alone(jl_msg& message) {
    if (flood_.is_on() &&
        provider::total(provider::parts_of(message)) <= std::min(proven_, outbox::longest_alone) &&
        begin_flood()) {
        return send_or_gather(message);
    }
    const auto code = send_at_once(message);
    flood_.note_sent();
    return code;
}

// False: there is nobody to send what would wait.
bool endpoint::begin_flood() {
    flood_.forget();
    if (outbox_ == nullptr) {
        auto* const made = new outbox(0, owner_.options().gather);
        if (!made->open(handle_, on_delay_over, this)) {
            made->retire();
            return false;
        }
        outbox_ = made;
    }
    const std::lock_guard order(outbox_->departure);
    outbox_->begin_small();
    outbox_->note_departure();
    flooding_.store(true, std::memory_order_release);
    return true;
}

// The code of the send; nothing: the flood is over.
std::optional<std::int32_t> endpoint::gather(jl_msg& message, std::size_t size) {
    for (bool added = false; !added;) {
        {
            const std::lock_guard hold(outbox_->lock);
            if (!flooding_.load(std::memory_order_relaxed)) {
                return std::nullopt;
            }
            added = outbox_->add(message, size, {});
            if (added && !outbox_->is_due()) {
                break;
            }
        }
        const std::lock_guard order(outbox_->departure);
        if (const auto code = depart(); code != 0 && !added) {
            return code;
        }
        if (added) { // after a pause
            end_flood();
        }
    }
    message.size = size;
    return 0;
}

// With the outbox's departure held, so that nothing of it is still on its way.
void endpoint::end_flood() {
    const std::lock_guard hold(outbox_->lock);
    if (outbox_->is_empty() && outbox_->leaving().empty()) {
        flooding_.store(false, std::memory_order_release);
    }
}

// Who asks for an answer expects that what was sent before is on its way.
void endpoint::begin_receive() {
    ++receives_of_this_thread();
    if (flooding_.load(std::memory_order_acquire)) {
        let_go();
    }
}

} // namespace joinleaf::udp_mcast
