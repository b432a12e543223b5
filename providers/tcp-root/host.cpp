// SPDX-License-Identifier: Apache-2.0
#include "host.hpp"

#include <atomic>
#include <exception>
#include <utility>

namespace joinleaf::tcp_root {
namespace {

std::atomic<const jl_host*> current{nullptr};

// No exception may cross into the host; the one that can come is a lack of memory, and the next event tries
// again.
template <class Call> void guarded(const Call& call) noexcept {
    try {
        call();
    } catch (const std::exception& error) {
        if (host().log != nullptr) {
            host().log(JL_LOG_ERROR, error.what());
        }
    }
}

} // namespace

const jl_host& host() noexcept {
    return *current.load(std::memory_order_acquire);
}

bool set_host(const jl_host* table) noexcept {
    if (table->struct_size < sizeof(jl_host)) {
        return false;
    }
    current.store(table, std::memory_order_release);
    return table->complete != nullptr && table->accepted != nullptr && table->withdrawn != nullptr &&
           table->ready != nullptr && table->closed != nullptr && table->expose != nullptr &&
           table->loop_of != nullptr && table->watch != nullptr && table->rewatch != nullptr &&
           table->unwatch != nullptr && table->timer != nullptr && table->timer_set != nullptr &&
           table->timer_free != nullptr && table->post != nullptr;
}

void log_line(std::uint32_t level, const std::string& text) {
    if (host().log != nullptr) {
        host().log(level, text.c_str());
    }
}

void explain(const std::string& sentence) {
    if (host().explain != nullptr) {
        host().explain(sentence.c_str());
    }
}

void post(jl_loop* loop, std::function<void()> task) {
    auto owned = std::make_unique<std::function<void()>>(std::move(task));
    host().post(
        loop,
        [](void* context) {
            const std::unique_ptr<std::function<void()>> run(static_cast<std::function<void()>*>(context));
            guarded(*run);
        },
        owned.release());
}

bool watch::begin(jl_loop* loop, int fd, std::uint32_t conditions, std::unique_ptr<node> made) {
    made->handle = host().watch(
        loop, fd, conditions,
        [](void* context, std::uint32_t ready) {
            node& called = *static_cast<node*>(context);
            called.running = true;
            guarded([&] { called.call(ready); });
            called.running = false;
            if (called.over) {
                delete &called;
            }
        },
        made.get());
    if (made->handle == nullptr) {
        return false;
    }
    node_ = made.release();
    return true;
}

void watch::set(std::uint32_t conditions) noexcept {
    if (node_ != nullptr) {
        host().rewatch(node_->handle, conditions);
    }
}

void watch::stop() noexcept {
    if (node* const last = std::exchange(node_, nullptr)) {
        host().unwatch(
            last->handle,
            [](void* context) {
                node* const over = static_cast<node*>(context);
                if (over->running) {
                    over->over = true; // a function that stops its own watch
                } else {
                    delete over;
                }
            },
            last);
    }
}

struct timer::node {
    std::shared_ptr<function> call;
    jl_timer* handle = nullptr;
};

bool timer::start(jl_loop* loop, std::chrono::nanoseconds after, function on_time) {
    auto made = std::make_unique<node>();
    made->call = std::make_shared<function>(std::move(on_time));
    made->handle = host().timer(
        loop, static_cast<std::uint64_t>(after.count()),
        [](void* context) {
            const auto call = static_cast<node*>(context)->call;
            guarded(*call);
        },
        made.get());
    if (made->handle == nullptr) {
        return false;
    }
    node_ = made.release();
    return true;
}

void timer::set(std::chrono::nanoseconds after) noexcept {
    if (node_ != nullptr) {
        host().timer_set(node_->handle, static_cast<std::uint64_t>(after.count()));
    }
}

void timer::stop() noexcept {
    if (node* const last = std::exchange(node_, nullptr)) {
        host().timer_free(last->handle);
        delete last;
    }
}

} // namespace joinleaf::tcp_root
