// SPDX-License-Identifier: Apache-2.0
#include "envelope.hpp"

#include <arpa/inet.h>

#include <cstring>
#include <optional>

namespace joinleaf::udp_mcast {

namespace {

constexpr char magic[2] = {'J', 'M'};
constexpr char version = 1;

std::uint32_t load_long(const char* from) noexcept {
    std::uint32_t value = 0;
    std::memcpy(&value, from, sizeof value);
    return ntohl(value);
}

void store_long(char* to, std::uint32_t value) noexcept {
    value = htonl(value);
    std::memcpy(to, &value, sizeof value);
}

std::uint16_t load_length(const char* from) noexcept {
    std::uint16_t value = 0;
    std::memcpy(&value, from, sizeof value);
    return ntohs(value);
}

// The message that begins with its length at the start of `rest`; nothing: the datagram is over, or damaged.
std::optional<std::span<const char>> packed_message(std::span<const char> rest) noexcept {
    if (rest.size() < envelope::length_size) {
        return std::nullopt;
    }
    const auto length = load_length(rest.data());
    if (rest.front() == envelope::filling || length > rest.size() - envelope::length_size) {
        return std::nullopt;
    }
    return rest.subspan(envelope::length_size, length);
}

} // namespace

void envelope::write(char* to) const noexcept {
    to[0] = magic[0];
    to[1] = magic[1];
    to[2] = version;
    to[3] = static_cast<char>(flags);
    store_long(to + 4, sender);
    store_long(to + 8, number);
}

void envelope::write_length(char* to, std::size_t length) noexcept {
    const auto value = htons(static_cast<std::uint16_t>(length));
    std::memcpy(to, &value, sizeof value);
}

bool opened_envelope::open(std::span<const char> datagram) noexcept {
    open_ = false;
    if (datagram.size() < envelope::size || std::memcmp(datagram.data(), magic, sizeof magic) != 0 ||
        datagram[2] != version) {
        return false;
    }
    header_.flags = static_cast<std::uint8_t>(datagram[3]);
    header_.sender = load_long(datagram.data() + 4);
    header_.number = load_long(datagram.data() + 8);
    const auto bytes = datagram.subspan(envelope::size);
    if ((header_.flags & ~(envelope::packed | envelope::numbered)) != 0) {
        return false;
    }
    if ((header_.flags & envelope::packed) == 0) {
        count_ = 1;
        message_ = bytes;
    } else if (!count_messages(bytes)) {
        return false;
    }
    left_ = count_;
    open_ = true;
    return true;
}

std::size_t opened_envelope::first_size(std::span<const char> start, std::size_t size) noexcept {
    if (size < envelope::size || start.size() < envelope::size) {
        return 0;
    }
    if ((static_cast<std::uint8_t>(start[3]) & envelope::packed) == 0) {
        return size - envelope::size;
    }
    return start.size() < envelope::size + envelope::length_size ? 0
                                                                 : load_length(start.data() + envelope::size);
}

// Every length is checked before the first message is handed out. What follows the last one
// must be filling.
bool opened_envelope::count_messages(std::span<const char> bytes) noexcept {
    auto rest = bytes;
    count_ = 0;
    while (const auto message = packed_message(rest)) {
        message_ = count_ == 0 ? *message : message_;
        rest = rest.subspan(envelope::length_size + message->size());
        ++count_;
    }
    return count_ > 0 && (rest.empty() || rest.front() == envelope::filling);
}

void opened_envelope::advance() noexcept {
    const char* const behind = message_.data() + message_.size();
    message_ = {behind + envelope::length_size, load_length(behind)};
    --left_;
}

} // namespace joinleaf::udp_mcast
