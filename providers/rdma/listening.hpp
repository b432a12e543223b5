// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"
#include "wire.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace joinleaf::rdma {

class hub;
struct peer;

// A leaf's membership in its root's group. Guarded by the lock of its hub, which keeps it until no callback can be under
// way.
class listening final : public group_owner {
  public:
    listening(hub& where, peer& root, const wire::group_call& call)
        : window(call.window), datagram(call.datagram), home_(where), root_(&root) {}

    void on_joined() override;
    void on_datagram(std::span<const std::byte> bytes) override;
    void on_posted(std::uint64_t) override {}
    void on_lost(const failure& why) override;

    // Nobody wants to hear of it any more.
    void forget() noexcept { root_ = nullptr; }

    // The root's data come by the group from now on.
    void turn(const wire::turn& what) noexcept;
    [[nodiscard]] bool is_on() const noexcept { return is_on_; }
    // The next datagrams name another channel; those of the last one may still be under way.
    void change(std::uint64_t channel) noexcept;
    [[nodiscard]] bool hears(std::uint64_t channel) const noexcept {
        return is_on_ && (channel == channel_ || channel == last_channel_);
    }
    // Positions of the group in the stream of the connection, and back.
    [[nodiscard]] std::uint64_t to_stream(std::uint64_t position) const noexcept {
        return position + offset_;
    }
    [[nodiscard]] std::uint64_t to_group(std::uint64_t position) const noexcept { return position - offset_; }

    // Of a position of the stream of the connection, when everything up to `moved` has been taken: nobody sends further than
    // the window reaches.
    [[nodiscard]] bool reaches(std::uint64_t position, std::uint64_t moved) const noexcept {
        return position - std::max(moved, from) <= 2 * window * datagram;
    }

    std::unique_ptr<group> line;
    bool joined = false;        // the engine has said so
    std::size_t window;         // datagrams under way
    const std::size_t datagram; // bytes of the largest

    // Of the stream of the connection.
    std::uint64_t from = 0;     // the group's data begin here
    std::uint64_t asked_to = 0; // what was missing before has been asked for
    std::uint64_t told = 0;     // what the root knows to be taken
    std::uint64_t mark = 0;     // so far the group has got, the root says
    std::uint64_t owed = 0;     // of this the root wants to know when it is taken
    std::uint64_t pieces_told = 0;

    // Datagrams that came before the turn, which takes another path.
    std::vector<std::vector<std::byte>> early;

  private:
    hub& home_;
    peer* root_;
    bool is_on_ = false;
    std::uint64_t channel_ = 0;
    std::uint64_t last_channel_ = 0;
    std::uint64_t offset_ = 0;
};

} // namespace joinleaf::rdma
