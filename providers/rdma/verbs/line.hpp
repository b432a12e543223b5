// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"
#include "fifo.hpp"
#include "verbs/device.hpp"
#include "verbs/handles.hpp"
#include "verbs/intro.hpp"
#include "wire.hpp"

#include "joinleaf/provider.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace joinleaf::rdma::verbs {

class station;

// Lines that have something for poll_control to do, and the descriptor that says so.
class bell {
  public:
    bell();
    void ring(line& which);
    void forget(const line& which) noexcept { std::erase(waiting_, &which); }
    // The next one, or null. The descriptor is quiet when there is none.
    line* next() noexcept;
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  private:
    provider::descriptor fd_;
    std::vector<line*> waiting_;
};

// A link of engine verbs: a connection of rdma_cm with a reliable queue pair. Control messages go as a stream of chunks,
// each a send with immediate data; slices are sends without.
class line final : public link {
  public:
    enum class phase : std::uint8_t { resolving, connecting, accepting, open, down };

    line(station& where, bell& ringer, owned<rdma_cm_id> id, phase first, bool keeps_port,
         const address& target);
    ~line() override;
    line(const line&) = delete;
    line& operator=(const line&) = delete;

    [[nodiscard]] address local() const override;
    [[nodiscard]] address peer() const override { return target_; }
    void control(std::span<const std::byte> message) override;
    // The queue pair is all there is.
    [[nodiscard]] std::vector<std::byte> data_address() override { return {}; }
    std::int32_t attach(std::span<const std::byte> data_address) override {
        return data_address.empty() ? 0 : WSAEINVAL;
    }
    posted post(std::span<const std::byte> head, std::span<const std::byte> body,
                std::uint64_t cookie) override;
    void flush() override;
    void retire() override;
    void close(bool abort) override;

    // For the station.
    void set_owner(link_owner* owner) noexcept { owner_ = owner; }
    [[nodiscard]] link_owner* owner() const noexcept { return owner_; }
    [[nodiscard]] rdma_cm_id& id() const noexcept { return *id_; }
    [[nodiscard]] phase state() const noexcept { return state_; }
    void set_state(phase next) noexcept { state_ = next; }
    [[nodiscard]] bool keeps_port() const noexcept { return keeps_port_; }
    tl::expected<void, failure> equip(device& which);
    void hear(const intro& said) noexcept { peer_buffer_ = said.buffer; }
    // Both sides are there, and this one has heard the other's intro.
    void establish();
    // What the bell was rung for.
    void serve();
    void go_down(const failure& why);
    // The queue pair and the connection end; nothing of it is under way any more.
    void hang_up() noexcept;
    // Control messages are still to go.
    [[nodiscard]] bool is_draining() const noexcept {
        return state_ == phase::open && !broken_ && (!out_.empty() || chunks_under_way_ != 0);
    }

    // For the device.
    [[nodiscard]] ibv_qp* queue_pair() const noexcept { return id_->qp; }
    void sent(std::uint32_t last);
    void take_chunk(const parcel& chunk);
    void break_off(const failure& why);
    static std::uint32_t number_of(std::uint64_t request) noexcept {
        return static_cast<std::uint32_t>(request >> 32U);
    }
    static std::uint32_t send_of(std::uint64_t request) noexcept {
        return static_cast<std::uint32_t>(request);
    }

  private:
    friend class device;

    // A send that has been posted.
    struct flight {
        std::uint64_t cookie = 0;
        region* from = nullptr; // null: its memory is this line's
        bool is_chunk = false;
        bool tells = false; // its owner waits for the cookie
    };
    struct request {
        ibv_send_wr what{};
        std::array<ibv_sge, 2> parts{};
    };

    [[nodiscard]] bool has_send_room() const noexcept { return flying_.size() < device_->send_room(); }
    request& add_request(const flight& with);
    void send_chunks();
    void deliver();
    bool deliver_message();

    station& station_;
    bell& bell_;
    device* device_ = nullptr;
    link_owner* owner_ = nullptr;
    phase state_;
    const bool keeps_port_;
    const address target_;
    std::optional<failure> broken_;
    std::uint32_t peer_buffer_ = 0;

    // What is sent from this line's own memory: a head for each send, and the chunks.
    std::byte* memory_ = nullptr;
    std::size_t memory_size_ = 0;
    owned<ibv_mr> registration_;
    std::uint32_t number_ = 0;      // the device's
    std::uint32_t slots_ = 0;       // the device's
    std::uint32_t inline_room_ = 0; // the device's

    fifo<flight> flying_;
    std::uint32_t first_send_ = 0;   // number of the first in flying_
    std::vector<request> chain_;     // not posted yet: the newest of flying_
    std::uint32_t since_signal_ = 0; // sends behind the last that will be told of
    std::vector<std::byte> out_;     // control messages, each behind its length
    std::uint32_t chunks_under_way_ = 0;
    std::uint32_t next_chunk_ = 0;

    std::vector<parcel> chunks_; // that came
    std::vector<std::byte> in_;

    owned<rdma_cm_id> id_; // the last member: it goes first
};

} // namespace joinleaf::rdma::verbs
