// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/event_object.hpp"

#include "runtime/dispatch/slot_table.hpp"

namespace joinleaf::dispatch {
namespace {

using holder = std::shared_ptr<event_object>;

// Handles may outlive main(), so the table is never destroyed.
slot_table<holder>& handles() {
    static auto& table = *new slot_table<holder>;
    return table;
}

} // namespace

holder event_object::create() {
    auto eventfd = make_eventfd();
    if (!eventfd) {
        return nullptr;
    }
    auto made = std::make_shared<event_object>(std::move(eventfd));
    auto held = std::make_unique<holder>(made);
    if (!handles().publish(static_cast<std::uintptr_t>(made->fd()), held.get())) {
        return nullptr;
    }
    static_cast<void>(held.release());
    return made;
}

holder event_object::find(std::uintptr_t handle) {
    const auto held = handles().acquire(handle);
    return held ? *held : nullptr;
}

bool event_object::close(std::uintptr_t handle) {
    holder* held = nullptr;
    {
        const auto reference = handles().acquire(handle);
        if (!reference || !handles().shut(handle)) {
            return false;
        }
        held = reference.get();
    }
    handles().drain(handle);
    delete held;
    return true;
}

} // namespace joinleaf::dispatch
