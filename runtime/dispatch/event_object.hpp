// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "runtime/dispatch/handle.hpp"

namespace joinleaf::dispatch {

// A WSAEVENT: manual reset, signalled exactly while its descriptor is readable. The handle is the
// descriptor's number (EV-70). A socket may still be registered with an object whose handle is closed.
class event_object : public handle_object {
  public:
    // Null when the process has no descriptor left.
    static std::shared_ptr<event_object> create();

    // The object of a handle, null when it is none. [any]
    static std::shared_ptr<event_object> find(std::uintptr_t handle);

    // Ends the handle; false when it is none. [any]
    static bool close(std::uintptr_t handle);

    explicit event_object(descriptor eventfd) noexcept : handle_object(std::move(eventfd)) {}

    void set() noexcept { raise(fd_); }
    void reset() noexcept { lower(fd_); }
};

} // namespace joinleaf::dispatch
