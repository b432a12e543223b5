// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "socket.hpp"

#include <memory>

namespace joinleaf::rdma {

// A c_leaf on the leaf's side: it asks a root (and is then the member socket itself), or listens for invitations (and
// accept makes the member socket, AC-27).
class leaf final : public socket {
  public:
    leaf(jl_handle* handle, std::shared_ptr<hub> home, std::shared_ptr<const settings> limits, int family,
         bool admitted);

    [[nodiscard]] const std::shared_ptr<const settings>& limits() const noexcept { return limits_; }

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
    std::int32_t ioctl(std::uint32_t code, const void* in, std::uint32_t in_size, void* out,
                       std::uint32_t out_size, std::uint32_t* bytes) override;
    std::int32_t stats(jl_stats* out) override;

  private:
    [[nodiscard]] bool has_joined() const noexcept { return data_ != nullptr; }
    void become_member(const std::shared_ptr<peer>& who, const std::shared_ptr<flow>& data, bool send,
                       bool receive);
    void joined(std::uint64_t op, std::uint32_t direction, const join_result& result);
    void check_closed();
    [[nodiscard]] address local_name() const;

    const std::shared_ptr<const settings> limits_;
    const bool admitted_; // made for a request: its address is its connection's
    // Of the home's lock.
    bool closing_ = false;
    bool left_ = false;
    std::shared_ptr<flow> data_;
    std::shared_ptr<peer> root_;
    std::shared_ptr<flow> pending_; // of the join under way
    std::shared_ptr<peer> joining_;
    std::uint64_t join_op_ = 0;
};

} // namespace joinleaf::rdma
