// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/event_record.hpp"

#include <bit>
#include <utility>

namespace joinleaf::dispatch {

void event_record::select(std::shared_ptr<event_object> object, std::uint32_t mask) noexcept {
    object_ = mask == 0 ? nullptr : std::move(object);
    selected_ = mask;
    reported_ = 0;
    pending_ = {};
}

void event_record::inherit(const event_record& parent) noexcept {
    select(parent.object_, parent.selected_);
}

bool event_record::record(std::uint32_t bit, std::int32_t code) noexcept {
    if (!wants(bit)) {
        return false;
    }
    reported_ |= bit;
    pending_.bits |= bit;
    pending_.codes[static_cast<std::size_t>(std::countr_zero(bit))] = code;
    if (object_) {
        object_->set();
    }
    return true;
}

network_events event_record::take(event_object* reset) noexcept {
    if (reset != nullptr) {
        reset->reset();
    }
    return std::exchange(pending_, {});
}

} // namespace joinleaf::dispatch
