// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base.hpp"
#include "settings.hpp"
#include "tcp.hpp"

#include <atomic>
#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <optional>

#include <tl/expected.hpp>

namespace joinleaf::tcp_root {

// An ordinary TCP socket. The SOCKET is the kernel's own descriptor, so that nearly everything is the
// kernel's doing; only a connect in progress and a close with unsent data involve the loop.
class stream final : public endpoint {
  public:
    // The descriptor belongs to the runtime and outlives this object.
    stream(jl_handle* handle, std::shared_ptr<const settings> limits, int family, int fd);

    // The connection of a request, for the endpoint that is opened for it. Errors: WSAEMFILE, WSAECONNRESET.
    tl::expected<tcp::descriptor, std::int32_t> claim(void* request);
    void mark_connected();

    std::int32_t bind(const sockaddr* name, std::uint32_t length) override;
    std::int32_t listen(std::int32_t backlog) override;
    std::int32_t connect(const jl_join* join) override;
    std::int32_t accept(void* request, endpoint* child, const jl_answer* answer) override;
    std::int32_t tx(jl_msg* messages, std::uint32_t count, std::uint32_t* done) override;
    std::int32_t rx(jl_msg* messages, std::uint32_t count, std::uint32_t* done, std::uint32_t* left) override;
    std::int32_t arm(std::uint32_t direction, std::int32_t* code) override;
    void cancel(std::uint64_t op) override;
    std::int32_t shutdown(std::int32_t how) override;
    void close(std::uint32_t how) override;
    std::int32_t name(std::uint32_t peer, sockaddr* name, std::uint32_t* length) override;
    std::int32_t set_option(std::int32_t level, std::int32_t name, const void* value,
                            std::uint32_t size) override;
    std::int32_t get_option(std::int32_t level, std::int32_t name, void* value, std::uint32_t* size) override;
    std::int32_t ioctl(std::uint32_t code, const void* in, std::uint32_t in_size, void* out,
                       std::uint32_t out_size, std::uint32_t* bytes) override;
    std::int32_t stats(jl_stats* out) override;

  private:
    struct request {
        tcp::descriptor fd; // none: the process had no descriptor left when the request was seen
        address peer;
    };

    std::int32_t await_connection(std::unique_lock<std::mutex>& lock);
    void on_connected();
    void settle(std::unique_lock<std::mutex>& lock, std::int32_t code);
    void tell_outcome(std::uint64_t op, std::int32_t code);

    std::int32_t arm_in(std::int32_t* code);
    std::int32_t arm_out() const;
    std::int32_t arm_accept();
    void offer(request next);
    std::int32_t receive(jl_msg& message, bool& filled);
    std::int32_t note_end(std::int32_t code) noexcept;
    std::int32_t send_code(int error) const noexcept;
    bool is_past_expedited_data() const noexcept;

    bool begin_linger();
    void on_linger();

    const std::shared_ptr<const settings> limits_;
    const int family_;
    const int fd_;
    std::atomic<bool> connected_{false};
    std::atomic<bool> shut_out_{false};
    std::atomic<std::int32_t> end_{-1}; // how receiving has ended; -1: it has not

    std::mutex mutex_; // of everything below
    bool listening_ = false;
    std::list<request> requests_;
    address peer_;
    bool connecting_ = false;
    std::uint64_t connect_op_ = 0;
    tcp::descriptor watched_; // a duplicate: the host may be watching the SOCKET itself on the same loop
    watch watch_;
    bool closing_ = false;
    bool aborted_ = false;
    bool told_ = false;
    timer timer_;
    int unsent_ = 0;
    std::chrono::steady_clock::time_point progress_;
};

} // namespace joinleaf::tcp_root
