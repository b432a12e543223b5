// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "runtime/dispatch/slot_table.hpp"

namespace joinleaf::dispatch {

// Shared objects whose handle is the number of their descriptor: T has `int fd() const`. Closing a handle ends
// look-ups; the object, and with it the number, lives until the last holder lets go.
template <class T> class handle_table {
  public:
    using holder = std::shared_ptr<T>;

    // False when the number is beyond the table. [any]
    bool publish(const holder& made) {
        auto held = std::make_unique<holder>(made);
        if (!slots_.publish(static_cast<std::uintptr_t>(made->fd()), held.get())) {
            return false;
        }
        static_cast<void>(held.release());
        return true;
    }

    // Null where the handle is none. [any]
    holder find(std::uintptr_t handle) noexcept {
        const auto held = slots_.acquire(handle);
        return held ? *held : nullptr;
    }

    // What the handle was for; null where it is none. Of several callers one gets it. [any]
    holder close(std::uintptr_t handle) {
        std::unique_ptr<holder> held;
        {
            const auto reference = slots_.acquire(handle);
            if (!reference || !slots_.shut(handle)) {
                return nullptr;
            }
            held.reset(reference.get());
        }
        slots_.drain(handle);
        return std::move(*held);
    }

  private:
    slot_table<holder> slots_;
};

} // namespace joinleaf::dispatch
