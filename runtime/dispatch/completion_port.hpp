// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include <boost/circular_buffer.hpp>
#include <joinleaf/winsock2_types.h>

#include "runtime/dispatch/handle.hpp"
#include "runtime/dispatch/waiter.hpp"

namespace joinleaf::dispatch {

// One packet: the outcome of an overlapped operation, or what PostQueuedCompletionStatus was given.
struct completion {
    ULONG_PTR key = 0;
    WSAOVERLAPPED* overlapped = nullptr;
    DWORD bytes = 0;
    std::int32_t code = 0;
};

// A completion port: packets first in, first out; waiting threads last in, first out, so that few threads
// stay busy and the others asleep. Its descriptor is readable while a packet is queued that no waiting thread
// takes.
//
// A thread counts as running from the packet it takes until it asks for the next one, from whichever port.
// While `concurrency` threads run, a packet stays queued. That a running thread blocks in the kernel cannot
// be seen here; so a further thread is let in when packets have waited for `grace`.
class completion_port : public handle_object, public std::enable_shared_from_this<completion_port> {
  public:
    static constexpr std::chrono::milliseconds grace{10};

    // concurrency 0: as many as there are processors. Null when the process has no descriptor left.
    static std::shared_ptr<completion_port> create(unsigned concurrency);

    completion_port(descriptor eventfd, unsigned concurrency);

    void post(const completion& packet); // [any]

    enum class outcome { taken, timed_out, closed, alerted };

    // Takes up to room.size() packets, at least one, their number into count. Alertable: `alerted` when
    // queued calls of the thread ran instead. [any]
    outcome take(std::span<completion> room, std::size_t& count, const deadline& until, bool alertable);

    void on_close() override;

  private:
    // A thread inside `take`; on its stack.
    struct idle_thread {
        waiter* who = nullptr;
        completion given{};
        bool has_packet = false;
    };
    struct membership;

    void stop_running(std::unique_lock<std::mutex>& hold);
    std::size_t take_queued(std::span<completion> room); // lock_ held
    void hand_out();                                     // lock_ held
    void remove(idle_thread& who);                       // lock_ held
    bool sleep(idle_thread& self, const deadline& until, std::unique_lock<std::mutex>& hold);
    static membership& of_calling_thread();

    const unsigned concurrency_;
    std::mutex lock_;
    // guarded by lock_
    boost::circular_buffer<completion> queue_;
    std::vector<idle_thread*> idle_;
    idle_thread* watching_ = nullptr; // waits for `grace` while packets are held back
    unsigned running_ = 0;
    bool closed_ = false;
};

} // namespace joinleaf::dispatch
