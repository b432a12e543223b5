// SPDX-License-Identifier: Apache-2.0
#include "runtime/socket/address_block.hpp"

#include <algorithm>
#include <cstring>

#include <sys/socket.h>

namespace joinleaf::socket {
namespace {

constexpr std::uintptr_t alignment = 8; // of a sockaddr that a program reads where it stands

// The address stands behind its length, at the first aligned place; the padding that is asked of the caller covers
// both.
std::span<char> place_of(address_block block) noexcept {
    const auto start = reinterpret_cast<std::uintptr_t>(block.data());
    const auto at = (start + sizeof(std::uint32_t) + alignment - 1) / alignment * alignment - start;
    return at < block.size() ? block.subspan(at) : std::span<char>();
}

} // namespace

static_assert(sizeof(std::uint32_t) + alignment - 1 <= JL_ACCEPT_EX_PADDING);

void store_address(address_block to, const sockaddr* name, std::uint32_t length) noexcept {
    const auto place = place_of(to);
    if (place.empty()) {
        return;
    }
    const auto stored = std::min<std::uint32_t>(length, static_cast<std::uint32_t>(place.size()));
    std::memcpy(place.data(), name, stored);
    std::memcpy(place.data() - sizeof stored, &stored, sizeof stored);
}

sockaddr* find_address(address_block in, int& length) noexcept {
    const auto place = place_of(in);
    std::uint32_t stored = 0;
    if (place.empty()) {
        length = 0;
        return nullptr;
    }
    std::memcpy(&stored, place.data() - sizeof stored, sizeof stored);
    length = static_cast<int>(std::min<std::size_t>(stored, place.size()));
    return reinterpret_cast<sockaddr*>(place.data());
}

} // namespace joinleaf::socket
