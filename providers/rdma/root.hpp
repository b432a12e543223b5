// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "socket.hpp"

#include <memory>

namespace joinleaf::rdma {

// A c_root: it listens for leaves that ask, invites leaves that listen, and is the socket for the session's data
// (AC-28).
class root final : public socket {
  public:
    root(jl_handle* handle, std::shared_ptr<hub> home, const settings& limits, int family);

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
    std::int32_t leaves(jl_leaf_stats* out, std::uint32_t room, std::uint32_t* count) override;

  private:
    void check_closed();

    const std::shared_ptr<flow> data_;
    // Of the home's lock.
    bool bound_ = false;
    bool closing_ = false;
    bool left_ = false;
    std::size_t parting_ = 0; // leaves that close waits for
    std::shared_ptr<peer> joining_;
    std::uint64_t join_op_ = 0;
};

} // namespace joinleaf::rdma
