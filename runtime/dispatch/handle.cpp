// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/handle.hpp"

#include "runtime/dispatch/slot_table.hpp"

namespace joinleaf::dispatch {
namespace {

using holder = std::shared_ptr<handle_object>;

// Handles may outlive main(), so the table is never destroyed.
slot_table<holder>& handles() {
    static auto& table = *new slot_table<holder>;
    return table;
}

} // namespace

bool publish_handle(std::shared_ptr<handle_object> object) {
    if (object->fd() < 0) {
        return false;
    }
    const auto number = object->handle();
    auto held = std::make_unique<holder>(std::move(object));
    if (!handles().publish(number, held.get())) {
        return false;
    }
    static_cast<void>(held.release());
    return true;
}

std::shared_ptr<handle_object> find_handle(std::uintptr_t handle) {
    const auto held = handles().acquire(handle);
    return held ? *held : nullptr;
}

bool close_handle(std::uintptr_t handle) {
    holder* held = nullptr;
    {
        const auto reference = handles().acquire(handle);
        if (!reference || !handles().shut(handle)) {
            return false;
        }
        held = reference.get();
    }
    handles().drain(handle);
    const std::unique_ptr<holder> last(held);
    (*last)->on_close();
    return true;
}

} // namespace joinleaf::dispatch
