// SPDX-License-Identifier: Apache-2.0
//
// The host's upcalls with owners: a watched descriptor, a timer and a posted function that keep what they need alive for
// as long as a callback can come.
//
//   JL_PROVIDER_EXPORT int jl_provider_startup(...) { ... joinleaf::provider::keep_host(*host); ... }
//   watch_.start(host().loop_of(handle), fd, JL_IN, [self = shared_from_this()](std::uint32_t) { self->read(); });
#pragma once

#include "../provider.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace joinleaf::provider {

namespace detail {

// Each library has its own, whatever it is compiled with.
[[gnu::visibility("hidden")]] inline std::atomic<const jl_host*> kept_host{nullptr};

// An older host has a shorter table; what lies beyond its end is not there.
constexpr bool reaches(const jl_host& table, std::size_t offset) noexcept {
    return table.struct_size >= offset + sizeof(void*);
}

} // namespace detail

// [init] Keeps the table of a start-up (CT-83); it stays valid until the process ends.
inline void keep_host(const jl_host& table) noexcept {
    detail::kept_host.store(&table, std::memory_order_release);
}

// The table of the latest start-up. Not before the first keep_host. [any]
inline const jl_host& host() noexcept {
    return *detail::kept_host.load(std::memory_order_acquire);
}

// Whether the table has what a provider with connections needs: outcomes, requests, a loop with watches, timers and
// posted functions. [any]
inline bool has_reactor(const jl_host& table) noexcept {
    return detail::reaches(table, offsetof(jl_host, post)) && table.complete != nullptr &&
           table.accepted != nullptr && table.withdrawn != nullptr && table.ready != nullptr &&
           table.closed != nullptr && table.loop_of != nullptr && table.watch != nullptr &&
           table.rewatch != nullptr && table.unwatch != nullptr && table.timer != nullptr &&
           table.timer_set != nullptr && table.timer_free != nullptr && table.post != nullptr;
}

// One line for the operator; level: JL_LOG_*. [any]
inline void log_line(std::uint32_t level, const char* text) noexcept {
    const jl_host& table = host();
    if (detail::reaches(table, offsetof(jl_host, log)) && table.log != nullptr) {
        table.log(level, text);
    }
}
inline void log_line(std::uint32_t level, const std::string& text) noexcept {
    log_line(level, text.c_str());
}

// The sentence behind the code that the caller is about to answer or to complete with. [any]
inline void explain(const std::string& sentence) noexcept {
    const jl_host& table = host();
    if (detail::reaches(table, offsetof(jl_host, explain)) && table.explain != nullptr) {
        table.explain(sentence.c_str());
    }
}

namespace detail {

// No exception may cross into the host; the one that can come is a lack of memory, and the next event tries again.
template <class Call> void logged(const Call& call) noexcept {
    try {
        call();
    } catch (const std::exception& error) {
        log_line(JL_LOG_ERROR, error.what());
    }
}

} // namespace detail

// Runs task on the loop, in order of the calls. Control path only: it allocates. [any]
inline void post(jl_loop* loop, std::function<void()> task) {
    auto owned = std::make_unique<std::function<void()>>(std::move(task));
    host().post(
        loop,
        [](void* context) {
            const std::unique_ptr<std::function<void()>> run(static_cast<std::function<void()>*>(context));
            detail::logged(*run);
        },
        owned.release());
}

// A descriptor on a loop. Its function, and with it everything the function holds, lives until no call of it can come any
// more; it may stop its own watch.
class watch {
  public:
    watch() = default;
    watch(const watch&) = delete;
    watch& operator=(const watch&) = delete;
    ~watch() { stop(); }

    // [any] on_ready(std::uint32_t ready) is called on the loop. False: the host has no room.
    template <class Function>
    [[nodiscard]] bool start(jl_loop* loop, int fd, std::uint32_t conditions, Function on_ready) {
        auto made = std::make_unique<holder<Function>>(std::move(on_ready));
        made->handle = host().watch(loop, fd, conditions, &run, static_cast<node*>(made.get()));
        if (made->handle == nullptr) {
            return false;
        }
        node_ = made.release();
        return true;
    }
    void set(std::uint32_t conditions) noexcept { // [any]
        if (node_ != nullptr) {
            host().rewatch(node_->handle, conditions);
        }
    }
    // [any] The descriptor may be closed as soon as it returns.
    void stop() noexcept {
        if (node* const last = std::exchange(node_, nullptr)) {
            host().unwatch(last->handle, &end, last);
        }
    }
    explicit operator bool() const noexcept { return node_ != nullptr; }

  private:
    // The function and what it holds, in one piece. All but the handle is the loop's.
    struct node {
        node() = default;
        node(const node&) = delete;
        node& operator=(const node&) = delete;
        virtual ~node() = default;
        virtual void call(std::uint32_t ready) = 0;

        jl_watch* handle = nullptr;
        bool running = false;
        bool over = false; // goes when the call that is running returns
    };
    template <class Function> struct holder final : node {
        explicit holder(Function given) : function(std::move(given)) {}
        void call(std::uint32_t ready) override { function(ready); }

        Function function;
    };

    static void run(void* context, std::uint32_t ready) {
        node& called = *static_cast<node*>(context);
        called.running = true;
        detail::logged([&] { called.call(ready); });
        called.running = false;
        if (called.over) {
            delete &called;
        }
    }
    static void end(void* context) {
        node* const over = static_cast<node*>(context);
        if (over->running) {
            over->over = true;
        } else {
            delete over;
        }
    }

    node* node_ = nullptr;
};

// A one-shot timer. An owner stops it on the timer's loop before it goes.
class timer {
  public:
    using function = std::function<void()>;

    timer() = default;
    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;

    // [any] False: the host has no room.
    [[nodiscard]] bool start(jl_loop* loop, std::chrono::nanoseconds after, function on_time) {
        auto made = std::make_unique<node>();
        made->call = std::make_shared<function>(std::move(on_time));
        made->handle = host().timer(loop, static_cast<std::uint64_t>(after.count()), &run, made.get());
        if (made->handle == nullptr) {
            return false;
        }
        node_ = made.release();
        return true;
    }
    void set(std::chrono::nanoseconds after) noexcept { // [reactor]
        if (node_ != nullptr) {
            host().timer_set(node_->handle, static_cast<std::uint64_t>(after.count()));
        }
    }
    void stop() noexcept { // [reactor]
        if (node* const last = std::exchange(node_, nullptr)) {
            host().timer_free(last->handle);
            delete last;
        }
    }
    explicit operator bool() const noexcept { return node_ != nullptr; }

  private:
    struct node {
        std::shared_ptr<function> call;
        jl_timer* handle = nullptr;
    };

    // The function may stop its own timer.
    static void run(void* context) {
        const auto call = static_cast<node*>(context)->call;
        detail::logged(*call);
    }

    node* node_ = nullptr;
};

} // namespace joinleaf::provider
