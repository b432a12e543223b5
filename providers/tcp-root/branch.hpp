// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base.hpp"
#include "session.hpp"

#include <memory>

namespace joinleaf::tcp_root {

// The root's socket for one leaf, from accept or WSAJoinLeaf(c_root): it tells when the leaf is gone and,
// closed, puts the leaf out. It carries no data (JL-72, JL-73).
class branch final : public endpoint {
  public:
    branch(jl_handle* handle, std::shared_ptr<session> home);

    [[nodiscard]] std::shared_ptr<link> leaf() { return leaf_.share(); }

    std::int32_t bind(const sockaddr* name, std::uint32_t length) override;
    std::int32_t tx(jl_msg* messages, std::uint32_t count, std::uint32_t* done) override;
    std::int32_t rx(jl_msg* messages, std::uint32_t count, std::uint32_t* done, std::uint32_t* left) override;
    std::int32_t arm(std::uint32_t direction, std::int32_t* code) override;
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
    [[nodiscard]] std::int32_t no_data_here(std::int32_t graceful) const;

    const std::shared_ptr<session> home_;
    link leaf_{*this};
    bool closing_ = false;
};

} // namespace joinleaf::tcp_root
