// SPDX-License-Identifier: Apache-2.0
//
// Addresses as text and byte order.
#include <arpa/inet.h>
#include <net/if.h>

#include <charconv>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "runtime/api/call.hpp"
#include "runtime/api/user_memory.hpp"

using namespace joinleaf;

namespace {

std::optional<std::string> to_text(const sockaddr* address, DWORD length) {
    char text[INET6_ADDRSTRLEN] = {};
    if (address->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
        const auto& in = *reinterpret_cast<const sockaddr_in*>(address);
        ::inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
        return in.sin_port == 0 ? text : fmt::format("{}:{}", text, ntohs(in.sin_port));
    }
    if (address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
        const auto& in6 = *reinterpret_cast<const sockaddr_in6*>(address);
        ::inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof text);
        const auto scoped =
            in6.sin6_scope_id == 0 ? std::string(text) : fmt::format("{}%{}", text, in6.sin6_scope_id);
        return in6.sin6_port == 0 ? scoped : fmt::format("[{}]:{}", scoped, ntohs(in6.sin6_port));
    }
    return std::nullopt;
}

std::optional<std::uint16_t> to_port(std::string_view text) noexcept {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(port) : std::nullopt;
}

std::optional<sockaddr_in> to_inet(std::string_view text) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    const auto colon = text.rfind(':');
    if (colon != std::string_view::npos) {
        const auto port = to_port(text.substr(colon + 1));
        if (!port) {
            return std::nullopt;
        }
        in.sin_port = htons(*port);
        text = text.substr(0, colon);
    }
    return ::inet_pton(AF_INET, std::string(text).c_str(), &in.sin_addr) == 1 ? std::optional(in)
                                                                              : std::nullopt;
}

// A scope is an interface's name or its number.
std::optional<std::uint32_t> to_scope(const std::string& text) noexcept {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size()) {
        return number;
    }
    number = ::if_nametoindex(text.c_str());
    return number != 0 ? std::optional(number) : std::nullopt;
}

std::optional<sockaddr_in6> to_inet6(std::string_view text) {
    sockaddr_in6 in6{};
    in6.sin6_family = AF_INET6;
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        const auto rest = close == std::string_view::npos ? std::string_view("?") : text.substr(close + 1);
        const auto port = rest.empty()     ? std::optional<std::uint16_t>(0)
                          : rest[0] == ':' ? to_port(rest.substr(1))
                                           : std::nullopt;
        if (!port) {
            return std::nullopt;
        }
        in6.sin6_port = htons(*port);
        text = text.substr(1, close - 1);
    }
    if (const auto percent = text.find('%'); percent != std::string_view::npos) {
        const auto scope = to_scope(std::string(text.substr(percent + 1)));
        if (!scope) {
            return std::nullopt;
        }
        in6.sin6_scope_id = *scope;
        text = text.substr(0, percent);
    }
    return ::inet_pton(AF_INET6, std::string(text).c_str(), &in6.sin6_addr) == 1 ? std::optional(in6)
                                                                                 : std::nullopt;
}

template <class Address>
int store_address(const std::optional<Address>& parsed, sockaddr* address, LPINT length) {
    if (!parsed) {
        return WSAEINVAL;
    }
    int room = 0;
    if (!api::get(length, room) || room < static_cast<int>(sizeof(Address)) ||
        !api::copy_out(address, &*parsed, sizeof(Address))) {
        return WSAEFAULT;
    }
    *length = static_cast<int>(sizeof(Address));
    return 0;
}

int parse(const std::string& text, INT family, sockaddr* address, LPINT length) {
    switch (family) {
    case AF_INET: return store_address(to_inet(text), address, length);
    case AF_INET6: return store_address(to_inet6(text), address, length);
    default: return WSAEINVAL;
    }
}

// Addresses are plain ASCII in both forms of the call.
template <class Character> int store_text(const std::string& text, Character* out, LPDWORD length) {
    DWORD room = 0;
    if (!api::get(length, room)) {
        return WSAEFAULT;
    }
    const auto needed = static_cast<DWORD>(text.size() + 1);
    *length = needed;
    const std::basic_string<Character> wide(text.begin(), text.end());
    return room >= needed && api::copy_out(out, wide.c_str(), needed * sizeof(Character)) ? 0 : WSAEFAULT;
}

template <class Character>
int address_to_string(sockaddr* address, DWORD address_length, Character* string, LPDWORD length) {
    return api::started_call([&] {
        if (address_length < sizeof(sa_family_t) || !api::readable(address, address_length)) {
            return WSAEFAULT;
        }
        const auto text = to_text(address, address_length);
        return text ? store_text(*text, string, length) : WSAEINVAL;
    });
}

template <class Value> int convert(SOCKET s, Value value, Value* out, Value (*order)(Value)) {
    return api::socket_call(s, [&](socket::socket_object& object) {
        const bool swaps = object.entry().info.iNetworkByteOrder == BIGENDIAN;
        return api::put(out, swaps ? order(value) : value) ? 0 : WSAEFAULT;
    });
}

std::uint32_t swap_long(std::uint32_t value) {
    return htonl(value);
}
std::uint16_t swap_short(std::uint16_t value) {
    return htons(value);
}

} // namespace

int WSAHtonl(SOCKET s, jl_u_long value, jl_u_long* out) {
    return convert<std::uint32_t>(s, value, out, swap_long);
}
int WSAHtons(SOCKET s, USHORT value, USHORT* out) {
    return convert<std::uint16_t>(s, value, out, swap_short);
}
int WSANtohl(SOCKET s, jl_u_long value, jl_u_long* out) {
    return convert<std::uint32_t>(s, value, out, swap_long);
}
int WSANtohs(SOCKET s, USHORT value, USHORT* out) {
    return convert<std::uint16_t>(s, value, out, swap_short);
}

int WSAAddressToStringA(LPSOCKADDR address, DWORD address_length, LPWSAPROTOCOL_INFOA /*info*/, LPSTR string,
                        LPDWORD length) {
    return address_to_string(address, address_length, string, length);
}

int WSAAddressToStringW(LPSOCKADDR address, DWORD address_length, LPWSAPROTOCOL_INFOW /*info*/, LPWSTR string,
                        LPDWORD length) {
    return address_to_string(address, address_length, string, length);
}

int WSAStringToAddressA(LPSTR string, INT family, LPWSAPROTOCOL_INFOA /*info*/, LPSOCKADDR address,
                        LPINT length) {
    return api::started_call([&] {
        if (!api::readable(string, 1)) {
            return WSAEFAULT;
        }
        return parse(string, family, address, length);
    });
}

int WSAStringToAddressW(LPWSTR string, INT family, LPWSAPROTOCOL_INFOW /*info*/, LPSOCKADDR address,
                        LPINT length) {
    return api::started_call([&] {
        if (!api::readable(string, sizeof *string)) {
            return WSAEFAULT;
        }
        std::string narrow;
        for (const auto* at = string; *at != 0; ++at) {
            narrow += *at < 0x80 ? static_cast<char>(*at)
                                 : '?'; // no address holds another character: it will not parse
        }
        return parse(narrow, family, address, length);
    });
}
