// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/event_object.hpp"

namespace joinleaf::dispatch {

std::shared_ptr<event_object> event_object::create() {
    auto made = std::make_shared<event_object>(make_eventfd());
    return publish_handle(made) ? made : nullptr;
}

std::shared_ptr<event_object> event_object::find(std::uintptr_t handle) {
    return find_handle_of<event_object>(handle);
}

bool event_object::close(std::uintptr_t handle) {
    return close_handle_of<event_object>(handle);
}

} // namespace joinleaf::dispatch
