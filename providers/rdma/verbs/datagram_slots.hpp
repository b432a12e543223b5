// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"
#include "verbs/handles.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace joinleaf::rdma::verbs {

// A datagram that has come, in one of the slots.
struct datagram {
    std::uint32_t slot = 0;
    std::span<const std::byte> bytes;
};

// Registered memory in pieces of one size, each of which may have several readers. The memory stays where it is.
class datagram_slots {
  public:
    datagram_slots(ibv_pd& domain, std::size_t slot_size) : domain_(domain), slot_size_(slot_size) {}
    datagram_slots(const datagram_slots&) = delete;
    datagram_slots& operator=(const datagram_slots&) = delete;
    ~datagram_slots();

    // WSAENOBUFS, with what to do about a limit on locked memory.
    tl::expected<void, failure> add(std::size_t count);
    [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }
    [[nodiscard]] std::size_t idle() const noexcept { return idle_.size(); }

    [[nodiscard]] std::optional<std::uint32_t> take() noexcept;
    [[nodiscard]] std::byte* at(std::uint32_t which) const noexcept { return slots_[which].at; }
    [[nodiscard]] ibv_sge part(std::uint32_t which, std::size_t size) const noexcept {
        return {reinterpret_cast<std::uintptr_t>(slots_[which].at), static_cast<std::uint32_t>(size),
                slots_[which].key};
    }
    // A further reader; the last one that lets go makes the slot idle. Without any, let_go does.
    void hold(std::uint32_t which) noexcept { ++slots_[which].readers; }
    void let_go(std::uint32_t which) noexcept;

  private:
    struct block {
        std::byte* at = nullptr;
        std::size_t size = 0;
        owned<ibv_mr> registration;
    };
    struct slot {
        std::byte* at = nullptr;
        std::uint32_t key = 0;
        std::uint32_t readers = 0;
    };

    ibv_pd& domain_;
    const std::size_t slot_size_;
    std::vector<block> blocks_;
    std::vector<slot> slots_;
    std::vector<std::uint32_t> idle_;
};

} // namespace joinleaf::rdma::verbs
