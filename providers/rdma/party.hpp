// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"
#include "group_wire.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace joinleaf::rdma {

class party;

// What a party tells its socket.
class party_owner {
  public:
    virtual ~party_owner() = default;
    virtual void on_joined(party& which) = 0;
    virtual void on_lost(party& which) = 0;
    virtual void on_datagram(party& which, std::span<const std::byte> bytes) = 0;
};

// One socket's part in one session without a root: a membership of its group, and the numbering of what the socket sends
// there. Guarded by the socket's lock.
class party final : public group_owner {
  public:
    using clock = std::chrono::steady_clock;

    party(party_owner& owner, const address& session, group_use use);

    // The outcome comes by on_joined or on_lost, perhaps before the return.
    void join(station& through);

    [[nodiscard]] const address& session() const noexcept { return session_; }
    [[nodiscard]] group_use use() const noexcept { return use_; }
    [[nodiscard]] bool has_joined() const noexcept { return joined_ && !lost_; }
    [[nodiscard]] const std::optional<failure>& lost() const noexcept { return lost_; }
    [[nodiscard]] clock::time_point since() const noexcept { return since_; }

    // Sends a message in as many datagrams as it needs; head carries the sender's address, host and flags. full:
    // nothing of it was sent. What could not be sent of a message that was begun waits, and resume goes on with it.
    posted send(wire::piece_head head, std::span<const iovec> parts, std::size_t size);
    // False: something still waits.
    bool resume();
    [[nodiscard]] bool has_rest() const noexcept { return rest_at_ < rest_.size(); }
    [[nodiscard]] std::size_t rest_size() const noexcept { return rest_.size() - rest_at_; }
    void drop_rest() noexcept { rest_at_ = rest_.size(); }
    void flush();

    // The head of the message that was sent last, as a receiver of it whole would see it.
    [[nodiscard]] const wire::piece_head& latest() const noexcept { return head_; }
    [[nodiscard]] std::uint64_t doorbells() const noexcept { return doorbells_; }

    void on_joined() override;
    void on_datagram(std::span<const std::byte> bytes) override { owner_.on_datagram(*this, bytes); }
    void on_posted(std::uint64_t) override {}
    void on_lost(const failure& why) override;

  private:
    posted post_piece(std::span<const std::byte> bytes);

    party_owner& owner_;
    const address session_;
    const group_use use_;
    const clock::time_point since_ = clock::now();
    std::unique_ptr<group> membership_;
    bool joined_ = false;
    std::optional<failure> lost_;

    const std::uint64_t sender_;
    std::uint32_t next_number_ = 0;
    wire::piece_head head_; // of the message that was begun last
    std::vector<std::byte> piece_;
    std::vector<std::byte> rest_; // of that message
    std::size_t rest_at_ = 0;
    bool unflushed_ = false;
    std::uint64_t doorbells_ = 0;
};

} // namespace joinleaf::rdma
