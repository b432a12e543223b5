// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/kernel_object.hpp"

#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include <poll.h>

namespace joinleaf::dispatch {
namespace {

using object = std::shared_ptr<kernel_object>;
using kind = enum kernel_object::kind;

// By handle. An event may have been closed and its number given out again: what is found counts only while the number
// still stands for the very event.
struct known_objects {
    std::mutex lock;
    std::unordered_map<std::uintptr_t, object> by_handle;
};

known_objects& known() {
    static auto& one = *new known_objects; // threads may end after main()
    return one;
}

// The mutexes of one thread; the next to wait hears that their owner has ended.
struct owned_mutexes {
    std::vector<std::weak_ptr<kernel_object>> all;
    owned_mutexes() = default;
    owned_mutexes(const owned_mutexes&) = delete;
    owned_mutexes& operator=(const owned_mutexes&) = delete;
    ~owned_mutexes() {
        const std::lock_guard hold(known().lock);
        for (const auto& each : all) {
            const auto mutex = each.lock();
            if (mutex && mutex->owner == this) {
                mutex->owner = nullptr;
                mutex->count = 0;
                mutex->abandoned = true;
                mutex->set();
            }
        }
    }
};

owned_mutexes& mine() {
    thread_local owned_mutexes own;
    return own;
}

bool is_set(const event_object& event) {
    pollfd one{event.fd(), POLLIN, 0};
    return ::poll(&one, 1, 0) == 1;
}

// What one handle of a wait stands for; `more` is empty for a plain event.
struct waited {
    std::shared_ptr<event_object> event;
    object more;

    [[nodiscard]] bool is_ready() const {
        return is_set(*event) ||
               (more && more->what == kind::mutex && more->owner != nullptr && more->owner == &mine());
    }
    // Answers whether the mutex was abandoned.
    [[nodiscard]] bool take() const {
        if (!more) {
            return false;
        }
        switch (more->what) {
        case kind::automatic_event: event->reset(); break;
        case kind::semaphore:
            if (--more->count == 0) {
                event->reset();
            }
            break;
        case kind::mutex: {
            const bool abandoned = std::exchange(more->abandoned, false);
            own(more);
            return abandoned;
        }
        case kind::thread: break;
        }
        return false;
    }
};

// The lock is held.
object find(std::uintptr_t handle, const std::shared_ptr<event_object>& event) {
    auto& all = known().by_handle;
    const auto found = all.find(handle);
    if (found == all.end()) {
        return nullptr;
    }
    if (found->second->event.lock() != event) {
        all.erase(found);
        return nullptr;
    }
    return found->second;
}

// The lock is held. Nothing while the wait has to go on.
bool try_to_end(std::span<const waited> objects, bool all, wait_result& result) {
    const auto ready = [](const waited& each) { return each.is_ready(); };
    const auto first = std::ranges::find_if(objects, ready);
    if (all ? !std::ranges::all_of(objects, ready) : first == objects.end()) {
        return false;
    }
    bool abandoned = false;
    if (all) {
        for (const auto& each : objects) {
            abandoned = each.take() || abandoned;
        }
    } else {
        result.index = static_cast<std::size_t>(first - objects.begin());
        abandoned = first->take();
    }
    result.end = abandoned ? wait_end::abandoned : wait_end::signalled;
    return true;
}

std::vector<pollfd> to_poll(std::span<const waited> objects, bool all) {
    std::vector<pollfd> polled;
    for (const auto& each : objects) {
        if (!all || !each.is_ready()) {
            polled.push_back({each.event->fd(), POLLIN, 0});
        }
    }
    if (all && polled.size() > 1) {
        polled.resize(1); // every one is needed: any missing one will do
    }
    return polled;
}

} // namespace

object make_kernel_object(kind what) {
    const auto event = event_object::create();
    if (!event) {
        return nullptr;
    }
    auto made = std::make_shared<kernel_object>();
    made->what = what;
    made->event = event;
    made->handle = static_cast<std::uintptr_t>(event->fd());
    const std::lock_guard hold(known().lock);
    std::erase_if(known().by_handle, [](const auto& each) { return each.second->event.expired(); });
    known().by_handle.insert_or_assign(made->handle, made);
    return made;
}

bool with_kernel_object(std::uintptr_t handle, kind what, const std::function<void(kernel_object&)>& body) {
    const auto event = event_object::find(handle);
    const std::lock_guard hold(known().lock);
    const auto found = event ? find(handle, event) : nullptr;
    if (!found || found->what != what) {
        return false;
    }
    body(*found);
    return true;
}

wait_result wait_for(std::span<const std::uintptr_t> handles, bool all, const deadline& until) {
    std::vector<waited> objects;
    for (const auto handle : handles) {
        auto event = event_object::find(handle);
        if (!event) {
            return {wait_end::bad_handle, 0};
        }
        const std::lock_guard hold(known().lock);
        auto more = find(handle, event);
        objects.push_back({std::move(event), std::move(more)});
    }
    wait_result result;
    for (bool in_time = true;;) {
        std::vector<pollfd> polled;
        {
            const std::lock_guard hold(known().lock);
            if (try_to_end(objects, all, result)) {
                return result;
            }
            polled = to_poll(objects, all);
        }
        if (!in_time) {
            return {wait_end::timed_out, 0};
        }
        if (all && polled.empty()) {
            continue; // they became ready one after the other while it looked
        }
        in_time = waiter::of_thread().wait(polled, until);
    }
}

void end_thread(kernel_object& thread, std::uint32_t code) {
    const std::lock_guard hold(known().lock);
    thread.exit_code = code;
    thread.set();
}

void own(const object& mutex) {
    auto& own = mine();
    mutex->owner = &own;
    if (mutex->count++ == 0) {
        std::erase_if(own.all, [](const auto& each) { return each.expired(); });
        own.all.push_back(mutex);
    }
    mutex->reset();
}

bool disown(kernel_object& mutex) {
    if (mutex.owner == nullptr || mutex.owner != &mine()) {
        return false;
    }
    if (--mutex.count == 0) {
        mutex.owner = nullptr;
        std::erase_if(mine().all, [&mutex](const auto& each) { return each.lock().get() == &mutex; });
        mutex.set();
    }
    return true;
}

} // namespace joinleaf::dispatch
