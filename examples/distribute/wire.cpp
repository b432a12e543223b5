// SPDX-License-Identifier: Apache-2.0
#include "wire.hpp"

#include "session.hpp"

#include <algorithm>
#include <charconv>

namespace distribute {

namespace {

constexpr std::string_view magic = "JLDX";

void put(std::byte* at, std::uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8) {
        *at++ = static_cast<std::byte>(value >> static_cast<unsigned>(shift) & 0xFFU);
    }
}

std::uint64_t get(const std::byte* at) {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) {
        value = value << 8U | std::to_integer<std::uint64_t>(*at++);
    }
    return value;
}

std::array<std::byte, header_size> encode(const header& head) {
    std::array<std::byte, header_size> raw{};
    std::ranges::copy(bytes_of(magic), raw.begin());
    raw[4] = static_cast<std::byte>(head.kind);
    put(&raw[8], head.session);
    put(&raw[16], head.sequence);
    put(&raw[24], head.position);
    return raw;
}

// Anyone may send to a group: what does not look like ours is passed over.
std::optional<message> decode(std::span<const std::byte> raw) {
    if (raw.size() < header_size || text_of(raw.first(4)) != magic || raw[4] < std::byte{1} ||
        raw[4] > std::byte{4}) {
        return std::nullopt;
    }
    return message{{static_cast<kind>(raw[4]), get(&raw[8]), get(&raw[16]), get(&raw[24])},
                   raw.subspan(header_size)};
}

char* writable(const std::byte* data) {
    return reinterpret_cast<char*>(const_cast<std::byte*>(data)); // WSASend only reads
}

} // namespace

void send_message(SOCKET s, const header& head, std::span<const std::byte> payload) {
    const auto raw = encode(head);
    // Two buffers, one message: nothing has to be copied together.
    WSABUF parts[] = {{header_size, writable(raw.data())},
                      {static_cast<ULONG>(payload.size()), writable(payload.data())}};
    DWORD sent = 0;
    if (WSASend(s, parts, payload.empty() ? 1 : 2, &sent, 0, nullptr, nullptr) == SOCKET_ERROR) {
        throw winsock_error("WSASend");
    }
}

receiver::outcome receiver::next(int milliseconds) {
    while (true) {
        WSAPOLLFD watched{socket_, POLLIN, 0};
        if (WSAPoll(&watched, 1, milliseconds) <= 0) {
            return outcome::silence;
        }
        const int size = recv(socket_, buffer_.data(), static_cast<int>(buffer_.size()), 0);
        if (size == SOCKET_ERROR) {
            const int error = WSAGetLastError();
            if (error == WSAEMSGSIZE) { // longer than any of ours
                continue;
            }
            if (error == WSAEDISCON || error == WSAECONNRESET || error == WSAECONNABORTED ||
                error == WSAENOTCONN) {
                return outcome::closed;
            }
            throw winsock_error("recv");
        }
        // An empty message is no end: that is WSAEDISCON.
        if (const auto found = decode(std::span(buffer_).first(static_cast<std::size_t>(size)))) {
            message_ = *found;
            return outcome::message;
        }
    }
}

std::string to_text(const facts& from) {
    std::string text;
    for (const auto& [key, value] : from) {
        text.append(key).append("=").append(value).append("\n");
    }
    return text;
}

facts to_facts(std::string_view text) {
    facts found;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        if (const std::size_t sign = line.find('='); sign != std::string_view::npos) {
            found.emplace(line.substr(0, sign), line.substr(sign + 1));
        }
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
    return found;
}

std::optional<std::uint64_t> number(const facts& from, std::string_view key) {
    const auto found = from.find(key);
    std::uint64_t value = 0;
    if (found == from.end()) {
        return std::nullopt;
    }
    const std::string& text = found->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

} // namespace distribute
