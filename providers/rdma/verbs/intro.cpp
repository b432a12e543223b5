// SPDX-License-Identifier: Apache-2.0
#include "verbs/intro.hpp"

#include "wire.hpp"

#include <cstring>

#include <endian.h>

namespace joinleaf::rdma::verbs {
namespace {

// offset 0: magic, 4: newest version, 5: oldest version, 6: two bytes 0, 8: buffer, 12: four bytes 0
constexpr std::size_t at_newest = 4;
constexpr std::size_t at_oldest = 5;
constexpr std::size_t at_buffer = 8;

std::uint32_t number_at(std::span<const std::byte> bytes, std::size_t offset) noexcept {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return be32toh(value);
}

void store(intro_bytes& out, std::size_t offset, std::uint32_t value) noexcept {
    const std::uint32_t big = htobe32(value);
    std::memcpy(out.data() + offset, &big, sizeof big);
}

} // namespace

intro_bytes encode(const intro& what) noexcept {
    intro_bytes out{};
    store(out, 0, wire::magic);
    out[at_newest] = std::byte{wire::newest_version};
    out[at_oldest] = std::byte{wire::oldest_version};
    store(out, at_buffer, what.buffer);
    return out;
}

std::optional<intro> decode_intro(std::span<const std::byte> bytes) noexcept {
    if (bytes.size() < intro_size || number_at(bytes, 0) != wire::magic) {
        return std::nullopt;
    }
    const bool speaks = std::to_integer<std::uint8_t>(bytes[at_newest]) >= wire::oldest_version &&
                        std::to_integer<std::uint8_t>(bytes[at_oldest]) <= wire::newest_version;
    const intro out{number_at(bytes, at_buffer)};
    return speaks && out.buffer >= least_buffer ? std::optional(out) : std::nullopt;
}

} // namespace joinleaf::rdma::verbs
