// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <unordered_set>
#include <vector>

#include <boost/intrusive/list.hpp>
#include <sys/epoll.h>

#include "runtime/dispatch/descriptor.hpp"

namespace joinleaf::dispatch {

class loop;

// What a loop calls. Plain pointers, as they come through the plugin ABI.
using callback = void (*)(void* context);
using watch_callback = void (*)(void* context, std::uint32_t ready);

// Conditions of a watched descriptor; the bits of JL_IN and JL_OUT.
inline constexpr std::uint32_t condition_in = 1;
inline constexpr std::uint32_t condition_out = 2;
inline constexpr std::uint32_t condition_urgent = 8; // expedited data; JL_OOB

// A descriptor that a loop looks after. Belongs to its loop; made and ended through it.
struct watch : boost::intrusive::list_base_hook<> {
    loop* owner;
    watch_callback call;
    void* context;
    int fd;
    bool one_shot;     // disarmed by its callback until modified again
    bool dead = false; // guarded by the loop's mutex
};

// A timer of a loop.
struct timer {
    using clock = std::chrono::steady_clock;
    loop* owner;
    callback call;
    void* context;
    std::optional<clock::time_point> due; // guarded by the loop's mutex
};

// One reactor thread: descriptors by epoll, timers, and functions posted from elsewhere. Its thread starts
// with the first use.
class loop {
  public:
    loop(std::chrono::nanoseconds spin, std::optional<int> cpu);
    loop(const loop&) = delete;
    loop& operator=(const loop&) = delete;
    ~loop(); // ends the thread; what was posted before is still run

    // Null when the kernel refuses the descriptor. [any]
    watch* add(int fd, std::uint32_t conditions, watch_callback call, void* context, bool one_shot = false);
    void modify(watch* which, std::uint32_t conditions); // [any]
    // The descriptor may be closed on return. `done` runs on the loop when no callback can come any more,
    // inline if called on the loop. [any]
    void remove(watch* which, callback done, void* context);

    timer* start(std::chrono::nanoseconds after, callback call, void* context); // [any]
    void set(timer* which, std::optional<std::chrono::nanoseconds> after);      // [reactor]
    void drop(timer* which);                                                    // [reactor]

    // Runs call(context) on the loop, in order of the posts. [any]
    void post(callback call, void* context);

    [[nodiscard]] bool on_thread() const noexcept { return std::this_thread::get_id() == thread_id_.load(); }

  private:
    struct task {
        callback call;
        void* context;
    };
    struct earlier {
        bool operator()(const timer* a, const timer* b) const noexcept {
            return *a->due != *b->due ? *a->due < *b->due : a < b;
        }
    };

    void ensure_running();
    void wake() noexcept;
    void run();
    void wait_and_serve();
    int wait(epoll_event* events, int room);
    void serve(watch& which, std::uint32_t ready);
    void run_tasks();
    void run_timers();
    void bury();
    int timeout_milliseconds();
    bool stopped();

    const std::chrono::nanoseconds spin_;
    const std::optional<int> cpu_;
    descriptor epoll_;
    descriptor wake_;
    std::mutex mutex_;
    std::deque<task> tasks_;
    std::set<timer*, earlier> due_;
    std::unordered_set<timer*> timers_;
    boost::intrusive::list<watch, boost::intrusive::constant_time_size<false>> watches_;
    std::vector<std::unique_ptr<watch>>
        graveyard_; // removed on the loop while a batch of events may still name them
    bool stopping_ = false;
    std::thread thread_;
    std::atomic<std::thread::id> thread_id_{};
};

} // namespace joinleaf::dispatch
