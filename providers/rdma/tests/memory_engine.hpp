// SPDX-License-Identifier: Apache-2.0
//
// An engine without a device: stations of one process that meet in memory, and the failures that a network may have.
#pragma once

#include "engine.hpp"

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <random>

namespace joinleaf::rdma::test {

class memory_station;
class memory_group;

// What joins the stations. Faults may be set at any time.
class memory_network {
  public:
    struct faults {
        bool reorder = false;          // slices overtake each other
        unsigned duplicate = 0;        // one slice in so many comes twice; 0: none
        unsigned full = 0;             // one post in so many finds no room; 0: none
        bool refuse = false;           // connections are refused
        bool silent = false;           // connections come about, and nobody answers
        bool no_slots = false;         // no memory for buffers
        bool no_lend = false;          // memory cannot be registered
        bool bad_address = false;      // the peer's data address is of no use
        bool needs_opening = false;    // the joiner has to send the first slice
        bool false_alarms = false;     // the data's descriptor is readable whether something has come or not
        std::size_t slice = 1024 + 32; // bytes of a slice
        // Of groups.
        unsigned lose = 0;             // so many datagrams of a hundred do not reach a member
        unsigned copy = 0;             // one in so many reaches it twice; 0: none
        bool delay = false;            // datagrams overtake each other
        unsigned crowded = 0;          // one post in so many finds no room; 0: none
        std::int32_t no_group = 0;     // joins are refused with this code
        bool no_group_at_once = false; // and before the call returns
        int no_groups_after = 1 << 30; // joins that come about before they are refused
        std::size_t datagram = 512;    // bytes of the largest
    };

    explicit memory_network(std::uint32_t seed = 1) : lot(seed) {}

    std::mutex mutex; // of everything below
    faults now;
    std::mt19937 lot;
    std::map<std::uint16_t, memory_station*> listeners;
    std::uint16_t next_port = 1000;
    std::list<memory_group*> groups; // who is in a group, in the order of joining
    std::uint64_t datagrams = 0;     // that were posted
    std::uint64_t datagrams_lost = 0;

    // Every connection of those who listen ends, at both ends, for that reason.
    void end_connections(const failure& why);
    // Its member in that place of `groups` hears no more of it.
    void end_membership(std::size_t which);

    std::uint64_t overruns =
        0; // slices that came when no buffer was posted: the session layer must prevent it
    std::uint64_t too_early =
        0; // slices of a side that has accepted, before the joiner's first: so must it those
    std::uint64_t openings = 0;
    std::uint64_t polls = 0; // looks at the data
};

class memory_engine final : public engine {
  public:
    explicit memory_engine(memory_network& network) : network_(network) {}
    tl::expected<std::unique_ptr<station>, failure> open(int family, station_owner& owner) override;
    [[nodiscard]] std::string description() const override { return "memory"; }

  private:
    memory_network& network_;
};

} // namespace joinleaf::rdma::test
