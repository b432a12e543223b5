// SPDX-License-Identifier: Apache-2.0
//
// Slices between processes of one host that are not sent: the sender offers them, and the receiver copies them out of the
// sender's memory. The session layer sees no difference.
#pragma once

#include "engine.hpp"
#include "memory_file.hpp"
#include "wire.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace joinleaf::rdma::ofi {

// What two ports tell each other beside slices: the data of a completion. WIRE.md has the bytes.
enum class notice : std::uint64_t {
    reader = 1,     // the sender of this can read the memory of who gets it
    offer = 2,      // a slice lies there
    taken = 3,      // it has been copied
    unreadable = 4, // it cannot be
};

// A buffer of the station's for one slice.
struct landing {
    std::uint32_t slot = 0;
    std::span<std::byte> bytes; // empty: there is none
};

// What offers need of their port.
class offer_port {
  public:
    virtual ~offer_port() = default;
    // Sends a notice of at most notice_max bytes. False: not now.
    virtual bool tell(std::uint64_t destination, notice what, std::span<const std::byte> bytes) = 0;
    // None: peers have sent more than was granted to them, or there is no memory.
    virtual landing room() = 0;
    // Back, unused.
    virtual void give_back(std::uint32_t slot) = 0;
    // The memory of an offered slice is free.
    virtual void offer_taken(std::uint32_t number) = 0;
    // It has to go as a message.
    virtual void offer_refused(std::uint32_t number) = 0;
};

// The offers of a port, with all peers. Guarded by the owner's lock.
class offers {
  public:
    static constexpr std::size_t notice_max = 112;
    static constexpr std::size_t introduction_size = 32;
    // Notices that one peer may have sent and this side not looked at, as long as both are honest.
    static constexpr std::size_t notices_at_once = 34;
    // Below this many bytes a message costs less.
    static constexpr std::size_t least = 4096;
    static constexpr std::uint32_t no_pair = 0xFFFFFFFF;

    // Null: the kernel has no memory file to give.
    static std::unique_ptr<offers> open(offer_port& whose);
    offers(const offers&) = delete;
    offers& operator=(const offers&) = delete;
    ~offers();

    // A line with a peer; no_pair: there are too many.
    std::uint32_t open_pair();
    // What the peer has to know: goes with the address in the data plane.
    [[nodiscard]] std::vector<std::byte> introduction(std::uint32_t which) const;
    // The process that says so; 0: it says nothing.
    static std::uint32_t process_of(std::span<const std::byte> introduction) noexcept;
    // The peer's; where its endpoint is. One that cannot be read, or says nothing, gets and sends messages only.
    void meet(std::uint32_t which, std::span<const std::byte> introduction, std::uint64_t destination);
    // Nothing of this line is under way any more: what was offered and not copied never will be, whatever is written there
    // from now on.
    void close_pair(std::uint32_t which) noexcept;

    // The peer can read, and has not too many offers.
    [[nodiscard]] bool may_offer(std::uint32_t which) const noexcept;
    // False: not now. number: for offer_taken or offer_refused.
    bool offer(std::uint32_t which, std::span<const std::byte> head, const file_name& file,
               std::uint64_t offset, std::size_t size, std::uint32_t number);

    void on_notice(notice what, std::span<const std::byte> bytes);
    // Copies one slice that was offered and hands it on; tells what could not be told before. False: nothing happened.
    bool land(station_owner& owner);
    // Nothing waits to be copied or told.
    [[nodiscard]] bool is_idle() const noexcept { return waiting_.empty() && untold_.empty(); }

  private:
    struct offered {
        wire::head_bytes head{};
        std::uint64_t to = 0; // key of the receiver's pair
        file_name file;
        std::uint64_t offset = 0;
        std::uint32_t size = 0;
        std::uint32_t number = 0; // the sender's
        std::uint32_t epoch = 0;  // what its board says as long as this is good
        std::uint32_t unused = 0;
    };
    // The same bytes for taken and unreadable, which name one slice at least, and for reader, which names none.
    struct answer {
        static constexpr std::size_t most = 8;

        std::uint64_t to = 0;
        std::uint32_t count = 0;
        std::array<std::uint32_t, most> numbers{};
        std::uint32_t unused = 0;
    };
    struct untold {
        std::uint64_t pair = 0; // its key
        notice what = notice::taken;
        answer bytes;
    };
    struct pair {
        bool open = false;
        std::uint64_t key = 0; // ours: the peer names it
        std::uint64_t destination = 0;
        std::uint64_t their_key = 0; // its low half: their place on their board
        std::unique_ptr<const memory_view> board;
        std::vector<std::unique_ptr<const memory_view>> files;
        bool reads = false;                // the peer can read
        std::vector<std::uint32_t> flying; // numbers of what it has been offered
        std::vector<std::uint32_t> copied; // of what it has offered, not told yet
        std::size_t waiting = 0;           // what it has offered that is not copied
    };

    struct introduced;

    explicit offers(offer_port& whose) : port_(whose) {}
    [[nodiscard]] std::uint32_t& epoch(std::uint32_t which) const noexcept;
    [[nodiscard]] pair* find(std::uint64_t key) noexcept;
    static std::span<const std::byte> bytes_of(pair& from, const offered& what);
    void on_offer(const offered& what);
    void on_answer(pair& from, notice what, const answer& bytes);
    void copy(pair& from, const offered& what, std::span<const std::byte> bytes, const landing& to,
              station_owner& owner);
    void tell_copied(pair& with);
    void tell(const pair& with, notice what, std::span<const std::uint32_t> numbers);
    bool tell_again();

    offer_port& port_;
    std::span<std::byte> board_; // a cookie, then an epoch for each pair
    std::optional<memory_file> board_file_;
    std::uint64_t cookie_ = 0;
    std::vector<pair> pairs_;
    std::vector<std::uint32_t> free_;
    std::deque<offered> waiting_;
    std::deque<untold> untold_; // for which there was no room
};

} // namespace joinleaf::rdma::ofi
