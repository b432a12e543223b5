// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "acceptor.hpp"
#include "base.hpp"
#include "joiner.hpp"
#include "member.hpp"
#include "socket_options.hpp"

#include <atomic>
#include <memory>
#include <mutex>

namespace joinleaf::tcp_root {

// A c_leaf on the leaf's side: it asks a root (and is then the member socket itself), or listens for
// invitations (and accept makes the member socket, AC-27).
class leaf final : public endpoint {
  public:
    // fd: a fresh TCP socket of the family; none for a socket that is opened for a request.
    leaf(jl_handle* handle, std::shared_ptr<const settings> limits, wire::roles who, int family,
         tcp::descriptor fd);

    [[nodiscard]] const wire::roles& who() const noexcept { return who_; }
    void inherit(const leaf& parent);

    std::int32_t bind(const sockaddr* name, std::uint32_t length) override;
    std::int32_t listen(std::int32_t backlog) override;
    std::int32_t join(const jl_join* join) override;
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
    std::int32_t qos(const QOS* qos, std::uint32_t how) override;
    std::int32_t stats(jl_stats* out) override;

  private:
    std::int32_t bind_locked(const address& name);
    void joined(std::uint64_t op, std::uint32_t direction, const address& target, joiner::outcome& outcome);
    std::int32_t become_member(tcp::descriptor fd, const member::root_end& root, member::rights may);
    std::int32_t set_echo(const void* in, std::uint32_t in_size);
    std::int32_t admit(introduction& who, const jl_answer* answer);
    void take_back(tcp::descriptor fd);
    std::int32_t with_fd(const std::function<std::int32_t(int)>& use);
    void report_closed_later();

    const std::shared_ptr<const settings> limits_;
    const wire::roles who_;
    const int family_;
    jl_loop* const loop_;
    socket_options options_;
    std::atomic<member*> live_{nullptr}; // member_, for the data path; set once

    mutable std::mutex mutex_; // of everything below
    tcp::descriptor fd_;       // while neither listening nor joining nor joined
    bool bound_ = false;
    bool closing_ = false;
    bool echo_ = false; // SIO_MULTIPOINT_LOOPBACK
    address local_;
    address peer_;
    std::shared_ptr<acceptor> acceptor_;
    std::shared_ptr<joiner> joiner_;
    std::uint64_t join_op_ = 0;
    std::shared_ptr<member> member_;
};

} // namespace joinleaf::tcp_root
