// SPDX-License-Identifier: Apache-2.0
//
// Socket addresses as values.
#pragma once

#include "result.hpp"

#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace joinleaf {

namespace detail {

struct addrinfo_deleter {
    void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};
using addrinfo_list = std::unique_ptr<addrinfo, addrinfo_deleter>;

// getaddrinfo's answer as a Winsock code.
[[nodiscard]] inline int resolver_code(int answer) noexcept {
    switch (answer) {
    case EAI_AGAIN: return WSATRY_AGAIN;
    case EAI_FAMILY: return WSAEAFNOSUPPORT;
    case EAI_MEMORY: return WSA_NOT_ENOUGH_MEMORY;
    case EAI_NONAME: return WSAHOST_NOT_FOUND;
    default: return WSANO_RECOVERY;
    }
}

} // namespace detail

// An IPv4 or IPv6 address with its port, or nothing (family AF_UNSPEC). A value.
class address {
  public:
    address() noexcept = default;

    // host: digits, "239.255.1.2", "ff15::1", "fe80::1%eth0"; no name is looked up. Throws failure: WSAEINVAL.
    address(std::string_view host, std::uint16_t port) : address(from_host(host, port).value()) {}

    // A copy of what a call filled in. Longer than any address: nothing.
    address(const sockaddr* from, int length) noexcept {
        if (from != nullptr && length > 0 && static_cast<std::size_t>(length) <= sizeof storage_) {
            std::memcpy(&storage_, from, static_cast<std::size_t>(length));
            length_ = length;
        }
    }

    // "239.255.1.2:5000", "[ff15::1]:5000". WSAEINVAL.
    [[nodiscard]] static result<address> parse(std::string_view text) {
        const auto colon = text.rfind(':');
        std::uint16_t port = 0;
        const auto digits = colon == text.npos ? std::string_view{} : text.substr(colon + 1);
        const auto [end, trouble] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
        if (digits.empty() || trouble != std::errc{} || end != digits.data() + digits.size()) {
            return error(WSAEINVAL, "'" + std::string(text) + "' does not end in a colon and a port");
        }
        auto host = text.substr(0, colon);
        if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
            host = host.substr(1, host.size() - 2);
        } else if (host.find(':') != host.npos) {
            return error(WSAEINVAL,
                         "'" + std::string(text) + "': an IPv6 address with a port stands in brackets");
        }
        return from_host(host, port);
    }

    // The two addresses that need no digits. family: AF_INET or AF_INET6; port 0: one that the system chooses.
    [[nodiscard]] static address any(int family, std::uint16_t port = 0) {
        return {family == AF_INET6 ? "::" : "0.0.0.0", port};
    }
    [[nodiscard]] static address loopback(int family, std::uint16_t port = 0) {
        return {family == AF_INET6 ? "::1" : "127.0.0.1", port};
    }

    // All addresses of a host's name, in the resolver's order; asks name servers, and blocks meanwhile.
    // WSAHOST_NOT_FOUND, WSATRY_AGAIN, WSANO_RECOVERY, WSA_NOT_ENOUGH_MEMORY, WSAEAFNOSUPPORT.
    [[nodiscard]] static result<std::vector<address>> resolve(const std::string& host, std::uint16_t port,
                                                              int family = AF_UNSPEC) {
        auto list = look_up(host, port, family, 0);
        if (!list) {
            return std::move(list).error();
        }
        std::vector<address> all;
        for (const addrinfo* one = list->get(); one != nullptr; one = one->ai_next) {
            all.emplace_back(one->ai_addr, static_cast<int>(one->ai_addrlen));
        }
        return all;
    }

    [[nodiscard]] const sockaddr* get() const noexcept {
        return reinterpret_cast<const sockaddr*>(&storage_);
    }
    [[nodiscard]] int size() const noexcept { return length_; }
    [[nodiscard]] int family() const noexcept { return length_ == 0 ? AF_UNSPEC : storage_.ss_family; }
    [[nodiscard]] bool empty() const noexcept { return length_ == 0; }
    [[nodiscard]] std::uint16_t port() const noexcept {
        // Both families keep it at the same place.
        return ntohs(reinterpret_cast<const sockaddr_in&>(storage_).sin_port);
    }
    [[nodiscard]] address with_port(std::uint16_t port) const noexcept {
        address changed = *this;
        reinterpret_cast<sockaddr_in&>(changed.storage_).sin_port = htons(port);
        return changed;
    }
    // As parse reads it; "nothing" for no address.
    [[nodiscard]] std::string text() const {
        char host[NI_MAXHOST] = "";
        if (empty() || ::getnameinfo(get(), static_cast<socklen_t>(length_), host, sizeof host, nullptr, 0,
                                     NI_NUMERICHOST) != 0) {
            return "nothing";
        }
        const auto shown = family() == AF_INET6 ? "[" + std::string(host) + "]" : std::string(host);
        return shown + ":" + std::to_string(port());
    }

    friend bool operator==(const address& one, const address& other) { return one.text() == other.text(); }

  private:
    [[nodiscard]] static result<address> from_host(std::string_view host, std::uint16_t port) {
        auto list = look_up(std::string(host), port, AF_UNSPEC, AI_NUMERICHOST);
        if (!list || host.empty()) {
            return error(WSAEINVAL, "'" + std::string(host) + "' is no IPv4 or IPv6 address in digits");
        }
        return address((*list)->ai_addr, static_cast<int>((*list)->ai_addrlen));
    }
    [[nodiscard]] static result<detail::addrinfo_list> look_up(const std::string& host, std::uint16_t port,
                                                               int family, int flags) {
        addrinfo hints{};
        hints.ai_family = family;
        hints.ai_socktype = SOCK_DGRAM; // one entry for each address
        hints.ai_flags = flags | AI_NUMERICSERV;
        addrinfo* found = nullptr;
        const int answer = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
        if (answer != 0) {
            return error(detail::resolver_code(answer), host + ": " + ::gai_strerror(answer));
        }
        return detail::addrinfo_list(found);
    }

    sockaddr_storage storage_{};
    int length_ = 0;
};

} // namespace joinleaf
