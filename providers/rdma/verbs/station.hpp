// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"
#include "settings.hpp"
#include "verbs/estate.hpp"
#include "verbs/membership.hpp"

#include "joinleaf/provider.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace joinleaf::rdma::verbs {

// A port that a closed socket's connection still holds, and that has been given to one other socket of this process.
class port_loan {
  public:
    port_loan() = default;
    port_loan(const port_loan&) = delete;
    port_loan& operator=(const port_loan&) = delete;
    ~port_loan() { give_back(); }

    // False: another socket has it.
    [[nodiscard]] bool take(std::uint16_t port);
    void give_back();

  private:
    std::uint16_t port_ = 0; // 0: none
};

// A station of engine verbs: an event channel of rdma_cm, a listening id, connections with reliable queue pairs, all of
// them on one device.
class station final : public rdma::station {
  public:
    station(executor& heir, const settings& limits, int family, station_owner& owner);
    ~station() override;
    tl::expected<void, failure> open();

    std::int32_t bind(const address& name) override;
    [[nodiscard]] address local_name() const override { return local_; }
    std::int32_t listen() override;
    void stop_listening() override;
    rdma::link* connect(const address& target, bool keep_port, link_owner& owner) override;
    std::int32_t set_option(std::int32_t level, std::int32_t name, const void* value,
                            std::uint32_t size) override;
    std::int32_t get_option(std::int32_t level, std::int32_t name, void* value, std::uint32_t* size) override;
    tl::expected<void, failure> lend(std::span<std::byte> memory) override;
    void take_back(std::span<std::byte> memory, std::shared_ptr<void> owner) override;
    [[nodiscard]] std::size_t slice_size() const override { return limits_.slice; }
    tl::expected<void, failure> add_slots(rdma::link& whose, std::size_t count) override;
    // A line's buffers come back with it.
    void drop_slots(std::size_t) override {}
    void give_back(std::uint32_t slot) override;
    tl::expected<std::unique_ptr<rdma::group>, failure> join_group(const address& which, group_use use,
                                                                   group_owner& owner) override;
    bool poll_control() override;
    bool poll_data() override;
    [[nodiscard]] int control_fd() const override { return epoll_.get(); }
    [[nodiscard]] int data_fd() const override {
        return estate_->means || !memberships_.empty() ? data_epoll_.get() : -1;
    }
    bool arm_data() override;

    // For the lines. It is on the way out, and the station forgets it.
    void bury(line& which);
    // It goes when its last control messages have gone.
    void linger(line& which);

    // For the memberships, which go before the station.
    void forget(const membership& which);
    [[nodiscard]] doorbell& control_bell() noexcept { return control_bell_; }
    [[nodiscard]] doorbell& data_bell() noexcept { return data_bell_; }

  private:
    using lines = std::list<std::unique_ptr<line>>;
    enum class option : std::uint8_t { none, reuse, tos, hops };

    [[nodiscard]] option option_of(std::int32_t level, std::int32_t name) const noexcept;
    bool arm_all();
    [[nodiscard]] tl::expected<owned<rdma_cm_id>, std::int32_t> make_id(bool reuse) const;
    [[nodiscard]] tl::expected<owned<rdma_cm_id>, std::int32_t> make_id() const { return make_id(reuse_); }
    std::int32_t bind_beside_the_closed(const address& name);
    std::int32_t bind_id(rdma_cm_id& which, const address& name) const noexcept;
    void take_port_back();
    tl::expected<device*, failure> means_for(ibv_context* context);
    lines::iterator place_of(const line& which);
    // station_group.cpp
    tl::expected<address, failure> local_for(const address& group) const;
    [[nodiscard]] bool shares_home(const membership& which) const;
    tl::expected<void, failure> hear(const membership& which);
    bool poll_groups_control();
    bool poll_groups_data();
    bool arm_groups();
    std::int32_t set_hops(int hops);
    bool take_event();
    void on_event(const rdma_cm_event& what, std::span<const std::byte> data);
    void on_request(owned<rdma_cm_id> asking, std::span<const std::byte> data);
    tl::expected<void, failure> admit(line& which);
    void on_line_event(line& which, const rdma_cm_event& what, std::span<const std::byte> data);
    void resolve_route(line& which);
    void ask(line& which);
    void on_established(line& which, std::span<const std::byte> data);
    void lose(line& which, const failure& why);

    executor& executor_;
    const settings& limits_;
    const int family_;
    station_owner& owner_;

    provider::descriptor epoll_;
    provider::descriptor data_epoll_; // inside epoll_ while the session does not watch data on its own
    // In the place of the device's descriptor, until there is one: a join needs no further descriptor (JL-74).
    provider::descriptor place_;
    port_loan loan_;
    std::unique_ptr<estate> estate_ = std::make_unique<estate>();
    owned<rdma_cm_id> id_; // bound or listening, unless a line has it
    address local_;
    bool reuse_ = false;
    std::uint8_t tos_ = 0;
    std::uint8_t hops_ = 1; // of datagrams to groups
    doorbell control_bell_;
    doorbell data_bell_;
    std::vector<membership*> memberships_;
    bool data_is_watched_ = false; // by the session: the control descriptor leaves data alone
};

} // namespace joinleaf::rdma::verbs
