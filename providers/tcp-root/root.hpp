// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "acceptor.hpp"
#include "base.hpp"
#include "joiner.hpp"
#include "session.hpp"
#include "socket_options.hpp"

#include <memory>
#include <mutex>

namespace joinleaf::tcp_root {

// A c_root: it listens for leaves that ask, invites leaves that listen, and is the socket for the session's
// data (AC-28).
class root final : public endpoint {
  public:
    // fd: a fresh TCP socket of the family.
    root(jl_handle* handle, std::shared_ptr<const settings> limits, wire::roles who, int family,
         tcp::descriptor fd);

    [[nodiscard]] const std::shared_ptr<session>& home() const noexcept { return session_; }

    std::int32_t bind(const sockaddr* name, std::uint32_t length) override;
    std::int32_t listen(std::int32_t backlog) override;
    std::int32_t join(const jl_join* join) override;
    std::int32_t accept(void* request, endpoint* child, const jl_answer* answer) override;
    std::int32_t tx(jl_msg* messages, std::uint32_t count, std::uint32_t* done) override;
    std::int32_t rx(jl_msg* messages, std::uint32_t count, std::uint32_t* done, std::uint32_t* left) override;
    std::int32_t arm(std::uint32_t direction, std::int32_t* code) override;
    void cancel(std::uint64_t op) override;
    void waits(bool on) override;
    std::int32_t shutdown(std::int32_t how) override;
    void close(std::uint32_t how) override;
    std::int32_t name(std::uint32_t peer, sockaddr* name, std::uint32_t* length) override;
    std::int32_t set_option(std::int32_t level, std::int32_t name, const void* value,
                            std::uint32_t size) override;
    std::int32_t get_option(std::int32_t level, std::int32_t name, void* value, std::uint32_t* size) override;
    std::int32_t ioctl(std::uint32_t code, const void* in, std::uint32_t in_size, void* out,
                       std::uint32_t out_size, std::uint32_t* bytes) override;
    std::int32_t qos(const QOS* qos, std::uint32_t how) override;
    std::int32_t stats(jl_stats* out) override;
    std::int32_t leaves(jl_leaf_stats* out, std::uint32_t room, std::uint32_t* count) override;

  private:
    struct invitation;

    [[nodiscard]] int fd() const;
    std::int32_t set_echo(const void* in, std::uint32_t in_size);
    std::int32_t bind_locked(const address& name);
    void invited(const invitation& what, joiner::outcome& outcome);
    std::int32_t take_in(const invitation& what, joiner::admission& got);

    const std::shared_ptr<const settings> limits_;
    const wire::roles who_;
    const int family_;
    const std::shared_ptr<session> session_;
    socket_options options_;

    mutable std::mutex mutex_; // of everything below
    tcp::descriptor fd_;       // until it listens; then the acceptor has it
    bool bound_ = false;
    bool closing_ = false;
    std::shared_ptr<acceptor> acceptor_;
    std::shared_ptr<joiner> joiner_;
    std::uint64_t join_op_ = 0;
};

// What the joining end of a handshake gets told; callee data and QoS are those of the answer, if there is
// one.
void report_join(jl_handle* handle, std::uint64_t op, std::int32_t code, const greeting_reader* answer);

} // namespace joinleaf::tcp_root
