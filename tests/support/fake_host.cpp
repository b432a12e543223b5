// SPDX-License-Identifier: Apache-2.0
#include "support/fake_host.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

using joinleaf::test::seen_outcome;
using joinleaf::test::seen_request;
using clock_type = std::chrono::steady_clock;

struct jl_watch {
    int fd;
    jl_watch_callback call;
    void* context;
    bool dead = false;
};

struct jl_timer {
    jl_callback call;
    void* context;
    clock_type::time_point due;
    bool armed;
};

struct jl_loop {
    std::mutex mutex;
    int epoll = -1;
    int wake = -1;
    std::thread thread;
    std::atomic<std::thread::id> id;
    bool stopping = false;
    std::deque<std::pair<jl_callback, void*>> tasks;
    std::set<jl_timer*> timers;
    std::set<jl_watch*> watches;
    std::vector<std::unique_ptr<jl_watch>> buried;

    void start();
    void poke() const {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto n = ::write(wake, &one, sizeof one);
    }
    void run();
    void serve();
    bool run_one_task();
    bool run_one_timer();
    int timeout();
};

namespace {

std::unique_ptr<jl_loop> the_loop;
std::mutex loop_mutex;
std::mutex log_mutex;
std::condition_variable log_changed;
std::vector<std::string> log_lines;
thread_local std::string last_sentence;

jl_loop& loop() {
    const std::lock_guard hold(loop_mutex);
    if (!the_loop) {
        the_loop = std::make_unique<jl_loop>();
        the_loop->start();
    }
    return *the_loop;
}

std::uint32_t to_epoll(std::uint32_t conditions) {
    return ((conditions & JL_IN) != 0 ? EPOLLIN | EPOLLRDHUP : 0u) |
           ((conditions & JL_OUT) != 0 ? EPOLLOUT : 0u);
}

std::string text_of(const void* data, std::uint32_t size) {
    return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), size);
}

} // namespace

void jl_loop::start() {
    epoll = ::epoll_create1(EPOLL_CLOEXEC);
    wake = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN;
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event);
    thread = std::thread([this] { run(); });
}

int jl_loop::timeout() {
    const std::lock_guard hold(mutex);
    if (!tasks.empty() || stopping) {
        return 0;
    }
    auto next = clock_type::time_point::max();
    for (const jl_timer* const t : timers) {
        next = t->armed ? std::min(next, t->due) : next;
    }
    if (next == clock_type::time_point::max()) {
        return -1;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - clock_type::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1000));
}

void jl_loop::run() {
    id = std::this_thread::get_id();
    for (;;) {
        serve();
        const std::lock_guard hold(mutex);
        if (stopping && tasks.empty()) {
            return;
        }
    }
}

void jl_loop::serve() {
    std::array<epoll_event, 32> events;
    const int n = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), timeout());
    for (int i = 0; i < n; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        auto* const which = static_cast<jl_watch*>(event.data.ptr);
        if (which == nullptr) {
            std::uint64_t count = 0;
            [[maybe_unused]] const auto got = ::read(wake, &count, sizeof count);
            continue;
        }
        {
            const std::lock_guard hold(mutex);
            if (which->dead) {
                continue;
            }
        }
        const bool trouble = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
        const bool in = trouble || (event.events & (EPOLLIN | EPOLLRDHUP)) != 0;
        const bool out = trouble || (event.events & EPOLLOUT) != 0;
        which->call(which->context, (in ? JL_IN : 0) | (out ? JL_OUT : 0));
    }
    while (run_one_timer()) {}
    while (run_one_task()) {}
    const std::lock_guard hold(mutex);
    buried.clear();
}

bool jl_loop::run_one_task() {
    std::pair<jl_callback, void*> next;
    {
        const std::lock_guard hold(mutex);
        if (tasks.empty()) {
            return false;
        }
        next = tasks.front();
        tasks.pop_front();
    }
    next.first(next.second);
    return true;
}

bool jl_loop::run_one_timer() {
    jl_timer* next = nullptr;
    {
        const std::lock_guard hold(mutex);
        const auto now = clock_type::now();
        const auto found =
            std::ranges::find_if(timers, [&](const jl_timer* t) { return t->armed && t->due <= now; });
        if (found == timers.end()) {
            return false;
        }
        next = *found;
        next->armed = false;
    }
    next->call(next->context);
    return true;
}

namespace {

void complete(jl_handle* handle, std::uint64_t op, const jl_outcome* outcome) {
    seen_outcome seen{
        outcome->code, text_of(outcome->callee_data, outcome->callee_len), outcome->qos != nullptr, {}, {}};
    if (outcome->qos != nullptr) {
        seen.qos = *outcome->qos;
    }
    seen.sentence = std::exchange(last_sentence, {});
    const std::lock_guard hold(handle->mutex);
    if (!handle->outcomes.emplace(op, seen).second) {
        std::abort(); // a second outcome for one operation
    }
    handle->changed.notify_all();
}

void accepted(jl_handle* listener, const jl_request* request) {
    seen_request seen{};
    seen.request = request->request;
    const auto* const peer = reinterpret_cast<const std::byte*>(request->peer);
    seen.peer.assign(peer, peer + request->peer_len);
    seen.has_caller_data = request->caller_data != nullptr;
    seen.caller_data = text_of(request->caller_data, request->caller_len);
    seen.callee_room = request->callee_room;
    seen.has_qos = request->qos != nullptr;
    if (request->qos != nullptr) {
        seen.qos = *request->qos;
    }
    const std::lock_guard hold(listener->mutex);
    listener->requests.push_back(std::move(seen));
    listener->changed.notify_all();
}

void withdrawn(jl_handle* listener, void* request) {
    const std::lock_guard hold(listener->mutex);
    listener->withdrawn.insert(request);
    listener->changed.notify_all();
}

void ready(jl_handle* handle, std::uint32_t directions) {
    const std::lock_guard hold(handle->mutex);
    handle->ready_in += (directions & JL_IN) != 0 ? 1 : 0;
    handle->ready_out += (directions & JL_OUT) != 0 ? 1 : 0;
    handle->changed.notify_all();
}

void closed(jl_handle* handle) {
    const std::lock_guard hold(handle->mutex);
    ++handle->closed;
    handle->changed.notify_all();
}

std::int32_t expose(jl_handle* handle, std::int32_t fd, std::uint32_t conditions) {
    const std::lock_guard hold(handle->mutex);
    if (conditions == 0) {
        handle->exposed.erase(fd);
    } else {
        handle->exposed[fd] = conditions;
    }
    handle->changed.notify_all();
    return 0;
}

jl_watch* watch(jl_loop* where, std::int32_t fd, std::uint32_t conditions, jl_watch_callback call,
                void* context) {
    auto made = std::make_unique<jl_watch>(jl_watch{fd, call, context});
    epoll_event event{};
    event.events = to_epoll(conditions);
    event.data.ptr = made.get();
    const std::lock_guard hold(where->mutex);
    if (::epoll_ctl(where->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        return nullptr;
    }
    where->watches.insert(made.get());
    return made.release();
}

void rewatch(jl_watch* which, std::uint32_t conditions) {
    epoll_event event{};
    event.events = to_epoll(conditions);
    event.data.ptr = which;
    jl_loop& where = loop();
    const std::lock_guard hold(where.mutex);
    ::epoll_ctl(where.epoll, EPOLL_CTL_MOD, which->fd, &event);
}

struct burial {
    jl_watch* which;
    jl_callback done;
    void* context;
};

void bury(void* raw) {
    const std::unique_ptr<burial> last(static_cast<burial*>(raw));
    {
        jl_loop& where = loop();
        const std::lock_guard hold(where.mutex);
        where.buried.emplace_back(last->which);
    }
    if (last->done != nullptr) {
        last->done(last->context);
    }
}

void post(jl_loop* where, jl_callback call, void* context) {
    {
        const std::lock_guard hold(where->mutex);
        where->tasks.emplace_back(call, context);
    }
    where->poke();
}

void unwatch(jl_watch* which, jl_callback done, void* context) {
    jl_loop& where = loop();
    {
        const std::lock_guard hold(where.mutex);
        which->dead = true;
        where.watches.erase(which);
        ::epoll_ctl(where.epoll, EPOLL_CTL_DEL, which->fd, nullptr);
    }
    auto last = std::make_unique<burial>(burial{which, done, context});
    if (where.id.load() == std::this_thread::get_id()) {
        bury(last.release());
    } else {
        post(&where, bury, last.release());
    }
}

jl_timer* make_timer(jl_loop* where, std::uint64_t after, jl_callback call, void* context) {
    auto* const made = new jl_timer{
        call, context, clock_type::now() + std::chrono::nanoseconds(static_cast<std::int64_t>(after)), true};
    {
        const std::lock_guard hold(where->mutex);
        where->timers.insert(made);
    }
    where->poke();
    return made;
}

void check_on_loop() {
    if (loop().id.load() != std::this_thread::get_id()) {
        std::abort(); // [reactor] functions belong to the loop
    }
}

void timer_set(jl_timer* which, std::uint64_t after) {
    check_on_loop();
    const std::lock_guard hold(loop().mutex);
    which->armed = after != UINT64_MAX;
    if (which->armed) {
        which->due = clock_type::now() + std::chrono::nanoseconds(static_cast<std::int64_t>(after));
    }
}

void timer_free(jl_timer* which) {
    check_on_loop();
    jl_loop& where = loop();
    const std::lock_guard hold(where.mutex);
    where.timers.erase(which);
    delete which;
}

void write_log(std::uint32_t, const char* text) {
    const std::lock_guard hold(log_mutex);
    log_lines.emplace_back(text);
    log_changed.notify_all();
}

void explain(const char* sentence) {
    last_sentence = sentence;
}

} // namespace

namespace joinleaf::test {

const jl_host& fake_host::table() {
    static const jl_host host{sizeof(jl_host),
                              JL_ABI_VERSION,
                              complete,
                              accepted,
                              withdrawn,
                              ready,
                              closed,
                              nullptr,
                              expose,
                              [](jl_handle*) { return &loop(); },
                              [](std::uint32_t) { return &loop(); },
                              [] { return std::uint32_t{1}; },
                              watch,
                              rewatch,
                              unwatch,
                              make_timer,
                              timer_set,
                              timer_free,
                              post,
                              write_log,
                              explain};
    return host;
}

std::size_t fake_host::stop() {
    if (!the_loop) {
        return 0;
    }
    {
        const std::lock_guard hold(the_loop->mutex);
        the_loop->stopping = true;
    }
    the_loop->poke();
    the_loop->thread.join();
    const std::size_t left = the_loop->watches.size() + the_loop->timers.size();
    ::close(the_loop->epoll);
    ::close(the_loop->wake);
    the_loop.reset();
    return left;
}

std::vector<std::string> fake_host::take_log() {
    const std::lock_guard hold(log_mutex);
    return std::exchange(log_lines, {});
}

bool fake_host::wait_for_log(const std::string& part) {
    std::unique_lock lock(log_mutex);
    return log_changed.wait_for(lock, deadline, [&] {
        return std::ranges::any_of(
            log_lines, [&](const std::string& line) { return line.find(part) != std::string::npos; });
    });
}

} // namespace joinleaf::test
