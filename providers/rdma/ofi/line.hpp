// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"
#include "offers.hpp"
#include "tcp.hpp"
#include "wire.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <sys/socket.h>

namespace joinleaf::rdma::ofi {

class station;

// A link of engine ofi: control messages over TCP, each behind its length; slices through the station's endpoint.
class line final : public link {
  public:
    line(station& where, tcp::descriptor fd, bool connecting, bool keeps_port, const address& target);

    [[nodiscard]] address local() const override { return tcp::local_name(fd_.get()); }
    [[nodiscard]] address peer() const override { return target_; }
    void control(std::span<const std::byte> message) override;
    [[nodiscard]] std::vector<std::byte> data_address() override;
    std::int32_t attach(std::span<const std::byte> data_address) override;
    posted post(std::span<const std::byte> head, std::span<const std::byte> body,
                std::uint64_t cookie) override;
    void opened() override;
    void retire() override { tcp::set_flag(fd_.get(), SOL_SOCKET, SO_REUSEADDR, true); }
    void close(bool abort) override;

    // For the station.
    void set_owner(link_owner* owner) noexcept { owner_ = owner; }
    [[nodiscard]] link_owner* owner() const noexcept { return owner_; }
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] bool keeps_port() const noexcept { return keeps_port_ && !destination_; }
    [[nodiscard]] std::optional<std::uint64_t> destination() const noexcept { return destination_; }
    [[nodiscard]] std::uint32_t pair() const noexcept { return pair_; }
    void set_pair(std::uint32_t which) noexcept { pair_ = which; }
    void on_ready();
    void hang_up() noexcept { fd_.reset(); }
    // Nothing can be sent through the fabric: the link goes down at the next poll of control.
    void break_off(std::int32_t code) noexcept;

  private:
    void finish_connect();
    void write();
    void read();
    bool deliver();
    void go_down(failure why);

    station& station_;
    tcp::descriptor fd_;
    link_owner* owner_ = nullptr;
    bool connecting_;
    const bool keeps_port_;
    const bool accepted_; // the peer has connected, and opens the data path
    const address target_;
    std::optional<std::uint64_t> destination_; // in the station's address vector
    std::uint32_t pair_ = offers::no_pair;     // of the port's offers
    std::optional<std::int32_t> broken_;
    std::vector<std::byte> out_;
    std::array<std::byte, 4 + wire::control_max> in_;
    std::size_t have_ = 0;
};

} // namespace joinleaf::rdma::ofi
