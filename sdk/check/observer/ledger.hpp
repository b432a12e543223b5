// SPDX-License-Identifier: Apache-2.0
//
// What the observed provider has under way and owes, and what of that is against an obligation (JLP-n of the SDK's page).
#pragma once

#include <joinleaf/provider.h>

#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace joinleaf::check {

class ledger {
  public:
    // Each [any]. Those that answer bool: whether the runtime is to hear of it; false after a violation.

    void opens(jl_handle* handle);
    void opened(jl_handle* handle, std::int32_t code, jl_endpoint* endpoint);
    void starts(jl_endpoint* endpoint, std::uint64_t op);
    void started(jl_endpoint* endpoint, std::uint64_t op, std::int32_t code);
    bool completes(jl_handle* handle, std::uint64_t op, std::int32_t code);
    void is_closing(jl_endpoint* endpoint);
    bool closes(jl_handle* handle);
    bool may_call(jl_handle* handle, const char* upcall);

    // A loop of the runtime, whose thread is learnt by a function posted to it; the loop itself.
    jl_loop* meets(jl_loop* loop, const jl_host& host);
    void holds(jl_watch* watch);
    void holds(jl_timer* timer, jl_loop* loop);
    void gives_back(const void* held, const char* upcall);
    bool is_on_loop(jl_timer* timer, const char* upcall);

    // The code itself, which must be 0 or one of Winsock's (JLP-5).
    std::int32_t checked(const char* function, std::int32_t code);

    // An instance has been destroyed: nothing of it may be left (JLP-4, JLP-9).
    void settles();

  private:
    struct socket {
        jl_endpoint* endpoint = nullptr;
        std::set<std::uint64_t> ops; // connects and joins under way
        bool closing = false;
    };
    struct met_loop {
        ledger* owner;
        std::thread::id thread{};
    };
    static void learn(void* context);
    socket* socket_of(jl_endpoint* endpoint);

    std::mutex lock_;
    std::map<jl_handle*, socket> sockets_;
    std::map<jl_loop*, met_loop*> loops_;
    std::deque<met_loop> met_;             // stays where it is: a posted function may still come
    std::map<const void*, jl_loop*> held_; // watches, whose loop is of no interest, and timers
};

ledger& the_ledger();

} // namespace joinleaf::check
