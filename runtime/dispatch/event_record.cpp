// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/event_record.hpp"

#include <bit>
#include <new>
#include <utility>

namespace joinleaf::dispatch {
namespace {

// EV-60: the socket in wParam; in lParam the event in the low word, the code in the high one.
bool post(const queue_target& to, std::uint32_t bit, std::int32_t code, std::uintptr_t socket) noexcept {
    const auto lparam = (static_cast<std::uint32_t>(code) & 0xffffU) << 16U | bit;
    try {
        to.queue->post({to.message, socket, static_cast<std::intptr_t>(lparam)});
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

} // namespace

void event_record::select(event_target target, std::uint32_t mask) {
    kept_ = mask == 0 ? nullptr : std::make_unique<registration>(registration{std::move(target), {}});
    selected_ = mask;
    reported_ = 0;
}

void event_record::inherit(const event_record& parent) {
    select(parent.kept_ != nullptr ? parent.kept_->target : event_target{}, parent.selected_);
    tell_number(0);
}

bool event_record::record(std::uint32_t bit, std::int32_t code, std::uintptr_t socket) noexcept {
    if (!wants(bit)) {
        return false;
    }
    if (const auto* const queue = std::get_if<queue_target>(&kept_->target)) {
        const bool posted = post(*queue, bit, code, queue->socket == 0 ? socket : queue->socket);
        reported_ |= posted ? bit : 0U;
        return posted;
    }
    reported_ |= bit;
    kept_->pending.bits |= bit;
    kept_->pending.codes[static_cast<std::size_t>(std::countr_zero(bit))] = code;
    if (const auto* const object = std::get_if<object_target>(&kept_->target)) {
        (*object)->set();
    }
    return true;
}

network_events event_record::take(event_object* reset) noexcept {
    if (reset != nullptr) {
        reset->reset();
    }
    return kept_ != nullptr ? std::exchange(kept_->pending, {}) : network_events{};
}

} // namespace joinleaf::dispatch
