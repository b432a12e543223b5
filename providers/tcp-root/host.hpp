// SPDX-License-Identifier: Apache-2.0
//
// The host's upcalls with owners: a watched descriptor, a timer and a posted function that keep what they
// need alive for as long as a callback can come.
#pragma once

#include "joinleaf/provider.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace joinleaf::tcp_root {

// The table of the latest start-up (CT-83). [any]
const jl_host& host() noexcept;

// [init] False: the table lacks a function that this provider cannot work without.
bool set_host(const jl_host* table) noexcept;

// One line for the operator. [any]
void log_line(std::uint32_t level, const std::string& text);

// The sentence behind the code that the caller is about to answer or to complete with. [any]
void explain(const std::string& sentence);

// Runs task on the loop, in order of the calls. Control path only: it allocates. [any]
void post(jl_loop* loop, std::function<void()> task);

// A descriptor on a loop. Its function, and with it everything the function holds, lives until no call of it
// can come any more.
class watch {
  public:
    watch() = default;
    watch(const watch&) = delete;
    watch& operator=(const watch&) = delete;
    ~watch() { stop(); }

    // [any] on_ready(std::uint32_t ready) is called on the loop. False: the host has no room.
    template <class Function>
    [[nodiscard]] bool start(jl_loop* loop, int fd, std::uint32_t conditions, Function on_ready) {
        return begin(loop, fd, conditions, std::make_unique<holder<Function>>(std::move(on_ready)));
    }
    void set(std::uint32_t conditions) noexcept; // [any]
    void stop() noexcept;                        // [any] The descriptor may be closed as soon as it returns.
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

    bool begin(jl_loop* loop, int fd, std::uint32_t conditions, std::unique_ptr<node> made);

    node* node_ = nullptr;
};

// A one-shot timer. An owner stops it on the timer's loop before it goes.
class timer {
  public:
    using function = std::function<void()>;

    timer() = default;
    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;

    [[nodiscard]] bool start(jl_loop* loop, std::chrono::nanoseconds after, function on_time); // [any]
    void set(std::chrono::nanoseconds after) noexcept;                                         // [reactor]
    void stop() noexcept;                                                                      // [reactor]
    explicit operator bool() const noexcept { return node_ != nullptr; }

  private:
    struct node;
    node* node_ = nullptr;
};

} // namespace joinleaf::tcp_root
