// SPDX-License-Identifier: Apache-2.0
//
// SIO_ENABLE_CIRCULAR_QUEUEING (IO-30): a receive queue that drops its oldest message and not the newest. The
// kernel's queue stays what it is, and with it the descriptor, FIONREAD and the rest; a loop of the host looks at
// it whenever something has arrived and takes the oldest datagrams out while more than half of the room is used.
// The other half takes what arrives until the loop comes.
#pragma once

#include <joinleaf/provider.hpp>

#include <mutex>

namespace joinleaf::udp_mcast {

class circular_queue {
  public:
    using look_function = void (*)(void* owner);

    // look(owner) is called on a loop, with `lock` held, after something has arrived at the descriptor. NULL: the
    // host has no loops, or the process no descriptor.
    static circular_queue* make(jl_handle* handle, int fd, look_function look, void* owner);
    circular_queue(const circular_queue&) = delete;
    circular_queue& operator=(const circular_queue&) = delete;

    // No call comes after the return. Deletes itself, perhaps later.
    void retire();

    std::mutex lock; // held by whoever touches the queue

  private:
    circular_queue(look_function look, void* owner) noexcept : look_(look), owner_(owner) {}
    ~circular_queue() = default;
    static void on_arrival(void* self, std::uint32_t ready);

    provider::descriptor arrivals_; // an epoll that is readable from an arrival until it was looked at
    jl_watch* watch_ = nullptr;
    const look_function look_;
    void* owner_; // NULL: retired
};

} // namespace joinleaf::udp_mcast
