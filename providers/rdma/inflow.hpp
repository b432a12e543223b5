// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"
#include "fifo.hpp"
#include "inbox.hpp"
#include "wire.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <vector>

namespace joinleaf::rdma {

// The shares in the slots of a station: a slot goes back when the last message in it has been taken.
class slot_shares {
  public:
    using give_back = std::function<void(std::uint32_t slot, std::size_t bytes, peer& whose)>;

    explicit slot_shares(give_back last) : last_(std::move(last)) {}
    // The first share of a slot with so many bytes in it, and a further one.
    void begin(std::uint32_t slot, std::size_t bytes);
    void take(std::uint32_t slot) { ++held_[slot].shares; }
    void leave(std::uint32_t slot, peer& whose);

  private:
    struct holding {
        std::size_t bytes = 0;
        std::uint32_t shares = 0;
    };
    give_back last_;
    std::vector<holding> held_; // by slot
};

// Where messages go.
class message_sink {
  public:
    virtual ~message_sink() = default;
    // False: not now; the stream is held back.
    virtual bool has_room(peer& from) = 0;
    virtual void put(peer& from, arrived message) = 0;
};

// From the slices of one peer to messages: puts them into order, and cuts them at the messages' ends. Guarded by the
// lock of its hub.
class inflow {
  public:
    enum class arrival : std::uint8_t {
        kept,     // it is in order, or waits for those before it
        copied,   // the same, and its slot is the caller's again
        dropped,  // its bytes have come by another way; the slot is the caller's again
        repeated, // the very same slice has come before; so is its slot, which nobody had granted
        broken,   // it cannot belong to this stream; so is its slot
    };
    enum class state : std::uint8_t { idle, stalled, broken };

    // The first byte that will come has this position; so many slices may be under way.
    void begin(std::uint64_t position, std::size_t window) noexcept;
    [[nodiscard]] bool has_begun() const noexcept { return window_ != 0; }

    // Its bytes stay in the slot until they have been taken; unless `copies` is not 0, and fewer copies than that wait
    // for what is missing before them.
    arrival add(const wire::slice_head& head, const parcel& got, std::size_t copies = 0);
    // The same for bytes that came otherwise, which are copied; of those before which something is missing, at most
    // `most` wait. Never broken: anybody may have sent them.
    arrival add_copy(std::uint64_t position, std::span<const std::byte> bytes, std::size_t most);

    // Moves messages into the sink while there is room. idle: all that came is done; stalled: the sink is full; broken:
    // not a message.
    state move(message_sink& sink, peer& self, slot_shares& shares);

    // Up to which position messages have gone to the sink, and in how many pieces.
    [[nodiscard]] std::uint64_t moved() const noexcept { return moved_; }
    [[nodiscard]] std::uint64_t pieces_moved() const noexcept { return pieces_moved_; }
    // What is missing of [from, to), in ascending order.
    [[nodiscard]] std::vector<wire::range> missing(std::uint64_t from, std::uint64_t to) const;
    // Behind this position so many pieces have come that what is missing before it has hardly been overtaken.
    [[nodiscard]] std::uint64_t overtaken() const noexcept;

    // Everything up to the sender's last end has come, though perhaps not been moved.
    [[nodiscard]] bool has_all() const noexcept { return all_came_; }
    // Moved up to an end; left: for good.
    [[nodiscard]] bool has_ended() const noexcept { return ended_; }
    [[nodiscard]] bool has_left() const noexcept { return left_; }

    // Gives all slots back: nothing of this stream is wanted any more.
    void clear(peer& self, slot_shares& shares);

  private:
    struct piece {
        std::uint32_t slot = arrived::no_slot;
        std::vector<std::byte> own;       // where bytes lie, unless in a slot
        std::span<const std::byte> bytes; // what is left of it
        std::uint32_t size = 0;
        std::uint8_t flags = 0;
    };

    [[nodiscard]] bool is_repeated(std::uint32_t number);
    [[nodiscard]] bool has_come(std::uint64_t position, std::size_t size) const;
    void insert(std::uint64_t position, piece&& what);
    void insert_copy(std::uint64_t position, std::span<const std::byte> bytes, std::uint8_t flags);
    void enqueue(piece&& what);
    bool move_one(message_sink& sink, peer& self);
    bool read_record(piece& from);
    void put_whole(message_sink& sink, peer& self, std::span<const std::byte> bytes);

    std::uint64_t next_ = 0; // position of the next byte that is missing
    std::size_t window_ = 0;
    std::uint32_t number_ = 0;        // of the first slice that has not come
    std::set<std::uint32_t> numbers_; // of those behind it that have
    std::map<std::uint64_t, piece> early_;
    std::size_t early_slots_ = 0; // of these, those that lie in slots
    fifo<piece> pieces_;
    std::uint64_t moved_ = 0;
    std::uint64_t pieces_moved_ = 0;
    wire::record_bytes record_{};
    std::size_t record_have_ = 0;
    bool in_message_ = false;
    wire::record message_; // in progress
    std::vector<std::byte> whole_;
    bool broken_ = false;
    bool all_came_ = false;
    bool ended_ = false;
    bool left_ = false;
};

} // namespace joinleaf::rdma
