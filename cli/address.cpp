// SPDX-License-Identifier: Apache-2.0
#include "address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>

#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

namespace joinleaf::cli {

namespace {

// sockaddr_storage may stand for every sockaddr; copying keeps the compiler's aliasing rules.
template <class Form> Form as(const address& from) {
    Form form{};
    std::memcpy(&form, &from.storage, sizeof form);
    return form;
}

template <class Form> address made_of(const Form& form) {
    address made;
    std::memcpy(&made.storage, &form, sizeof form);
    made.length = static_cast<int>(sizeof form);
    return made;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || port > 0xFFFF) {
        return std::nullopt;
    }
    return static_cast<std::uint16_t>(port);
}

std::optional<address> parse_inet(const std::string& host, std::uint16_t port) {
    sockaddr_in form{};
    form.sin_family = AF_INET;
    form.sin_port = htons(port);
    if (inet_pton(AF_INET, host.c_str(), &form.sin_addr) != 1) {
        return std::nullopt;
    }
    return made_of(form);
}

std::optional<address> parse_inet6(const std::string& host, std::uint16_t port) {
    sockaddr_in6 form{};
    form.sin6_family = AF_INET6;
    form.sin6_port = htons(port);
    const std::size_t scope = host.find('%');
    if (scope != std::string::npos) {
        form.sin6_scope_id = if_nametoindex(host.c_str() + scope + 1);
        if (form.sin6_scope_id == 0) {
            return std::nullopt;
        }
    }
    if (inet_pton(AF_INET6, host.substr(0, scope).c_str(), &form.sin6_addr) != 1) {
        return std::nullopt;
    }
    return made_of(form);
}

std::string inet6_text(const sockaddr_in6& form) {
    std::array<char, INET6_ADDRSTRLEN> host{};
    inet_ntop(AF_INET6, &form.sin6_addr, host.data(), host.size());
    std::array<char, IF_NAMESIZE> scope{};
    if (form.sin6_scope_id != 0 && if_indextoname(form.sin6_scope_id, scope.data()) != nullptr) {
        return fmt::format("[{}%{}]:{}", host.data(), scope.data(), ntohs(form.sin6_port));
    }
    return fmt::format("[{}]:{}", host.data(), ntohs(form.sin6_port));
}

} // namespace

const sockaddr* address::get() const {
    return reinterpret_cast<const sockaddr*>(&storage);
}

sockaddr* address::get() {
    return reinterpret_cast<sockaddr*>(&storage);
}

std::uint16_t address::port() const {
    return ntohs(family() == AF_INET6 ? as<sockaddr_in6>(*this).sin6_port : as<sockaddr_in>(*this).sin_port);
}

void address::set_port(std::uint16_t port) {
    if (family() == AF_INET6) {
        auto form = as<sockaddr_in6>(*this);
        form.sin6_port = htons(port);
        *this = made_of(form);
    } else {
        auto form = as<sockaddr_in>(*this);
        form.sin_port = htons(port);
        *this = made_of(form);
    }
}

bool address::is_multicast() const {
    if (family() == AF_INET6) {
        return as<sockaddr_in6>(*this).sin6_addr.s6_addr[0] == 0xFF;
    }
    return family() == AF_INET && IN_MULTICAST(ntohl(as<sockaddr_in>(*this).sin_addr.s_addr));
}

std::string address::text() const {
    if (family() == AF_INET6) {
        return inet6_text(as<sockaddr_in6>(*this));
    }
    if (family() != AF_INET) {
        return fmt::format("an address of family {}", family());
    }
    std::array<char, INET_ADDRSTRLEN> host{};
    const auto form = as<sockaddr_in>(*this);
    inet_ntop(AF_INET, &form.sin_addr, host.data(), host.size());
    return fmt::format("{}:{}", host.data(), ntohs(form.sin_port));
}

result<address> parse_address(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) {
        return fail(status::usage,
                    fmt::format("'{}' is no address: it needs a port, as in 127.0.0.1:5000", text));
    }
    const std::optional<std::uint16_t> port = parse_port(std::string_view(text).substr(colon + 1));
    if (!port) {
        return fail(status::usage, fmt::format("'{}' in '{}' is no port: a number from 0 to 65535 is needed",
                                               text.substr(colon + 1), text));
    }
    const std::string host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    const std::optional<address> parsed =
        bracketed ? parse_inet6(host.substr(1, host.size() - 2), *port) : parse_inet(host, *port);
    if (!parsed) {
        return fail(
            status::usage,
            fmt::format("'{}' is no address: an IPv4 address or an IPv6 address in brackets is needed, as in "
                        "239.1.2.3:5000 or [ff02::1%eth0]:5000",
                        text));
    }
    return *parsed;
}

address any_address(int family) {
    if (family == AF_INET6) {
        sockaddr_in6 form{};
        form.sin6_family = AF_INET6;
        return made_of(form);
    }
    sockaddr_in form{};
    form.sin_family = AF_INET;
    return made_of(form);
}

} // namespace joinleaf::cli
