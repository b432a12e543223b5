// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"
#include "fabric.hpp"
#include "line.hpp"
#include "port.hpp"
#include "tcp.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <vector>

namespace joinleaf::rdma::ofi {

inline constexpr const char* no_multicast = "engine ofi has no multicast: libfabric offers it nowhere but "
                                            "over UDP; multicast takes engine verbs and a device";

// A station of engine ofi: a TCP listener and lines for control, one reliable datagram endpoint for slices.
class station final : public rdma::station {
  public:
    // polled: the endpoint shall have no descriptor.
    station(std::shared_ptr<fabric> way, int family, std::size_t slice_size, bool polled,
            station_owner& owner);
    ~station() override;
    tl::expected<void, failure> open();

    std::int32_t bind(const address& name) override;
    [[nodiscard]] address local_name() const override { return local_; }
    std::int32_t listen() override;
    void stop_listening() override;
    link* connect(const address& target, bool keep_port, link_owner& owner) override;
    std::int32_t set_option(std::int32_t level, std::int32_t name, const void* value,
                            std::uint32_t size) override;
    std::int32_t get_option(std::int32_t level, std::int32_t name, void* value, std::uint32_t* size) override;
    tl::expected<void, failure> lend(std::span<std::byte> memory) override;
    void take_back(std::span<std::byte> memory, std::shared_ptr<void> owner) override;
    [[nodiscard]] std::size_t slice_size() const override { return slice_size_; }
    [[nodiscard]] bool needs_opening() const override { return data_->needs_opening(); }
    tl::expected<void, failure> add_slots(rdma::link& whose, std::size_t count) override;
    void drop_slots(std::size_t count) override;
    void give_back(std::uint32_t slot) override;
    tl::expected<std::unique_ptr<rdma::group>, failure> join_group(const address& which, group_use use,
                                                                   group_owner& owner) override;
    bool poll_control() override;
    bool poll_data() override;
    [[nodiscard]] int control_fd() const override { return epoll_.get(); }
    [[nodiscard]] int data_fd() const override;
    bool arm_data() override;
    [[nodiscard]] bool wants_polls() const override { return data_->wants_polls(); }

    // For the lines.
    void watch_line(line& which, std::uint32_t events) noexcept;
    [[nodiscard]] std::vector<std::byte> data_address(line& whose) { return data_->address_for(whose); }
    tl::expected<std::uint64_t, std::int32_t> attach(line& whose, std::span<const std::byte> data_address) {
        return data_->attach(whose, data_address);
    }
    posted post(line& from, std::span<const std::byte> head, std::span<const std::byte> body,
                std::uint64_t cookie);
    void expect_opening() noexcept { data_->expect_opening(); }
    void note_opening() noexcept { data_->note_opening(); }
    void bury(line& which);

  private:
    line* add_line(tcp::descriptor fd, bool connecting, bool keeps_port, const address& target,
                   std::uint32_t events);
    bool accept_one();
    void stop_watching(int fd) noexcept;
    void take_port_back();
    [[nodiscard]] int any_fd() const noexcept;
    tl::expected<void, failure> open_data();

    const std::shared_ptr<fabric> fabric_;
    const int family_;
    const std::size_t slice_size_;
    const bool polled_;
    station_owner& owner_;

    tcp::descriptor epoll_;
    tcp::descriptor fd_; // bound or listening, unless a line has it
    address local_;
    bool listening_ = false;
    std::list<std::unique_ptr<line>> lines_;
    std::list<std::unique_ptr<line>> buried_; // until no event can name them

    std::shared_ptr<port> data_;
};

} // namespace joinleaf::rdma::ofi
