// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"
#include "fabric.hpp"
#include "memory_file.hpp"
#include "neighbours.hpp"
#include "offers.hpp"
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
class port final : offer_port {
  public:
    static tl::expected<std::shared_ptr<port>, failure> open(const fabric& way, int family,
                                                             std::size_t slice_size, bool polled);
    port(const port&) = delete;
    port& operator=(const port&) = delete;
    ~port() override;

    // The last call but for those from within: what remains of it is there for others of this process.
    void retire() noexcept { met_.clear(); }

    // Where slices for a line go: the endpoint's name, and what its peer needs to read memory here, where no network lies
    // between. IP addresses get the host of the link where the endpoint itself serves any.
    [[nodiscard]] std::vector<std::byte> address_for(line& whose);
    // The same of the line's peer.
    tl::expected<fi_addr_t, std::int32_t> attach(line& whose, std::span<const std::byte> address);

    // Its connections are made by the first slice, and libfabric loses the descriptor of one that comes while the endpoint is
    // being closed. So whoever is connected to knows when to expect it, and when it has come.
    [[nodiscard]] bool needs_opening() const noexcept;
    void expect_opening() noexcept { ++unopened_, expected_ = std::chrono::steady_clock::now(); }
    void note_opening() noexcept { --unopened_; }

    tl::expected<void, failure> lend(std::span<std::byte> memory);
    void take_back(std::span<std::byte> memory, std::shared_ptr<void> owner);

    tl::expected<void, failure> add_slots(std::size_t count);
    void drop_slots(std::size_t count) noexcept;
    void give_back(std::uint32_t slot) override;

    posted post(line& from, fi_addr_t destination, std::span<const std::byte> head,
                std::span<const std::byte> body, std::uint64_t cookie);
    // The line ends: nobody wants to hear of its slices any more, and what it offered is not there any more.
    void part(line& which) noexcept;

    bool poll(station_owner& owner);
    [[nodiscard]] int fd() const noexcept { return fd_; }
    bool arm() noexcept;
    // A network takes what was copied by and by, and without a descriptor nobody hears of it.
    [[nodiscard]] bool wants_polls() const noexcept { return fd_ < 0 && needs_opening(); }

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
        std::optional<memory_file> file;
    };
    struct sending : ticket {
        wire::head_bytes head{};
        void* head_descriptor = nullptr;
        line* from = nullptr;
        std::uint64_t cookie = 0;
        memory_region* region = nullptr;
        std::span<const std::byte> body;
        std::uint32_t number = 0;
        bool offered = false; // libfabric knows nothing of it
    };
    struct slot : ticket {
        std::byte* at = nullptr;
        void* descriptor = nullptr;
        std::uint32_t number = 0;
        bool lands = false; // offered slices are copied there: libfabric does not know it
    };
    struct block {
        std::byte* at = nullptr;
        std::size_t size = 0;
        owned<fid_mr> registration;
    };

    port(int family, std::size_t slice_size, bool polled)
        : family_(family), slice_size_(slice_size), polled_(polled) {}
    tl::expected<void, failure> start(const fabric& way);
    tl::expected<void, failure> open_queue();
    tl::expected<void, failure> open_endpoint();
    [[nodiscard]] tl::expected<owned<fid_mr>, failure> enroll(std::span<std::byte> memory,
                                                              std::uint64_t access);
    // False: the line will do without offers.
    bool open_pair(line& whose);
    [[nodiscard]] std::vector<std::byte> endpoint_name(const address& local) const;
    tl::expected<fi_addr_t, std::int32_t> insert(std::span<const std::byte> name);
    // Numbers of the new slots are the last ones.
    tl::expected<void, failure> add_block(std::size_t count);
    tl::expected<void, failure> post_more(std::size_t count);
    void post_slot(slot& which);
    void post_waiting();
    sending* take_sending();
    posted send_message(sending& what, fi_addr_t destination);
    [[nodiscard]] bool may_offer(const sending& what) const noexcept;
    posted offer(sending& what);
    bool tell(std::uint64_t destination, notice what, std::span<const std::byte> bytes) override;
    landing room() override;
    void offer_taken(std::uint32_t number) override;
    void offer_refused(std::uint32_t number) override;
    bool send_refused();
    [[nodiscard]] memory_region* region_of(std::span<const std::byte> body) noexcept;
    void complete(const fi_cq_data_entry& entry, station_owner& owner);
    void complete_send(sending& what);
    void take_error();
    void await_openings() noexcept;

    const int family_;
    const std::size_t slice_size_;
    const bool polled_; // no descriptor is wanted
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

    std::vector<std::shared_ptr<void>> met_; // ports of this process, by their places in the table
    std::unique_ptr<offers> offers_; // null where a network lies between, or the kernel has no memory files
    tcp::descriptor next_file_; // for what is lent first: a join shall need no descriptor beyond its connection's
    std::vector<std::uint32_t> refused_;  // offered slices that have to go as messages
    std::vector<std::uint32_t> landings_; // slots for offered slices, free
    std::size_t landings_made_ = 0;
    std::size_t granted_ = 0; // slices that peers may send, grants alone included

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
