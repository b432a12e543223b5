// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"
#include "fifo.hpp"
#include "verbs/datagram_slots.hpp"
#include "verbs/multicast.hpp"

#include "joinleaf/provider.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace joinleaf::rdma::verbs {

class station;

// A descriptor that other threads make readable.
class doorbell {
  public:
    doorbell();
    // [any]
    void ring() noexcept;
    // Before looking at what it was rung for.
    void quiet() noexcept;
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  private:
    provider::descriptor fd_;
    std::mutex mutex_; // descriptor and flag change together
    std::atomic<bool> rung_{false};
};

// One station's membership of a group.
class membership final : public group {
  public:
    membership(station& where, std::shared_ptr<multicast> home, group_use use, std::uint8_t hops,
               group_owner& owner);
    membership(const membership&) = delete;
    membership& operator=(const membership&) = delete;
    ~membership() override;

    [[nodiscard]] std::size_t datagram_size() const override { return home_->datagram_size(); }
    posted post(std::span<const std::byte> head, std::span<const std::byte> body,
                std::uint64_t cookie) override;
    void flush() override { home_->flush(); }

    // For the station, with its owner's lock. Tell the owner what there is; false: nothing.
    bool poll_control();
    bool poll_data();
    bool arm() { return over_ || home_->arm(*this); }
    void set_hops(std::uint8_t hops) { home_->set_hops(*this, hops); }
    [[nodiscard]] const std::shared_ptr<multicast>& home() const noexcept { return home_; }
    [[nodiscard]] bool receives() const noexcept { return use_ != group_use::send; }

  private:
    friend class multicast;

    station& station_;
    const std::shared_ptr<multicast> home_;
    const group_use use_;
    group_owner& owner_;
    std::vector<datagram> fetched_;
    bool over_ = false; // the owner has heard the last of it

    // The multicast's, with its lock.
    doorbell& control_bell_;
    doorbell& data_bell_;
    fifo<datagram> waiting_;
    std::size_t waiting_most_ = 0; // datagrams; what comes beyond is lost
    bool joined_ = false;
    bool joined_told_ = false;
    std::optional<failure> lost_;
    std::uint8_t hops_;
    ibv_ah* handle_ = nullptr;
};

} // namespace joinleaf::rdma::verbs
