// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/event_object.hpp"

#include "runtime/dispatch/handle_table.hpp"

namespace joinleaf::dispatch {
namespace {

// Handles may outlive main(), so the table is never destroyed.
handle_table<event_object>& handles() {
    static auto& table = *new handle_table<event_object>;
    return table;
}

} // namespace

std::shared_ptr<event_object> event_object::create() {
    auto eventfd = make_eventfd();
    if (!eventfd) {
        return nullptr;
    }
    auto made = std::make_shared<event_object>(std::move(eventfd));
    return handles().publish(made) ? made : nullptr;
}

std::shared_ptr<event_object> event_object::find(std::uintptr_t handle) {
    return handles().find(handle);
}

bool event_object::close(std::uintptr_t handle) {
    return handles().close(handle) != nullptr;
}

} // namespace joinleaf::dispatch
