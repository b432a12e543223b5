// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"
#include "settings.hpp"
#include "verbs/handles.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace joinleaf::rdma::verbs {

class line;

// How long a sender waits that found no buffer: shorter than what the connection manager chooses.
void ask_again_soon(ibv_qp& which) noexcept;

// Memory of the session from which the device reads slices.
struct region {
    std::span<std::byte> memory;
    owned<ibv_mr> registration;
    std::size_t in_flight = 0;
    std::shared_ptr<void> keep; // set when it has been taken back
};

// What a station has of an RDMA device: a protection domain, one completion queue with its channel, the receive buffers
// of all lines, and the registered memory. Guarded by the owner's lock.
class device {
  public:
    static tl::expected<std::unique_ptr<device>, failure> open(ibv_context& context, const settings& limits);
    device(const device&) = delete;
    device& operator=(const device&) = delete;
    ~device();

    [[nodiscard]] bool serves(const ibv_context* context) const noexcept { return &context_ == context; }
    [[nodiscard]] ibv_pd* domain() const noexcept { return domain_.get(); }
    [[nodiscard]] std::size_t buffer_size() const noexcept { return buffer_size_; }
    [[nodiscard]] std::uint32_t send_room() const noexcept { return send_room_; }

    // Gives the line's id a queue pair, and a number to the line.
    tl::expected<void, failure> equip(line& which, rdma_cm_id& id);
    // The queue pair is gone; nothing of the line is under way any more.
    void retire(const line& which, std::uint32_t queue_pair);

    tl::expected<void, failure> lend(std::span<std::byte> memory);
    void take_back(std::span<std::byte> memory, std::shared_ptr<void> owner);
    [[nodiscard]] region* region_of(std::span<const std::byte> bytes) noexcept;
    void landed(region& which);

    // Buffers for one line: it goes on having them until it is retired.
    tl::expected<void, failure> add_slots(line& which, std::size_t count);
    void give_back(std::uint32_t number) { returned_.push_back(number); }
    // Posts what was given back; before a grant goes out at the latest.
    void repost();

    // Takes in what is complete. owner null: nobody wants the slices.
    bool poll(station_owner* owner);
    [[nodiscard]] int fd() const noexcept { return channel_->fd; }
    bool arm() noexcept;
    // Empties the descriptor.
    void drain_events() noexcept;

  private:
    struct slot {
        std::byte* at = nullptr;
        std::uint32_t key = 0;
        line* home = nullptr; // on whose queue pair it is posted
        bool posted = false;
    };
    struct block {
        std::byte* at = nullptr;
        std::size_t size = 0;
        owned<ibv_mr> registration;
    };

    device(ibv_context& context, const settings& limits);
    tl::expected<void, failure> start();
    tl::expected<void, failure> reserve(std::size_t completions);
    tl::expected<void, failure> add_block(std::size_t count);
    void post(line& which, std::span<const std::uint32_t> slots);
    std::size_t fetch() noexcept;
    void handle(const ibv_wc& what, station_owner* owner);
    void received(const ibv_wc& what, station_owner* owner);

    ibv_context& context_;
    ibv_device_attr facts_{};
    const std::size_t buffer_size_;
    std::uint32_t receive_room_; // buffers of one line
    std::uint32_t send_room_ = 0;
    owned<ibv_pd> domain_;
    owned<ibv_comp_channel> channel_;
    owned<ibv_cq> queue_;
    std::size_t queue_used_ = 0;
    bool armed_ = false;
    bool polled_since_ = false;

    std::vector<block> blocks_;
    std::vector<slot> slots_;
    std::vector<std::uint32_t> idle_;
    std::vector<std::uint32_t> returned_;
    std::vector<std::unique_ptr<region>> regions_;
    std::vector<line*> lines_; // by number
    std::vector<ibv_wc> fetched_;
    std::size_t next_ = 0; // of fetched_
};

} // namespace joinleaf::rdma::verbs
