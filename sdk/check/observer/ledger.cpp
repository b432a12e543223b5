// SPDX-License-Identifier: Apache-2.0
#include "ledger.hpp"

#include "violations.h"

#include <joinleaf/provider.h>

#include <algorithm>
#include <cstdio>

namespace joinleaf::check {
namespace {

void violation(const std::string& sentence) {
    if (joinleaf_check_violation != nullptr) {
        joinleaf_check_violation(sentence.c_str());
    } else {
        std::fprintf(stderr, "%s\n", sentence.c_str());
    }
}

// Winsock's own begin at WSABASEERR; the few below are those of overlapped calls and of memory.
bool is_winsock_code(std::int32_t code) {
    return code == 0 || code > WSABASEERR || code == WSA_OPERATION_ABORTED || code == WSA_NOT_ENOUGH_MEMORY;
}

} // namespace

ledger& the_ledger() {
    static ledger one;
    return one;
}

ledger::socket* ledger::socket_of(jl_endpoint* endpoint) {
    const auto found =
        std::ranges::find_if(sockets_, [&](const auto& each) { return each.second.endpoint == endpoint; });
    return found == sockets_.end() ? nullptr : &found->second;
}

void ledger::opens(jl_handle* handle) {
    const std::lock_guard held(lock_);
    sockets_[handle] = {};
}

void ledger::opened(jl_handle* handle, std::int32_t code, jl_endpoint* endpoint) {
    const std::lock_guard held(lock_);
    if (code != 0) {
        sockets_.erase(handle);
    } else if (const auto found = sockets_.find(handle); found != sockets_.end()) {
        found->second.endpoint = endpoint;
    }
}

void ledger::starts(jl_endpoint* endpoint, std::uint64_t op) {
    const std::lock_guard held(lock_);
    if (auto* const one = socket_of(endpoint)) {
        one->ops.insert(op);
    }
}

void ledger::started(jl_endpoint* endpoint, std::uint64_t op, std::int32_t code) {
    if (code == 0) {
        return;
    }
    const std::lock_guard held(lock_);
    if (auto* const one = socket_of(endpoint)) {
        if (one->ops.erase(op) == 0) {
            violation("JLP-7: complete was called for a connect or join that then answered " +
                      std::to_string(code));
        }
    }
}

bool ledger::completes(jl_handle* handle, std::uint64_t op, std::int32_t code) {
    checked("complete", code);
    const std::lock_guard held(lock_);
    const auto found = sockets_.find(handle);
    if (found == sockets_.end()) {
        violation("JLP-9: complete was called for a socket after closed");
        return false;
    }
    if (found->second.ops.erase(op) == 0) {
        violation("JLP-7: complete was called twice, or for an operation that was never started");
        return false;
    }
    return true;
}

void ledger::is_closing(jl_endpoint* endpoint) {
    const std::lock_guard held(lock_);
    if (auto* const one = socket_of(endpoint)) {
        one->closing = true;
    }
}

bool ledger::closes(jl_handle* handle) {
    const std::lock_guard held(lock_);
    const auto found = sockets_.find(handle);
    if (found == sockets_.end()) {
        violation("JLP-9: closed was called twice for a socket");
        return false;
    }
    if (!found->second.closing) {
        violation("JLP-9: closed was called for a socket that nobody has asked to close");
        return false;
    }
    sockets_.erase(found);
    return true;
}

bool ledger::may_call(jl_handle* handle, const char* upcall) {
    const std::lock_guard held(lock_);
    if (sockets_.contains(handle)) {
        return true;
    }
    violation(std::string("JLP-9: ") + upcall + " was called for a socket after closed");
    return false;
}

void ledger::learn(void* context) {
    auto& met = *static_cast<met_loop*>(context);
    const std::lock_guard held(met.owner->lock_);
    met.thread = std::this_thread::get_id();
}

jl_loop* ledger::meets(jl_loop* loop, const jl_host& host) {
    met_loop* unknown = nullptr;
    {
        const std::lock_guard held(lock_);
        if (loop != nullptr && !loops_.contains(loop)) {
            unknown = &met_.emplace_back(met_loop{this});
            loops_[loop] = unknown;
        }
    }
    if (unknown != nullptr) {
        host.post(loop, learn, unknown);
    }
    return loop;
}

void ledger::holds(jl_watch* watch) {
    const std::lock_guard held(lock_);
    if (watch != nullptr) {
        held_[watch] = nullptr;
    }
}

void ledger::holds(jl_timer* timer, jl_loop* loop) {
    const std::lock_guard held(lock_);
    if (timer != nullptr) {
        held_[timer] = loop;
    }
}

void ledger::gives_back(const void* one, const char* upcall) {
    const std::lock_guard held(lock_);
    if (held_.erase(one) == 0) {
        violation(std::string("JLP-9: ") + upcall + " was called twice");
    }
}

bool ledger::is_on_loop(jl_timer* timer, const char* upcall) {
    const std::lock_guard held(lock_);
    const auto owner = held_.find(timer);
    const auto loop = owner == held_.end() ? loops_.end() : loops_.find(owner->second);
    if (loop == loops_.end() || loop->second->thread == std::thread::id() ||
        loop->second->thread == std::this_thread::get_id()) {
        return true;
    }
    violation(std::string("JLP-11: ") + upcall + ", which is [reactor], was called on another thread");
    return false;
}

std::int32_t ledger::checked(const char* function, std::int32_t code) {
    if (!is_winsock_code(code)) {
        violation(std::string("JLP-5: ") + function + " answers " + std::to_string(code) +
                  ", which is no Winsock code");
    }
    return code;
}

void ledger::settles() {
    const std::lock_guard held(lock_);
    // Of several instances the last one counts; a configuration of the kit has one.
    if (!sockets_.empty()) {
        violation("JLP-9: sockets without closed when their instance was destroyed: " +
                  std::to_string(sockets_.size()));
    }
    if (!held_.empty()) {
        violation("JLP-4: watches and timers left when their instance was destroyed: " +
                  std::to_string(held_.size()));
    }
    sockets_.clear();
    held_.clear();
    loops_.clear(); // the runtime ends its loops after its instances, and makes others at its next start
}

} // namespace joinleaf::check
