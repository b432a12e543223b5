// SPDX-License-Identifier: Apache-2.0
#include "offers.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <type_traits>
#include <utility>

#include <sys/mman.h>

namespace joinleaf::rdma::ofi {
namespace {

constexpr std::size_t board_size = 4096;
constexpr std::size_t most_pairs = (board_size - sizeof(std::uint64_t)) / sizeof(std::uint32_t);

constexpr std::size_t offers_at_once = offers::notices_at_once - 2; // of one line
// A line carries one log; who names more files than a few means mischief.
constexpr std::size_t files_of_a_pair = 2;
// So many copied slices are told of together, unless none waits.
constexpr std::size_t copies_a_notice = 4;

std::uint64_t draw() {
    static thread_local std::mt19937_64 lot{std::random_device{}()};
    return lot();
}

// Both ends are processes of one host: bytes as they lie in memory.
template <class Plain> std::span<const std::byte> plain_bytes(const Plain& what) noexcept {
    static_assert(std::has_unique_object_representations_v<Plain>); // no gaps
    return std::as_bytes(std::span(&what, 1));
}

template <class Plain> std::optional<Plain> read_plain(std::span<const std::byte> bytes) noexcept {
    Plain out;
    if (bytes.size() != sizeof out) {
        return std::nullopt;
    }
    std::memcpy(&out, bytes.data(), sizeof out);
    return out;
}

// Keys are drawn by lot, but for the place.
constexpr std::uint32_t place_of(std::uint64_t key) noexcept {
    return static_cast<std::uint32_t>(key);
}

std::uint64_t cookie_of(std::span<const std::byte> board) noexcept {
    std::uint64_t out = 0;
    std::memcpy(&out, board.data(), sizeof out);
    return out;
}

// ThreadSanitizer knows no fences. What this one orders lies in other processes, of which it knows nothing either.
#ifdef __SANITIZE_THREAD__
#pragma GCC diagnostic ignored "-Wtsan"
#endif
void fence() noexcept {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

// What the word on a board says; what was read before is older.
std::uint32_t word_of(std::span<const std::byte> board, std::uint32_t place) noexcept {
    const auto* const at =
        reinterpret_cast<const std::uint32_t*>(board.data() + sizeof(std::uint64_t)) + place;
    fence();
    return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

} // namespace

struct offers::introduced {
    std::uint64_t cookie = 0; // what the board begins with: the file is the right one
    file_name board;
    std::uint64_t key = 0;
};

std::unique_ptr<offers> offers::open(offer_port& whose) {
    std::unique_ptr<offers> made(new offers(whose));
    void* const got = ::mmap(nullptr, board_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (got == MAP_FAILED) {
        return nullptr;
    }
    made->board_ = {static_cast<std::byte*>(got), board_size};
    made->board_file_ = memory_file::behind(made->board_);
    if (!made->board_file_) {
        return nullptr;
    }
    made->cookie_ = draw();
    std::memcpy(made->board_.data(), &made->cookie_, sizeof made->cookie_);
    return made;
}

offers::~offers() {
    if (!board_.empty()) {
        ::munmap(board_.data(), board_.size());
    }
}

std::uint32_t& offers::epoch(std::uint32_t which) const noexcept {
    return reinterpret_cast<std::uint32_t*>(board_.data() + sizeof cookie_)[which];
}

std::uint32_t offers::open_pair() {
    std::uint32_t out = no_pair;
    if (!free_.empty()) {
        out = free_.back();
        free_.pop_back();
    } else if (pairs_.size() < most_pairs) {
        out = static_cast<std::uint32_t>(pairs_.size());
        pairs_.emplace_back();
    } else {
        return no_pair;
    }
    pairs_[out].open = true;
    pairs_[out].key = (draw() << 32U) | out;
    return out;
}

std::vector<std::byte> offers::introduction(std::uint32_t which) const {
    static_assert(sizeof(introduced) == introduction_size);
    introduced self;
    self.cookie = cookie_;
    self.board = board_file_->name();
    self.key = pairs_[which].key;
    const auto bytes = plain_bytes(self);
    return {bytes.begin(), bytes.end()};
}

std::uint32_t offers::process_of(std::span<const std::byte> introduction) noexcept {
    const auto them = read_plain<introduced>(introduction);
    return them ? them->board.process : 0;
}

void offers::meet(std::uint32_t which, std::span<const std::byte> introduction, std::uint64_t destination) {
    const auto them = read_plain<introduced>(introduction);
    if (!them || place_of(them->key) >= most_pairs) {
        return;
    }
    pair& with = pairs_[which];
    with.destination = destination;
    with.their_key = them->key;
    with.board = memory_view::of(them->board);
    if (with.board && with.board->bytes().size() == board_size &&
        cookie_of(with.board->bytes()) == them->cookie) {
        tell(with, notice::reader, {});
    } else {
        with.board = nullptr;
    }
}

void offers::close_pair(std::uint32_t which) noexcept {
    __atomic_fetch_add(&epoch(which), 1, __ATOMIC_RELEASE);
    fence(); // nothing is written over before
    pairs_[which] = {};
    free_.push_back(which);
}

bool offers::may_offer(std::uint32_t which) const noexcept {
    return which < pairs_.size() && pairs_[which].reads && pairs_[which].flying.size() < offers_at_once;
}

bool offers::offer(std::uint32_t which, std::span<const std::byte> head, const file_name& file,
                   std::uint64_t offset, std::size_t size, std::uint32_t number) {
    pair& with = pairs_[which];
    offered what;
    std::copy(head.begin(), head.end(), what.head.begin());
    what.to = with.their_key;
    what.file = file;
    what.offset = offset;
    what.size = static_cast<std::uint32_t>(size);
    what.number = number;
    what.epoch = epoch(which);
    static_assert(sizeof what <= notice_max);
    if (!port_.tell(with.destination, notice::offer, plain_bytes(what))) {
        return false;
    }
    with.flying.push_back(number);
    return true;
}

offers::pair* offers::find(std::uint64_t key) noexcept {
    const std::uint32_t index = place_of(key);
    return index < pairs_.size() && pairs_[index].open && pairs_[index].key == key ? &pairs_[index] : nullptr;
}

void offers::on_notice(notice what, std::span<const std::byte> bytes) {
    if (what == notice::offer) {
        if (const auto given = read_plain<offered>(bytes)) {
            on_offer(*given);
        }
        return;
    }
    const auto given = read_plain<answer>(bytes);
    pair* const from = given && given->count <= answer::most ? find(given->to) : nullptr;
    if (from != nullptr) {
        on_answer(*from, what, *given);
    }
}

// More than are ever under way come from nobody who keeps to the rules.
void offers::on_offer(const offered& what) {
    if (pair* const from = find(what.to); from != nullptr && from->waiting < offers_at_once) {
        ++from->waiting;
        waiting_.push_back(what);
    }
}

void offers::on_answer(pair& from, notice what, const answer& bytes) {
    from.reads = what == notice::reader || (what == notice::taken && from.reads);
    for (const std::uint32_t number : std::span(bytes.numbers).first(bytes.count)) {
        const auto found = std::ranges::find(from.flying, number);
        if (found == from.flying.end()) {
            continue;
        }
        from.flying.erase(found);
        if (what == notice::taken) {
            port_.offer_taken(number);
        } else {
            port_.offer_refused(number);
        }
    }
}

bool offers::land(station_owner& owner) {
    const bool told = !untold_.empty() && tell_again();
    if (waiting_.empty()) {
        return told;
    }
    const landing to = port_.room();
    if (to.bytes.empty()) {
        return told;
    }
    const offered what = waiting_.front();
    waiting_.pop_front();
    pair* const from = find(what.to);
    if (from == nullptr) {
        port_.give_back(to.slot);
        return true;
    }
    --from->waiting;
    const auto bytes = bytes_of(*from, what);
    if (bytes.size() != what.size || wire::head_size + bytes.size() > to.bytes.size()) {
        port_.give_back(to.slot);
        tell(*from, notice::unreadable, std::span(&what.number, 1));
        return true;
    }
    copy(*from, what, bytes, to, owner);
    return true;
}

// In the peer's memory. Of another length: it is not there, or cannot be seen.
std::span<const std::byte> offers::bytes_of(pair& from, const offered& what) {
    if (!from.board || what.file.process != from.board->name().process) {
        return {};
    }
    auto known = std::ranges::find_if(from.files, [&](const auto& each) { return each->name() == what.file; });
    if (known == from.files.end()) {
        auto made = from.files.size() < files_of_a_pair ? memory_view::of(what.file) : nullptr;
        if (!made) {
            return {};
        }
        from.files.push_back(std::move(made));
        known = std::prev(from.files.end());
    }
    const auto all = (*known)->bytes();
    const bool inside = what.offset <= all.size() && what.size <= all.size() - what.offset;
    return inside ? all.subspan(what.offset, what.size) : std::span<const std::byte>{};
}

// A sender that has left the line meanwhile may write there what it likes: what was copied then is nothing.
void offers::copy(pair& from, const offered& what, std::span<const std::byte> bytes, const landing& to,
                  station_owner& owner) {
    std::memcpy(to.bytes.data(), what.head.data(), what.head.size());
    std::memcpy(to.bytes.data() + what.head.size(), bytes.data(), bytes.size());
    if (word_of(from.board->bytes(), place_of(from.their_key)) != what.epoch) {
        port_.give_back(to.slot);
        return;
    }
    from.copied.push_back(what.number);
    if (from.copied.size() >= copies_a_notice || from.waiting == 0) {
        tell_copied(from);
    }
    owner.on_parcel({to.slot, to.bytes.first(what.head.size() + bytes.size())});
}

void offers::tell_copied(pair& with) {
    tell(with, notice::taken, with.copied);
    with.copied.clear();
}

void offers::tell(const pair& with, notice what, std::span<const std::uint32_t> numbers) {
    answer bytes;
    bytes.to = with.their_key;
    bytes.count = static_cast<std::uint32_t>(numbers.size());
    std::ranges::copy(numbers, bytes.numbers.begin());
    if (!untold_.empty() || !port_.tell(with.destination, what, plain_bytes(bytes))) {
        untold_.push_back({with.key, what, bytes});
    }
}

bool offers::tell_again() {
    bool any = false;
    while (!untold_.empty()) {
        const untold& next = untold_.front();
        const pair* const with = find(next.pair);
        if (with != nullptr && !port_.tell(with->destination, next.what, plain_bytes(next.bytes))) {
            break;
        }
        untold_.pop_front();
        any = true;
    }
    return any;
}

} // namespace joinleaf::rdma::ofi
