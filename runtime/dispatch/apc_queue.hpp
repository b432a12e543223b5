// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/dispatch/handle.hpp"
#include "runtime/dispatch/waiter.hpp"

namespace joinleaf::dispatch {

// A function that one thread runs when it waits alertably. Belongs to the queue from `push` until one of its
// two functions is called, once; either may free it.
struct apc {
    void (*run)(apc&) = nullptr;
    void (*discard)(apc&) = nullptr; // its thread has ended
    std::uint64_t group = 0;         // never runs inside another one of this group (CT-90); 0: in none
    apc* next = nullptr;
};

// The asynchronous procedure calls of one thread: completion routines and what QueueUserAPC hands over.
class apc_queue {
  public:
    // The calling thread's own, made by the first call.
    static const std::shared_ptr<apc_queue>& of_thread();

    // Runs what waits for the calling thread; false when that is nothing. Costs next to nothing for a thread
    // that never had a queue. To be called with no lock held.
    static bool run_own();

    // Whether the calling thread has one; only that thread makes it.
    static bool is_made() noexcept { return existing() != nullptr; }

    // Whether run_own would find something to run.
    static bool waits_for_own() noexcept;

    apc_queue();
    apc_queue(const apc_queue&) = delete;
    apc_queue& operator=(const apc_queue&) = delete;

    // Queues, and wakes the thread if it waits; false, and the call is discarded, when it has ended. [any]
    bool push(apc& call);

    // Called once in the thread when it ends, before what is still queued is discarded. Own thread only.
    using end_callback = void (*)(const apc_queue&);
    void at_end(end_callback call) noexcept { at_end_ = call; }

    // Raised when the thread ends; at once if it has. [any]
    void signal_end_to(std::weak_ptr<handle_object> object, void (*signal)(handle_object&));

  private:
    struct of_calling_thread;
    struct listener {
        std::weak_ptr<handle_object> object;
        void (*signal)(handle_object&);
    };

    bool run();
    void end();
    apc* take();
    apc* unlink_runnable(); // lock_ held
    [[nodiscard]] bool is_running(std::uint64_t group) const noexcept;

    static of_calling_thread& own();
    static apc_queue*& existing() noexcept;

    waiter& thread_; // outlives this thread's part, as `end` says
    end_callback at_end_ = nullptr;
    std::vector<std::uint64_t> running_; // groups of the calls on the thread's stack; own thread only
    std::atomic<std::size_t> count_{0};
    std::mutex lock_;
    // guarded by lock_
    apc* first_ = nullptr;
    apc* last_ = nullptr;
    bool ended_ = false;
    std::vector<listener> listeners_;
};

// A thread's HANDLE: names its queue, signalled when the thread has ended.
class thread_object : public handle_object {
  public:
    // A new handle of the calling thread; null when the process has no descriptor left.
    static std::shared_ptr<thread_object> of_calling_thread();

    explicit thread_object(descriptor eventfd) : handle_object(std::move(eventfd)) {}

    [[nodiscard]] const std::shared_ptr<apc_queue>& apcs() const noexcept { return apcs_; }

  private:
    std::shared_ptr<apc_queue> apcs_ = apc_queue::of_thread();
};

} // namespace joinleaf::dispatch
