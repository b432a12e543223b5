// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"
#include "hearing.hpp"
#include "letterbox.hpp"
#include "party.hpp"
#include "settings.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace joinleaf::rdma {

// A member of sessions without a root: a station of the engine, one part in the session that it has joined, and a
// send-only part in each other one that it sends to.
//
// One lock guards everything, the station included. Data moves in the thread that asks for it: tx posts, rx polls. The
// loop does what remains when nobody asks.
class group_socket final : public endpoint, station_owner, party_owner {
  public:
    group_socket(jl_handle* handle, std::shared_ptr<const settings> limits, int family);

    // WSAEMFILE, WSAENETDOWN, WSAENOBUFS: what the engine says.
    tl::expected<void, failure> open(engine& way);

    std::int32_t bind(const sockaddr* name, std::uint32_t length) override;
    std::int32_t connect(const jl_join* join) override;
    std::int32_t join(const jl_join* join) override;
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
    std::int32_t stats(jl_stats* out) override;
    // The senders that are heard, with what is missing of each.
    std::int32_t leaves(jl_leaf_stats* out, std::uint32_t room, std::uint32_t* count) override;

  private:
    using clock = std::chrono::steady_clock;
    using party_ptr = std::unique_ptr<party>;

    link_owner* on_incoming(link&) override { return nullptr; }
    void on_parcel(const parcel& got) override { station_->give_back(got.slot); }
    void on_trouble(const address&, const failure&) override {}
    void on_joined(party& which) override;
    void on_lost(party& which) override;
    void on_datagram(party& which, std::span<const std::byte> bytes) override;

    [[nodiscard]] std::shared_ptr<group_socket> self();
    std::int32_t bind_to(const address& name);
    std::int32_t bind_for(const address& session, bool receives);
    void conclude(std::int32_t code);
    [[nodiscard]] std::int32_t check_session(const address& name) const;
    [[nodiscard]] bool has_member() const noexcept { return session_ && session_->has_joined(); }
    [[nodiscard]] bool receives() const noexcept { return session_ && session_->use() != group_use::send; }
    std::int32_t set_loopback(const void* value, std::uint32_t size);
    std::int32_t set_hops(std::int32_t level, std::int32_t name, const void* value, std::uint32_t size);
    void finish_close();

    // group_socket_data.cpp
    std::int32_t send_all(jl_msg* messages, std::uint32_t count, std::uint32_t* done);
    std::int32_t send_one(jl_msg& message);
    tl::expected<party*, std::int32_t> destination_of(const jl_msg& message);
    tl::expected<party*, std::int32_t> stranger_at(const address& where);
    [[nodiscard]] wire::piece_head new_head() const;
    void hear_own(const jl_msg& message, const party& to);
    void hear(const wire::piece_head& head, std::span<const std::byte> bytes);
    void flush_all();

    // group_socket_loop.cpp
    [[nodiscard]] jl_loop* loop();
    bool watch_station();
    void on_control_ready();
    void on_data_ready();
    void arm_watch();
    void park();
    bool poll_data();
    void after_poll();
    void keep_ticking();
    void on_tick();
    void give_up_waiting();
    void tell(std::uint32_t directions);
    template <class Call> void with(const Call& call);

    const std::shared_ptr<const settings> limits_;
    const int family_;
    const std::uint64_t host_;
    std::mutex mutex_;
    std::unique_ptr<station> station_;
    party_ptr session_;                  // joined, or about to be
    std::vector<party_ptr> others_;      // sent to without a join; the last is the latest
    std::vector<party_ptr> discard_;     // lost while they were on the stack
    std::optional<address> destination_; // of connect, instead of the session's
    std::uint64_t join_op_ = 0;
    bool join_pending_ = false;

    hearing heard_;
    letterbox box_;
    std::vector<std::byte> gathered_;
    bool loopback_ = true;
    bool host_only_ = false;
    bool circular_ = false;
    bool shut_in_ = false;
    bool shut_out_ = false;
    bool loss_told_ = false;
    bool want_in_ = false;
    bool want_out_ = false;
    bool blocked_ = false; // the last send found no room, or no membership yet

    jl_loop* loop_ = nullptr;
    watch control_watch_;
    watch data_watch_;
    timer tick_;
    bool ticking_ = false;
    bool parked_ = false; // an application polls: the loop leaves the data alone
    std::uint64_t polls_ = 0;
    std::uint64_t polls_seen_ = 0;
    bool closing_ = false;
    bool left_ = false;
    clock::time_point close_until_;

    std::uint64_t sent_messages_ = 0;
    std::uint64_t sent_bytes_ = 0;
    std::uint64_t dropped_ = 0;
    std::uint64_t evicted_ = 0;   // by newer messages in a circular queue
    std::uint64_t doorbells_ = 0; // of parts that are over
    std::int32_t last_error_ = 0;
};

} // namespace joinleaf::rdma
