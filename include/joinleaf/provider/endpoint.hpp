// SPDX-License-Identifier: Apache-2.0
//
// The base for providers with several kinds of socket: joinleaf::provider::make_ops<instance, endpoint>() makes the table
// for all of them, and instance::open chooses the class.
#pragma once

#include "host.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

namespace joinleaf::provider {

// A socket of this provider: the functions of jl_ops, with the answers of a socket that has not got that
// ability. The runtime owns it from open to `closed`; callbacks on the loop may hold shares of it.
class endpoint : public std::enable_shared_from_this<endpoint> {
  public:
    endpoint(const endpoint&) = delete;
    endpoint& operator=(const endpoint&) = delete;
    virtual ~endpoint() = default;

    virtual std::int32_t bind(const sockaddr* name, std::uint32_t length) = 0;
    virtual std::int32_t listen(std::int32_t) { return WSAEOPNOTSUPP; }
    virtual std::int32_t connect(const jl_join*) { return WSAEOPNOTSUPP; }
    virtual std::int32_t join(const jl_join*) { return WSAEOPNOTSUPP; }
    virtual std::int32_t accept(void*, endpoint*, const jl_answer*) { return WSAEINVAL; }
    virtual std::int32_t tx(jl_msg* messages, std::uint32_t count, std::uint32_t* done) = 0;
    virtual std::int32_t rx(jl_msg* messages, std::uint32_t count, std::uint32_t* done,
                            std::uint32_t* left) = 0;
    virtual std::int32_t arm(std::uint32_t direction, std::int32_t* code) = 0;
    virtual void cancel(std::uint64_t) {}
    virtual void waits(bool) {}
    virtual std::int32_t shutdown(std::int32_t how) = 0;
    virtual void close(std::uint32_t how) = 0;
    virtual std::int32_t name(std::uint32_t peer, sockaddr* name, std::uint32_t* length) = 0;
    virtual std::int32_t set_option(std::int32_t level, std::int32_t name, const void* value,
                                    std::uint32_t size) = 0;
    virtual std::int32_t get_option(std::int32_t level, std::int32_t name, void* value,
                                    std::uint32_t* size) = 0;
    virtual std::int32_t ioctl(std::uint32_t code, const void* in, std::uint32_t in_size, void* out,
                               std::uint32_t out_size, std::uint32_t* bytes) = 0;
    virtual std::int32_t qos(const QOS*, std::uint32_t) { return WSAEOPNOTSUPP; }
    virtual std::int32_t stats(jl_stats* out) = 0;
    virtual std::int32_t leaves(jl_leaf_stats*, std::uint32_t, std::uint32_t*) { return WSAEOPNOTSUPP; }

    // Gives the socket to the runtime: from now on it lives until report_closed.
    void hand_over() { self_ = shared_from_this(); }

  protected:
    explicit endpoint(jl_handle* handle) : handle_(handle) {}

    [[nodiscard]] jl_handle* handle() const noexcept { return handle_; }

    // Around an upcall that is made without a lock: `closed` waits for its end, so that the handle is good during it. Begun
    // under the lock with which the socket finds out that it is not being closed.
    class upcall {
      public:
        explicit upcall(endpoint& of) noexcept : of_(of) {
            of_.words_.fetch_add(1, std::memory_order_relaxed);
        }
        upcall(const upcall&) = delete;
        upcall& operator=(const upcall&) = delete;
        ~upcall() { of_.end_word(); }

      private:
        endpoint& of_;
    };

    // The last word. The endpoint may be gone when it returns.
    void report_closed() { end_word(); }

  private:
    void end_word() {
        if (words_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            const auto self = std::exchange(self_, nullptr);
            host().closed(handle_);
        }
    }

    std::atomic<int> words_{1}; // upcalls under way, and the last one
    jl_handle* const handle_;
    std::shared_ptr<endpoint> self_;
};

// FIONREAD under Winsock's number and under the host's.
constexpr bool is_fionread(std::uint32_t code) noexcept {
    return code == FIONREAD || code == JL_HOST_FIONREAD;
}

// Stores the answer of FIONREAD. WSAEFAULT: no room for it.
inline std::int32_t store_count(std::uint64_t count, void* out, std::uint32_t out_size,
                                std::uint32_t* bytes) noexcept {
    const auto value =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(count, std::numeric_limits<std::uint32_t>::max()));
    if (out == nullptr || out_size < sizeof value) {
        return WSAEFAULT;
    }
    std::memcpy(out, &value, sizeof value);
    *bytes = sizeof value;
    return 0;
}

// Stores the answer of SO_TYPE and its like. WSAEFAULT: no room for it.
inline std::int32_t store_option(int number, void* value, std::uint32_t* size) noexcept {
    if (*size < sizeof number) {
        return WSAEFAULT;
    }
    std::memcpy(value, &number, sizeof number);
    *size = sizeof number;
    return 0;
}

} // namespace joinleaf::provider
