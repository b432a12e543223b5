// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include <boost/container/small_vector.hpp>
#include <joinleaf/provider.h>
#include <sys/socket.h>

#include "runtime/dispatch/apc_queue.hpp"
#include "runtime/dispatch/completion_port.hpp"
#include "runtime/dispatch/event_object.hpp"
#include "runtime/dispatch/piece_source.hpp"

namespace joinleaf::dispatch {

// WSAOVERLAPPED.Internal while an operation is pending; then it is the operation's code.
inline constexpr ULONG_PTR pending_mark = 0x103;

// Where the packets of a socket's operations go (IO-53). Set once, then constant.
struct port_association {
    std::shared_ptr<completion_port> port;
    ULONG_PTR key = 0;
};

// By what a call that cancels means an operation: its structure, and the queue of the thread that began it. Null stands for
// any. For comparison only, and good also when the operation has ended.
struct operation_name {
    const WSAOVERLAPPED* overlapped = nullptr;
    const void* starter = nullptr;

    [[nodiscard]] bool is_meant(const WSAOVERLAPPED* asked, const void* thread_queue) const noexcept {
        return (asked == nullptr || overlapped == asked) &&
               (thread_queue == nullptr || starter == thread_queue);
    }
};

// One overlapped call from its start until its indication was given. Records come from a pool and keep the
// room of their buffers, so that a busy socket allocates none.
struct operation : apc {
    // Where the outcome goes.
    WSAOVERLAPPED* overlapped = nullptr;
    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine = nullptr;
    std::shared_ptr<event_object> event; // empty with a routine: hEvent is the application's then (IO-44)
    std::shared_ptr<apc_queue> thread;   // runs the routine; empty without one
    const void* starter = nullptr;       // the queue of the thread that began it, for comparison only
    std::uint32_t era = 0;               // of the runtime in which it began

    // What is transferred. `message` points into `buffers` and `address`.
    boost::container::small_vector<iovec, 8> buffers; // the WSABUF array is copied (IO-47)
    jl_msg message{};
    sockaddr_storage address{};
    sockaddr* from = nullptr; // receive: the application's room for the source
    int* from_length = nullptr;
    bool collects = false;    // MSG_WAITALL on a stream
    bool skips_port = false;  // over at once, which its socket does not tell the port
    bool always_told = false; // also by a quiet end: a call of the library itself waits for the event
    std::optional<port_association> told_at; // the port that is told, instead of its socket's; none in it: no port
    std::size_t moved = 0;                   // bytes of a stream in earlier turns
    std::unique_ptr<piece_source> source; // send: what comes after the message

    // The outcome.
    std::int32_t code = 0;
    DWORD bytes = 0;
    DWORD flags = 0;             // MSG_PARTIAL
    DWORD message_flags = 0;     // MSG_*, for *told_flags
    DWORD* told_flags = nullptr; // of the application's WSAMSG, where there is one

    // A record with nothing in it; the caller's until `begin`. [any]
    static operation* take();
    // Back into the pool. [any]
    void give_back() noexcept;

    [[nodiscard]] operation_name name() const noexcept { return {overlapped, starter}; }
    [[nodiscard]] bool is_meant(const WSAOVERLAPPED* asked, const void* thread_queue) const noexcept {
        return name().is_meant(asked, thread_queue);
    }

    // Makes the next piece of the source the message; false: nothing is left, or `code` says what failed.
    bool refill();

    // Marks the application's structure as pending and resets its event (IO-44).
    void begin() noexcept;
    // Ends it as a call that was not started: no indication follows (IO-43).
    void refuse(std::int32_t reason) noexcept;
    // Stores the outcome in the application's structure and gives the one indication; the record is gone.
    // Quiet: the last WSACleanup, which indicates nothing (ST-11). [any]
    void deliver(const port_association* to, bool quiet) noexcept;
};

// Completion routines that were queued before this call are dropped from now on (ST-11). [any]
void end_era_of_operations() noexcept;

// Operations in the order of their calls. Not synchronised.
class operation_list {
  public:
    operation_list() = default;
    operation_list(const operation_list&) = delete;
    operation_list& operator=(const operation_list&) = delete;

    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    [[nodiscard]] operation* front() const noexcept { return first_; }
    [[nodiscard]] static operation* after(const operation& one) noexcept {
        return static_cast<operation*>(one.next);
    }
    void push(operation& one) noexcept;
    operation* pop() noexcept;
    // Moves those that the predicate picks behind the other list's last one; how many.
    template <class Predicate> std::size_t move_to(operation_list& other, Predicate picks) {
        std::size_t moved = 0;
        operation_list kept;
        while (auto* const one = pop()) {
            const bool picked = picks(*one);
            (picked ? other : kept).push(*one);
            moved += picked ? 1U : 0U;
        }
        first_ = kept.first_;
        last_ = kept.last_;
        return moved;
    }

  private:
    operation* first_ = nullptr;
    operation* last_ = nullptr;
};

// Operations that are over, delivered at the end of the scope: declared before the guard of their socket's
// direction, so that the guard is free again when the application wakes up.
class finished_operations {
  public:
    explicit finished_operations(const port_association* to, bool quiet = false) noexcept
        : to_(to), quiet_(quiet) {}
    finished_operations(const finished_operations&) = delete;
    finished_operations& operator=(const finished_operations&) = delete;
    ~finished_operations();

    // The outcome is in the record, which is in no other list.
    void add(operation& one) noexcept { all_.push(one); }

  private:
    const port_association* to_;
    bool quiet_;
    operation_list all_;
};

} // namespace joinleaf::dispatch
