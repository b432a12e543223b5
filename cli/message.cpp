// SPDX-License-Identifier: Apache-2.0
#include "message.hpp"

#include <algorithm>
#include <cstring>
#include <random>

namespace joinleaf::cli {

namespace {

constexpr std::array magic{std::byte{'J'}, std::byte{'L'}, std::byte{'T'}, std::byte{'R'}};
constexpr std::uint64_t version = 1;
constexpr std::uint64_t unknown_size = ~std::uint64_t{0};

void put(std::span<std::byte> where, std::uint64_t number) {
    for (std::size_t i = where.size(); i > 0; --i, number >>= 8U) {
        where[i - 1] = static_cast<std::byte>(number & 0xFFU);
    }
}

std::uint64_t get(std::span<const std::byte> where) {
    std::uint64_t number = 0;
    for (const std::byte byte : where) {
        number = number << 8U | std::to_integer<std::uint64_t>(byte);
    }
    return number;
}

bool is_kind(std::uint64_t number) {
    return number >= static_cast<std::uint64_t>(kind::here) && number <= static_cast<std::uint64_t>(kind::bye);
}

} // namespace

header_bytes encode(const header& value, std::size_t payload_size) {
    header_bytes bytes{};
    const std::span<std::byte> all(bytes);
    std::copy(magic.begin(), magic.end(), bytes.begin());
    put(all.subspan(4, 1), version);
    put(all.subspan(5, 1), static_cast<std::uint64_t>(value.kind));
    put(all.subspan(6, 2), value.flags);
    put(all.subspan(8, 8), value.session);
    put(all.subspan(16, 8), value.number);
    put(all.subspan(24, 8), payload_size);
    return bytes;
}

std::optional<header> decode(std::span<const std::byte> message) {
    if (message.size() < header_size || !std::equal(magic.begin(), magic.end(), message.begin()) ||
        get(message.subspan(4, 1)) != version || !is_kind(get(message.subspan(5, 1))) ||
        get(message.subspan(24, 8)) != message.size() - header_size) {
        return std::nullopt;
    }
    header value;
    value.kind = static_cast<kind>(get(message.subspan(5, 1)));
    value.flags = static_cast<std::uint16_t>(get(message.subspan(6, 2)));
    value.session = get(message.subspan(8, 8));
    value.number = get(message.subspan(16, 8));
    return value;
}

payload encode(const description& value, std::size_t room) {
    const std::size_t name_size = std::min(value.name.size(), room - 8);
    payload bytes(8 + name_size);
    put(std::span(bytes).first(8), value.size.value_or(unknown_size));
    std::memcpy(bytes.data() + 8, value.name.data(), name_size);
    return bytes;
}

std::optional<description> decode_description(std::span<const std::byte> bytes) {
    if (bytes.size() < 8) {
        return std::nullopt;
    }
    description value;
    if (const std::uint64_t size = get(bytes.first(8)); size != unknown_size) {
        value.size = size;
    }
    for (const std::byte byte : bytes.subspan(8)) {
        value.name.push_back(std::to_integer<char>(byte));
    }
    return value;
}

payload encode(const summary& value) {
    payload bytes(8 + value.sha256.size());
    put(std::span(bytes).first(8), value.bytes);
    std::copy(value.sha256.begin(), value.sha256.end(), bytes.begin() + 8);
    return bytes;
}

std::optional<summary> decode_summary(std::span<const std::byte> bytes) {
    summary value;
    if (bytes.size() != 8 + value.sha256.size()) {
        return std::nullopt;
    }
    value.bytes = get(bytes.first(8));
    std::copy(bytes.begin() + 8, bytes.end(), value.sha256.begin());
    return value;
}

payload encode(const report& value) {
    payload bytes(17);
    const std::span<std::byte> all(bytes);
    put(all.first(1), value.complete ? 1 : 0);
    put(all.subspan(1, 8), value.bytes);
    put(all.subspan(9, 8), value.lost);
    return bytes;
}

std::optional<report> decode_report(std::span<const std::byte> bytes) {
    if (bytes.size() != 17) {
        return std::nullopt;
    }
    return report{get(bytes.first(1)) == 1, get(bytes.subspan(1, 8)), get(bytes.subspan(9, 8))};
}

std::uint64_t draw_number() {
    std::random_device device;
    const std::uint64_t number = std::uint64_t{device()} << 32U | device();
    return number == 0 ? 1 : number;
}

} // namespace joinleaf::cli
