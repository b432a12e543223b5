// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"
#include "flow.hpp"
#include "group_record.hpp"
#include "outflow.hpp"
#include "seat.hpp"
#include "wire.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

namespace joinleaf::rdma {

class hub;

// What a root sends to its group, once for all leaves that listen there: a cursor over the root's log, and the datagrams
// that some leaf has not taken. Guarded by the lock of its hub.
class cast final : public group_owner {
  public:
    enum class phase : std::uint8_t { joining, up, lost };
    using clock = std::chrono::steady_clock;

    cast(hub& where, std::shared_ptr<flow> whose) : data(std::move(whose)), home_(where) {}

    void on_joined() override;
    void on_datagram(std::span<const std::byte>) override {}
    void on_posted(std::uint64_t cookie) override;
    void on_lost(const failure& why) override;

    // How much may be under way: what the leaves have room for, and no more than half of the log.
    void open(std::size_t send_buffer);
    [[nodiscard]] std::size_t window() const noexcept { return window_; }
    [[nodiscard]] bool has_room() const noexcept;

    // Some leaf's data end, or will be taken from here, only behind the cursor.
    [[nodiscard]] bool is_followed() const noexcept;
    // Up to this position somebody listens.
    [[nodiscard]] std::uint64_t heard_until() const noexcept;
    // How far the group has got for this leaf: to its end at most.
    [[nodiscard]] std::uint64_t reached(const outflow& leaf) const noexcept;
    [[nodiscard]] std::uint64_t needs(std::uint64_t head) const noexcept;
    // Somebody has to be told how far the group has got; this leaf.
    [[nodiscard]] bool has_news() const noexcept;
    [[nodiscard]] bool has_news_for(const peer& leaf) const noexcept;
    // So far everybody has to have got.
    [[nodiscard]] std::uint64_t reached_by_all() const noexcept;

    // Of what has no memory in the log.
    static constexpr std::uint64_t no_cookie = ~std::uint64_t{0};
    void posted(const outflow::slice& what, bool free);
    // Forgets what everybody has taken; and, when nobody follows, what nobody waits for.
    void trim();

    // The log's position of what begins there; nothing: no datagram begins or ends there.
    [[nodiscard]] std::optional<std::uint64_t> position_of(std::uint64_t stream) const noexcept;
    // Datagrams in [from, to).
    [[nodiscard]] std::size_t count(std::uint64_t from, std::uint64_t to) const noexcept;
    // The leaf gets these once more. False: not at once what was sent, and a hole of that leaf.
    bool repair(seat& whose, const wire::range& missing) const;
    void repair_all(seat& whose) const;

    [[nodiscard]] group_figures figures() const;

    const std::shared_ptr<flow> data;
    std::unique_ptr<group> line;
    phase state = phase::joining;
    failure why; // it is lost
    clock::time_point retry_at = clock::time_point::max();
    unsigned vain = 0; // joins in a row
    std::uint64_t channel = 0;
    outflow out;
    // Where leaves end that others outlast: what follows has another channel, which they do not know.
    std::deque<std::uint64_t> endings;
    bool blocked = false;  // the engine had no room
    bool released = false; // memory has become free
    clock::time_point posted_at{};
    unsigned marks = 0; // times since then that the group was told how far it has got

    // For statistics.
    group_figures recorded; // what the entry's record has of this
    std::uint64_t datagrams = 0;
    std::uint64_t repairs = 0;
    std::uint64_t requests = 0;

  private:
    [[nodiscard]] std::deque<datagram>::const_iterator find(std::uint64_t stream) const noexcept;

    hub& home_;
    std::size_t window_ = 0;
    std::deque<datagram> sent_; // from the first that somebody has not taken
};

} // namespace joinleaf::rdma
