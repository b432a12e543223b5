// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"
#include "fabric.hpp"
#include "wire.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <rdma/fi_endpoint.h>

namespace joinleaf::rdma::ofi {

class line;

// The data side of a station: one reliable datagram endpoint of libfabric with its completion queue, its buffers and
// what is under way. Guarded by the owner's lock.
class port {
  public:
    static tl::expected<std::unique_ptr<port>, failure> open(const fabric& way, int family,
                                                             std::size_t slice_size);
    port(const port&) = delete;
    port& operator=(const port&) = delete;
    ~port();

    // The endpoint's name; IP addresses get the host of a link where the endpoint itself serves any.
    [[nodiscard]] std::vector<std::byte> name(const address& local) const;
    tl::expected<fi_addr_t, std::int32_t> insert(std::span<const std::byte> name);
    void remove(fi_addr_t destination) noexcept;

    // Its connections are made by the first slice, and libfabric loses the descriptor of one that comes while the endpoint is
    // being closed. So whoever is connected to knows when to expect it, and when it has come.
    [[nodiscard]] bool needs_opening() const noexcept;
    void expect_opening() noexcept { ++unopened_, expected_ = std::chrono::steady_clock::now(); }
    void note_opening() noexcept { --unopened_; }

    tl::expected<void, failure> lend(std::span<std::byte> memory);
    void take_back(std::span<std::byte> memory, std::shared_ptr<void> owner);

    tl::expected<void, failure> add_slots(std::size_t count);
    void drop_slots(std::size_t count) noexcept { surplus_ += count; }
    void give_back(std::uint32_t number);

    posted post(line& from, fi_addr_t destination, std::span<const std::byte> head,
                std::span<const std::byte> body, std::uint64_t cookie);
    // Nobody wants to hear of this line's slices any more.
    void disown(const line& which) noexcept;

    bool poll(station_owner& owner);
    [[nodiscard]] int fd() const noexcept { return fd_; }
    bool arm() noexcept;

  private:
    // What libfabric gets as context. Its first member is libfabric's own.
    struct ticket {
        fi_context2 own{};
        bool is_send = false;
    };
    struct memory_region {
        std::span<std::byte> memory;
        owned<fid_mr> registration;
        std::size_t in_flight = 0;
        std::shared_ptr<void> keep; // set when it has been taken back
    };
    struct sending : ticket {
        wire::head_bytes head{};
        void* head_descriptor = nullptr;
        line* from = nullptr;
        std::uint64_t cookie = 0;
        memory_region* region = nullptr;
    };
    struct slot : ticket {
        std::byte* at = nullptr;
        void* descriptor = nullptr;
        std::uint32_t number = 0;
    };
    struct block {
        std::byte* at = nullptr;
        std::size_t size = 0;
        owned<fid_mr> registration;
    };

    port(int family, std::size_t slice_size) : family_(family), slice_size_(slice_size) {}
    tl::expected<void, failure> start(const fabric& way);
    tl::expected<void, failure> open_queue();
    tl::expected<void, failure> open_endpoint();
    [[nodiscard]] tl::expected<owned<fid_mr>, failure> enroll(std::span<std::byte> memory,
                                                              std::uint64_t access);
    tl::expected<void, failure> add_block(std::size_t count);
    void post_slot(slot& which);
    void post_waiting();
    sending* take_sending();
    [[nodiscard]] memory_region* region_of(std::span<const std::byte> body) noexcept;
    void complete(ticket& what, std::size_t size, station_owner& owner);
    void complete_send(sending& what);
    void take_error();
    void await_openings() noexcept;

    const int family_;
    const std::size_t slice_size_;
    owned_info info_;
    std::size_t inject_size_ = 0;
    bool needs_registration_ = false;

    std::vector<block> blocks_;
    std::vector<std::unique_ptr<slot>> slots_;
    std::vector<std::uint32_t> idle_;    // slots that nobody needs now
    std::vector<std::uint32_t> waiting_; // slots that libfabric had no room for
    std::size_t surplus_ = 0;
    std::vector<std::unique_ptr<memory_region>> regions_;
    std::vector<std::unique_ptr<sending>> sendings_;
    std::vector<sending*> free_;
    std::vector<owned<fid_mr>> head_registrations_;

    std::size_t unopened_ = 0; // connections that peers will make
    std::chrono::steady_clock::time_point expected_;

    // Nothing of libfabric is shared between ports: no lock of it is ever waited for, and what one port leaves behind
    // cannot reach another.
    owned<fid_fabric> fabric_;
    owned<fid_domain> domain_;
    owned<fid_av> addresses_;
    owned<fid_cq> queue_;
    owned<fid_ep> endpoint_; // the last member: it goes first
    int fd_ = -1;
};

} // namespace joinleaf::rdma::ofi
