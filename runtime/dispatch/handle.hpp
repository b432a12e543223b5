// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "runtime/dispatch/descriptor.hpp"

namespace joinleaf::dispatch {

// What a HANDLE of the API stands for: an event, a completion port, a thread. The handle is the number of the
// object's descriptor, which is readable exactly while the object is signalled.
//
// Shared, because others may need the object after its handle was closed; the number is free again when all
// let go.
class handle_object {
  public:
    handle_object(const handle_object&) = delete;
    handle_object& operator=(const handle_object&) = delete;
    virtual ~handle_object() = default;

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] std::uintptr_t handle() const noexcept { return static_cast<std::uintptr_t>(fd_.get()); }

    // The handle is closed: whoever waits for the object through it is to be told. [any]
    virtual void on_close() {}

  protected:
    explicit handle_object(descriptor fd) noexcept : fd_(std::move(fd)) {}

    descriptor fd_;
};

// Makes an object findable by its handle; false when it has no descriptor or its number is beyond the table.
// [any]
bool publish_handle(std::shared_ptr<handle_object> object);

// The object of a handle, null when it is none. [any]
std::shared_ptr<handle_object> find_handle(std::uintptr_t handle);

// The same for one kind of object; null when the handle stands for another kind. [any]
template <class Kind> std::shared_ptr<Kind> find_handle_of(std::uintptr_t handle) {
    return std::dynamic_pointer_cast<Kind>(find_handle(handle));
}

// Ends the handle; false when it is none. [any]
bool close_handle(std::uintptr_t handle);

// The same, for one kind of object only. [any]
template <class Kind> bool close_handle_of(std::uintptr_t handle) {
    return find_handle_of<Kind>(handle) != nullptr && close_handle(handle);
}

} // namespace joinleaf::dispatch
