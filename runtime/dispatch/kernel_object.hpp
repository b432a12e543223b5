// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/dispatch/event_object.hpp"
#include "runtime/dispatch/waiter.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace joinleaf::dispatch {

// What an event object is to those who wait for it: more than an event that stays set. One lock serves all of them,
// for none is on a data path. The handle is the event's; what is known of it goes with the event.
struct kernel_object {
    enum class kind { automatic_event, semaphore, mutex, thread } what = kind::automatic_event;
    std::weak_ptr<event_object> event; // which lives as long as its handle and those who wait
    std::uintptr_t handle = 0;

    std::int32_t count = 0; // semaphore; a mutex: how often its owner has taken it
    std::int32_t maximum = 0;
    const void* owner = nullptr; // mutex: stands for the thread
    bool abandoned = false;      // mutex: its owner has ended

    std::uint32_t exit_code = 259;    // thread: STILL_ACTIVE until it has ended
    std::shared_ptr<event_object> go; // thread: set when it may begin
    bool suspended = false;

    void set() const noexcept {
        if (const auto open = event.lock()) {
            open->set();
        }
    }
    void reset() const noexcept {
        if (const auto open = event.lock()) {
            open->reset();
        }
    }
};

// A new object; null when the process has no descriptor left. [any]
std::shared_ptr<kernel_object> make_kernel_object(enum kernel_object::kind what);

// Runs body(object) under the lock; false where the handle is none of this kind. [any]
bool with_kernel_object(std::uintptr_t handle, enum kernel_object::kind what,
                        const std::function<void(kernel_object&)>& body);

enum class wait_end { signalled, abandoned, timed_out, bad_handle };
struct wait_result {
    wait_end end = wait_end::timed_out;
    std::size_t index = 0;
};

// Waits for one or all of the handles, of events and of kernel objects, and takes what the wait ends with.
wait_result wait_for(std::span<const std::uintptr_t> handles, bool all, const deadline& until);

// The thread of this object has ended. [any]
void end_thread(kernel_object& thread, std::uint32_t code);

// Makes the calling thread the owner of a mutex that has none; the lock is held or nobody else knows it yet.
void own(const std::shared_ptr<kernel_object>& mutex);

// One taking less; false where the calling thread does not own it. The lock is held.
bool disown(kernel_object& mutex);

} // namespace joinleaf::dispatch
