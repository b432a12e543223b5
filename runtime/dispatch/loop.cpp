// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/loop.hpp"

#include <algorithm>
#include <array>

#include <pthread.h>
#include <sched.h>

namespace joinleaf::dispatch {
namespace {

std::uint32_t to_epoll(std::uint32_t conditions, bool one_shot) noexcept {
    std::uint32_t events = 0;
    if ((conditions & condition_in) != 0) {
        events |= EPOLLIN | EPOLLRDHUP;
    }
    if ((conditions & condition_out) != 0) {
        events |= EPOLLOUT;
    }
    if ((conditions & condition_urgent) != 0) {
        events |= EPOLLPRI;
    }
    // A disarmed one-shot watch must not report hang-ups either, or a closed peer would spin the loop.
    return one_shot ? events | EPOLLONESHOT : events;
}

std::uint32_t from_epoll(std::uint32_t events) noexcept {
    std::uint32_t ready = 0;
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0) {
        ready |= condition_in;
    }
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
        ready |= condition_out;
    }
    if ((events & EPOLLPRI) != 0) {
        ready |= condition_urgent;
    }
    return ready;
}

} // namespace

loop::loop(std::chrono::nanoseconds spin, std::optional<int> cpu) : spin_(spin), cpu_(cpu) {}

loop::~loop() {
    {
        const std::lock_guard hold(mutex_);
        stopping_ = true;
    }
    if (thread_.joinable()) {
        wake();
        thread_.join();
    }
    for (timer* const left : timers_) {
        delete left;
    }
    watches_.clear_and_dispose([](watch* left) { delete left; });
}

void loop::ensure_running() {
    const std::lock_guard hold(mutex_);
    if (thread_.joinable()) {
        return;
    }
    epoll_ = descriptor(::epoll_create1(EPOLL_CLOEXEC));
    wake_ = make_eventfd();
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
    thread_ = std::thread([this] { run(); });
    thread_id_ = thread_.get_id();
}

void loop::wake() noexcept {
    raise(wake_);
}

watch* loop::add(int fd, std::uint32_t conditions, watch_callback call, void* context, bool one_shot) {
    ensure_running();
    auto made = std::make_unique<watch>(watch{{}, this, call, context, fd, one_shot});
    epoll_event event{};
    event.events = to_epoll(conditions, one_shot);
    event.data.ptr = made.get();
    const std::lock_guard hold(mutex_);
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
        return nullptr;
    }
    watches_.push_back(*made);
    return made.release();
}

void loop::modify(watch* which, std::uint32_t conditions) {
    const std::lock_guard hold(mutex_);
    if (which->dead) {
        return;
    }
    epoll_event event{};
    event.events = to_epoll(conditions, which->one_shot);
    event.data.ptr = which;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, which->fd, &event);
}

void loop::remove(watch* which, callback done, void* context) {
    {
        const std::lock_guard hold(mutex_);
        which->dead = true;
        watches_.erase(watches_.iterator_to(*which));
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, which->fd, nullptr);
    }
    if (on_thread()) {
        {
            const std::lock_guard hold(mutex_);
            graveyard_.emplace_back(which);
        }
        if (done != nullptr) {
            done(context);
        }
        return;
    }
    struct farewell {
        loop* owner;
        watch* which;
        callback done;
        void* context;
    };
    post(
        [](void* raw) {
            const std::unique_ptr<farewell> last(static_cast<farewell*>(raw));
            {
                const std::lock_guard hold(last->owner->mutex_);
                last->owner->graveyard_.emplace_back(last->which);
            }
            if (last->done != nullptr) {
                last->done(last->context);
            }
        },
        new farewell{this, which, done, context});
}

timer* loop::start(std::chrono::nanoseconds after, callback call, void* context) {
    ensure_running();
    auto made = std::make_unique<timer>(timer{this, call, context, timer::clock::now() + after});
    bool first = false;
    timer* const result = made.get();
    {
        const std::lock_guard hold(mutex_);
        timers_.insert(made.release());
        due_.insert(result);
        first = *due_.begin() == result;
    }
    if (first && !on_thread()) {
        wake();
    }
    return result;
}

void loop::set(timer* which, std::optional<std::chrono::nanoseconds> after) {
    const std::lock_guard hold(mutex_);
    if (which->due) {
        due_.erase(which);
    }
    which->due.reset();
    if (after) {
        which->due = timer::clock::now() + *after;
        due_.insert(which);
    }
}

void loop::drop(timer* which) {
    set(which, std::nullopt);
    {
        const std::lock_guard hold(mutex_);
        timers_.erase(which);
    }
    delete which;
}

void loop::post(callback call, void* context) {
    ensure_running();
    {
        const std::lock_guard hold(mutex_);
        tasks_.push_back({call, context});
        if (tasks_.size() > 1) {
            return; // the one who posted first has woken the loop
        }
    }
    wake();
}

bool loop::stopped() {
    const std::lock_guard hold(mutex_);
    return stopping_ && tasks_.empty();
}

void loop::run() {
    ::pthread_setname_np(::pthread_self(), "joinleaf");
    if (cpu_) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(static_cast<std::size_t>(*cpu_), &set);
        ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
    }
    thread_id_ = std::this_thread::get_id();
    while (!stopped()) {
        wait_and_serve();
    }
    bury();
}

int loop::timeout_milliseconds() {
    const std::lock_guard hold(mutex_);
    if (!tasks_.empty() || stopping_) {
        return 0;
    }
    if (due_.empty()) {
        return -1;
    }
    const auto left = *(*due_.begin())->due - timer::clock::now();
    const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return static_cast<int>(std::clamp<std::int64_t>(rounded, 0, 60'000));
}

int loop::wait(epoll_event* events, int room) {
    const int timeout = timeout_milliseconds();
    if (timeout != 0 && spin_.count() > 0) {
        const auto until = timer::clock::now() + spin_;
        do {
            if (const int count = ::epoll_wait(epoll_.get(), events, room, 0); count != 0) {
                return count;
            }
        } while (timer::clock::now() < until);
    }
    return ::epoll_wait(epoll_.get(), events, room, timeout);
}

void loop::wait_and_serve() {
    std::array<epoll_event, 64> events;
    const int count = wait(events.data(), static_cast<int>(events.size()));
    for (int i = 0; i < count; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        if (event.data.ptr == nullptr) {
            lower(wake_);
        } else {
            serve(*static_cast<watch*>(event.data.ptr), from_epoll(event.events));
        }
    }
    run_timers();
    run_tasks();
    bury();
}

void loop::serve(watch& which, std::uint32_t ready) {
    {
        const std::lock_guard hold(mutex_);
        if (which.dead) {
            return;
        }
    }
    which.call(which.context, ready);
}

void loop::run_tasks() {
    std::deque<task> batch;
    {
        const std::lock_guard hold(mutex_);
        batch.swap(tasks_);
    }
    for (const task& next : batch) {
        next.call(next.context);
    }
}

void loop::run_timers() {
    const auto now = timer::clock::now();
    for (;;) {
        callback call = nullptr;
        void* context = nullptr;
        {
            const std::lock_guard hold(mutex_);
            if (due_.empty() || *(*due_.begin())->due > now) {
                return;
            }
            timer* const next = *due_.begin();
            due_.erase(due_.begin());
            next->due.reset();
            call = next->call;
            context = next->context;
        }
        call(context);
    }
}

void loop::bury() {
    std::vector<std::unique_ptr<watch>> gone;
    const std::lock_guard hold(mutex_);
    gone.swap(graveyard_);
}

} // namespace joinleaf::dispatch
