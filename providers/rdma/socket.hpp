// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base.hpp"
#include "hub.hpp"

#include <cstdint>
#include <memory>

namespace joinleaf::rdma {

// What the sockets of a session share: a hub, and the answers that come from its station.
class socket : public endpoint {
  public:
    [[nodiscard]] const std::shared_ptr<hub>& home() const noexcept { return home_; }

    std::int32_t set_option(std::int32_t level, std::int32_t name, const void* value,
                            std::uint32_t size) override;
    std::int32_t get_option(std::int32_t level, std::int32_t name, void* value, std::uint32_t* size) override;

  protected:
    socket(jl_handle* handle, std::shared_ptr<hub> home, int family);

    [[nodiscard]] int family() const noexcept { return family_; }
    // What a join's target must be: WSAEAFNOSUPPORT, WSAEADDRNOTAVAIL (JL-07, JL-08).
    [[nodiscard]] std::int32_t check_target(const address& target) const noexcept;
    // Gives an unbound station a local address (JL-20).
    std::int32_t bind_if_unbound();
    // The last word, from the loop or at once.
    void leave_home();

  private:
    const std::shared_ptr<hub> home_;
    const int family_;
};

// What the joining end of a handshake gets told.
void report_join(jl_handle* handle, std::uint64_t op, const join_result& result);

} // namespace joinleaf::rdma
