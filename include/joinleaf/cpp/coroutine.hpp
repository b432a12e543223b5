// SPDX-License-Identifier: Apache-2.0
//
// Coroutines of plain C++20: a task, a loop that runs tasks in the calling thread, and sockets whose calls are
// awaited. Nothing starts a thread. A program that has Boost.Asio uses asio.hpp instead.
#pragma once

#include "operation.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <coroutine>
#include <cstdint>
#include <list>
#include <unordered_map>

namespace joinleaf {

class loop;
template <class T = void> class task;

namespace detail {

// A place in a list that knows how to leave it.
struct hook {
    hook() = default;
    hook(const hook&) = delete;
    hook& operator=(const hook&) = delete;
    ~hook() { leave(); }

    void enter_before(hook& other) noexcept {
        previous = std::exchange(other.previous, this);
        previous->next = this;
        next = &other;
    }
    void leave() noexcept {
        previous->next = next;
        next->previous = previous;
        previous = next = this;
    }

    hook* previous = this;
    hook* next = this;
};

// A coroutine that waits for something of the loop's; in one list at a time. Lives in the coroutine's frame, so
// that a frame that goes takes it out of the loop.
class waiter : public hook {
  public:
    // Tries again; true: done. [caller]
    virtual bool attempt() = 0;
    virtual void cancel() = 0;
    [[nodiscard]] virtual news waits_for() const noexcept = 0;
    std::coroutine_handle<> who{};

  protected:
    ~waiter() = default;
};

struct waiters {
    hook head{};
    [[nodiscard]] bool empty() const noexcept { return head.next == &head; }
    [[nodiscard]] waiter& first() noexcept { return static_cast<waiter&>(*head.next); }
    void add(waiter& one) noexcept { one.enter_before(head); }
};

// A descriptor that the loop watches while somebody waits for it.
struct loop_watch {
    waiters waiting{};
    bool known = false; // to epoll
    bool armed = false;
};

// A socket of a loop.
struct loop_socket {
    [[nodiscard]] loop_watch& of(news what) noexcept { return watches[static_cast<std::size_t>(what)]; }

    std::unique_ptr<watched> on;
    std::uint64_t number; // in epoll's data: what comes for one that is gone meanwhile finds nobody
    std::array<loop_watch, 2> watches{};
};

// A task that the loop owns.
struct spawned {
    task<void>* body = nullptr;
    spawned* next = nullptr;
    spawned** ended = nullptr; // the list to enter at the end
};

class promise_base {
  public:
    [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
    struct final_awaiter {
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        template <class Promise>
        [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
            promise_base& promise = self.promise();
            if (promise.owned != nullptr) {
                promise.owned->next = std::exchange(*promise.owned->ended, promise.owned);
            }
            return promise.after ? promise.after : std::noop_coroutine();
        }
        void await_resume() const noexcept {}
    };
    [[nodiscard]] final_awaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { thrown = std::current_exception(); }

    std::coroutine_handle<> after{};
    std::exception_ptr thrown{};
    spawned* owned = nullptr;
};

template <class T> class task_promise : public promise_base {
  public:
    [[nodiscard]] task<T> get_return_object() noexcept;
    template <class U> void return_value(U&& with) { value.emplace(std::forward<U>(with)); }
    [[nodiscard]] T take() {
        if (thrown) {
            std::rethrow_exception(thrown);
        }
        return std::move(*value);
    }
    std::optional<T> value{};
};

template <> class task_promise<void> : public promise_base {
  public:
    [[nodiscard]] task<void> get_return_object() noexcept;
    void return_void() const noexcept {}
    void take() const {
        if (thrown) {
            std::rethrow_exception(thrown);
        }
    }
};

} // namespace detail

// A coroutine that starts when it is awaited, or given to a loop, and gives its value or exception to whoever did
// that. Move-only; destroying it ends the coroutine where it stands.
template <class T> class [[nodiscard]] task {
  public:
    using promise_type = detail::task_promise<T>;

    explicit task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
    task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    task& operator=(task&& other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~task() {
        if (frame_) {
            frame_.destroy();
        }
    }

    [[nodiscard]] bool done() const noexcept { return frame_.done(); }
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) const noexcept {
        frame_.promise().after = caller;
        return frame_;
    }
    T await_resume() const { return frame_.promise().take(); }

  private:
    friend class loop;
    std::coroutine_handle<promise_type> frame_;
};

template <class T> task<T> detail::task_promise<T>::get_return_object() noexcept {
    return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}
inline task<void> detail::task_promise<void>::get_return_object() noexcept {
    return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}

// Runs tasks and wakes them when their sockets have something. It, its sockets and its tasks are for one thread at
// a time. It goes after its sockets; tasks that it still owns are destroyed with it.
class loop {
  public:
    // Throws failure: WSAEMFILE, WSA_NOT_ENOUGH_MEMORY.
    loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        if (epoll_ < 0) {
            throw failure(error(errno == ENOMEM ? WSA_NOT_ENOUGH_MEMORY : WSAEMFILE, "epoll_create1"));
        }
    }
    loop(const loop&) = delete;
    loop& operator=(const loop&) = delete;
    ~loop() {
        tasks_.clear();
        ::close(epoll_);
    }

    // Owns the task and runs it along with the others, from the next run on.
    void spawn(task<void> body) {
        auto& one = tasks_.emplace_back(std::move(body));
        one.state.body = &one.body;
        one.state.ended = &ended_;
        one.body.frame_.promise().owned = &one.state;
        one.start.who = one.body.frame_;
        ready_.add(one.start);
    }

    // Until no task is left that the loop owns. The first exception that comes out of one is thrown here; the
    // others go on with the next run.
    void run() {
        while (!tasks_.empty()) {
            turn(-1);
        }
    }
    // Until this task is done, the loop's own beside it.
    template <class T> T run(task<T> body) {
        body.frame_.resume();
        while (!body.done()) {
            turn(-1);
        }
        return body.frame_.promise().take();
    }
    // Runs what can go on now, without waiting: for a loop within another one's.
    void poll() { turn(0); }
    // Readable when poll() has something to do. Not to be closed.
    [[nodiscard]] int descriptor() const noexcept { return epoll_; }
    // Whether poll() has something to do that the descriptor does not show.
    [[nodiscard]] bool is_ready() const noexcept { return !ready_.empty() || ended_ != nullptr; }

  private:
    friend class async_socket;
    template <class Step> friend class operation;

    struct start_waiter final : detail::waiter {
        bool attempt() override { return true; }
        void cancel() override {}
        [[nodiscard]] detail::news waits_for() const noexcept override { return detail::news::event; }
    };
    struct owned_task {
        explicit owned_task(task<void> what) noexcept : body(std::move(what)) {}
        task<void> body;
        detail::spawned state{};
        start_waiter start{};
    };

    void turn(int milliseconds) {
        wake(is_ready() ? 0 : milliseconds);
        resume_ready();
        bury();
    }
    // Tries whoever waits on a socket that has news.
    void wake(int milliseconds) {
        epoll_event found[64];
        const int count = ::epoll_wait(epoll_, found, 64, milliseconds);
        for (int i = 0; i < count; ++i) {
            const auto which = found[i].data.u64; // NOLINT(clang-analyzer-*): filled by epoll_wait
            const auto at = sockets_.find(which / 2);
            if (at != sockets_.end()) {
                wake(*at->second, static_cast<detail::news>(which % 2));
            }
        }
    }
    void wake(detail::loop_socket& one, detail::news what) {
        auto& watch = one.of(what);
        watch.armed = false;
        for (auto* next = watch.waiting.head.next; next != &watch.waiting.head;) {
            auto& each = static_cast<detail::waiter&>(*std::exchange(next, next->next));
            if (each.attempt()) {
                make_ready(each);
            } else if (each.waits_for() != what) {
                each.leave();
                wait(one, each);
            }
        }
        if (!watch.waiting.empty()) {
            arm(one, what);
        }
    }
    // Those that are ready at its start: whoever becomes ready meanwhile lets the sockets go first.
    void resume_ready() {
        detail::waiters now;
        while (!ready_.empty()) {
            auto& one = ready_.first();
            one.leave();
            now.add(one);
        }
        while (!now.empty()) {
            auto& one = now.first();
            one.leave();
            immediate_ = 0;
            one.who.resume();
        }
    }
    void bury() {
        std::exception_ptr thrown;
        detail::spawned* kept = nullptr;
        for (auto* one = std::exchange(ended_, nullptr); one != nullptr;) {
            auto* const next = one->next;
            const auto of_the_task = one->body->frame_.promise().thrown;
            if (thrown && of_the_task) {
                one->next = std::exchange(kept, one);
            } else {
                thrown = of_the_task ? of_the_task : thrown;
                tasks_.remove_if([&](const owned_task& each) { return &each.state == one; });
            }
            one = next;
        }
        ended_ = kept;
        if (thrown) {
            std::rethrow_exception(thrown);
        }
    }

    [[nodiscard]] std::unique_ptr<detail::loop_socket> add(std::unique_ptr<detail::watched> on) {
        auto made = std::make_unique<detail::loop_socket>();
        made->on = std::move(on);
        made->number = ++numbers_;
        sockets_.emplace(made->number, made.get());
        return made;
    }
    void remove(detail::loop_socket& one) noexcept {
        cancel(one);
        for (const auto what : {detail::news::descriptor, detail::news::event}) {
            if (one.of(what).known) {
                ::epoll_ctl(epoll_, EPOLL_CTL_DEL, one.on->descriptor(what), nullptr);
            }
        }
        sockets_.erase(one.number);
    }
    void cancel(detail::loop_socket& one) noexcept {
        for (auto& watch : one.watches) {
            while (!watch.waiting.empty()) {
                auto& each = watch.waiting.first();
                each.cancel();
                make_ready(each);
            }
        }
    }
    void wait(detail::loop_socket& one, detail::waiter& who) {
        one.of(who.waits_for()).waiting.add(who);
        arm(one, who.waits_for());
    }
    void arm(detail::loop_socket& one, detail::news what) {
        auto& watch = one.of(what);
        if (watch.armed) {
            return;
        }
        epoll_event wanted{};
        wanted.events = EPOLLIN | EPOLLONESHOT;
        wanted.data.u64 = one.number * 2 + static_cast<std::uint64_t>(what);
        const int how = watch.known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
        if (::epoll_ctl(epoll_, how, one.on->descriptor(what), &wanted) != 0) {
            throw failure(error(WSAENOBUFS, "epoll_ctl"));
        }
        watch.known = watch.armed = true;
    }
    void make_ready(detail::waiter& who) noexcept {
        who.leave();
        ready_.add(who);
    }
    // Whether a coroutine may go on at once: so often, then others have their turn.
    [[nodiscard]] bool may_go_on() noexcept { return ++immediate_ % 64 != 0; }

    int epoll_;
    std::uint64_t numbers_ = 0;
    unsigned immediate_ = 0;
    std::unordered_map<std::uint64_t, detail::loop_socket*> sockets_{};
    detail::spawned* ended_ = nullptr;
    detail::waiters ready_{};
    std::list<owned_task> tasks_{};
};

// What the calls of async_socket return: to be awaited once, where it is made.
template <class Step> class [[nodiscard]] operation final : private detail::waiter {
  public:
    using value_type = typename Step::value_type;

    operation(loop& in, detail::loop_socket* on, Step step)
        : in_(in), on_(on), attempts_(std::in_place, std::move(step)) {}

    [[nodiscard]] bool await_ready() {
        if (on_ == nullptr) {
            done_.emplace(error(WSAENOTSOCK));
        } else {
            done_ = attempts_->attempt(*on_->on, false);
        }
        return done_.has_value() && in_.may_go_on();
    }
    void await_suspend(std::coroutine_handle<> caller) {
        who = caller;
        if (done_) {
            in_.ready_.add(*this);
        } else {
            in_.wait(*on_, *this);
        }
    }
    [[nodiscard]] result<value_type> await_resume() { return std::move(*done_); }

  private:
    bool attempt() override {
        done_ = attempts_->attempt(*on_->on, true);
        return done_.has_value();
    }
    void cancel() override {
        attempts_.reset(); // with what it holds, a branch that is not joined yet among it
        done_.emplace(error(WSA_OPERATION_ABORTED));
    }
    [[nodiscard]] detail::news waits_for() const noexcept override { return attempts_->waits_for(); }

    loop& in_;
    detail::loop_socket* on_;
    std::optional<detail::attempts<Step>> attempts_;
    detail::tried<value_type> done_{};
};

// A socket of a loop. Each call is awaited and gives what the same call of socket gives, as soon as there is an
// outcome; several may be awaited at a time, by several tasks. close() and the destructor end what is awaited with
// WSA_OPERATION_ABORTED. Buffers are in use until the call has its outcome. Move-only.
class async_socket {
  public:
    // Takes the socket over: it becomes nonblocking. Throws failure, as begin.
    async_socket(loop& in, socket from) : async_socket(begin(in, std::move(from)).value()) {}
    // WSAENOTSOCK, WSA_NOT_ENOUGH_MEMORY.
    [[nodiscard]] static result<async_socket> begin(loop& in, socket from) {
        auto on = detail::watched::begin(std::move(from));
        if (!on) {
            return std::move(on).error();
        }
        return async_socket(in, in.add(std::move(*on)));
    }
    async_socket(async_socket&& other) noexcept : in_(other.in_), state_(std::move(other.state_)) {}
    async_socket& operator=(async_socket&& other) noexcept {
        std::swap(in_, other.in_);
        std::swap(state_, other.state_);
        return *this;
    }
    ~async_socket() { close(); }

    explicit operator bool() const noexcept { return state_ != nullptr; }
    // For addresses, options and figures. Not while *this is empty.
    [[nodiscard]] socket& get() noexcept { return state_->on->get(); }

    [[nodiscard]] auto receive(std::span<std::byte> room, DWORD flags = 0) {
        return begin(detail::receive_step{room, flags});
    }
    [[nodiscard]] auto receive(std::span<char> room, DWORD flags = 0) {
        return begin(detail::receive_step{std::as_writable_bytes(room), flags});
    }
    [[nodiscard]] auto receive_from(std::span<std::byte> room, DWORD flags = 0) {
        return begin(detail::receive_from_step{room, flags});
    }
    [[nodiscard]] auto send(std::span<const std::byte> bytes, DWORD flags = 0) {
        return begin(detail::send_step{bytes, std::nullopt, flags});
    }
    [[nodiscard]] auto send(std::string_view text, DWORD flags = 0) {
        return send(detail::bytes_of(text), flags);
    }
    // The parts as one message; the list of them, too, is in use until the outcome.
    [[nodiscard]] auto send(std::span<const std::span<const std::byte>> parts) {
        return begin(detail::gather_step<std::span<const std::span<const std::byte>>>{parts});
    }
    [[nodiscard]] auto send_to(const address& to, std::span<const std::byte> bytes, DWORD flags = 0) {
        return begin(detail::send_step{bytes, to, flags});
    }
    // The socket of the next request, for this loop or another one.
    [[nodiscard]] auto accept() { return begin(detail::accept_step<std::nullptr_t>{nullptr}); }
    // condition: a noexcept verdict(request&), which is copied.
    template <class Condition> [[nodiscard]] auto accept(Condition condition) {
        return begin(detail::accept_step<Condition>{std::move(condition)});
    }
    // The branch of a root's join is a socket like that of accept.
    [[nodiscard]] auto join(const address& name, join_options options = {}) {
        return begin(detail::join_step(name, std::move(options)));
    }
    [[nodiscard]] auto connect(const address& name) { return begin(detail::connect_step(name)); }
    // Waits for FD_CLOSE: its code, 0 where the other end left in order (EV-42).
    [[nodiscard]] auto closed() { return begin(detail::event_step<FD_CLOSE>{}); }
    // Waits for FD_QOS.
    [[nodiscard]] auto quality_changed() { return begin(detail::event_step<FD_QOS>{}); }

    // Ends what is awaited with WSA_OPERATION_ABORTED. A root's invitation is withdrawn; a leaf's join can only be
    // ended by close().
    void cancel() noexcept {
        if (state_) {
            in_->cancel(*state_);
        }
    }
    void close() noexcept {
        if (state_) {
            in_->remove(*state_);
            state_.reset();
        }
    }
    // Cancels, and gives the socket back; it is nonblocking.
    [[nodiscard]] socket release() {
        in_->remove(*state_);
        return std::exchange(state_, nullptr)->on->release();
    }

  private:
    async_socket(loop& in, std::unique_ptr<detail::loop_socket> state) noexcept
        : in_(&in), state_(std::move(state)) {}
    template <class Step> [[nodiscard]] operation<Step> begin(Step step) {
        return operation<Step>(*in_, state_.get(), std::move(step));
    }

    loop* in_;
    std::unique_ptr<detail::loop_socket> state_;
};

} // namespace joinleaf
