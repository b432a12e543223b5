// SPDX-License-Identifier: Apache-2.0
//
// Socket addresses of either family as values, and addresses that are a test's own.
#pragma once

#include <joinleaf/winsock2.h>

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>

namespace joinleaf::test {

struct address {
    sockaddr_storage storage{};
    int length = 0;

    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    [[nodiscard]] int family() const { return storage.ss_family; }
    [[nodiscard]] sockaddr_in& four() { return reinterpret_cast<sockaddr_in&>(storage); }
    [[nodiscard]] sockaddr_in6& six() { return reinterpret_cast<sockaddr_in6&>(storage); }
    [[nodiscard]] std::uint16_t port() const {
        // Both families keep the port at the same place.
        return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
    }
    [[nodiscard]] address with_port(std::uint16_t port) const {
        address changed = *this;
        changed.four().sin_port = htons(port);
        return changed;
    }
    [[nodiscard]] std::string text() const {
        char host[INET6_ADDRSTRLEN] = "?";
        const auto* self = const_cast<address*>(this);
        const void* bytes = family() == AF_INET6
                                ? static_cast<const void*>(&const_cast<address*>(self)->six().sin6_addr)
                                : static_cast<const void*>(&const_cast<address*>(self)->four().sin_addr);
        inet_ntop(family(), bytes, host, sizeof host);
        return std::string(host) + "," + std::to_string(port());
    }
    bool operator==(const address& other) const { return text() == other.text(); }
};

inline std::ostream& operator<<(std::ostream& out, const address& what) {
    return out << what.text();
}

// An address out of its text, e.g. "127.0.0.1" or "::1".
inline address make_address(const std::string& host, std::uint16_t port = 0) {
    address made;
    const bool is_six = host.find(':') != std::string::npos;
    made.storage.ss_family = is_six ? AF_INET6 : AF_INET;
    made.length = is_six ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    inet_pton(made.family(), host.c_str(),
              is_six ? static_cast<void*>(&made.six().sin6_addr) : static_cast<void*>(&made.four().sin_addr));
    return made.with_port(port);
}

// The address that sessions of one machine use: the loopback one, or what JOINLEAF_CHECK_ADDRESS4 and ..6 say, for
// transports whose devices have none.
inline address loopback(int family, std::uint16_t port = 0) {
    const char* const given =
        std::getenv(family == AF_INET6 ? "JOINLEAF_CHECK_ADDRESS6" : "JOINLEAF_CHECK_ADDRESS4");
    return make_address(given != nullptr ? given : family == AF_INET6 ? "::1" : "127.0.0.1", port);
}

inline address any_address(int family, std::uint16_t port = 0) {
    return make_address(family == AF_INET6 ? "::" : "0.0.0.0", port);
}

inline address local_name(SOCKET s) {
    address name;
    name.length = sizeof name.storage;
    if (jl_getsockname(s, name.get(), &name.length) != 0) {
        name = {};
    }
    return name;
}

inline address peer_name(SOCKET s) {
    address name;
    name.length = sizeof name.storage;
    if (jl_getpeername(s, name.get(), &name.length) != 0) {
        name = {};
    }
    return name;
}

// A port of the loopback address that nobody has now, chosen by the kernel.
inline std::uint16_t free_port(int family, int type) {
    const int probe = ::socket(family, type | SOCK_CLOEXEC, 0);
    address name = any_address(family);
    socklen_t length = sizeof name.storage;
    const bool known = probe >= 0 && ::bind(probe, name.get(), static_cast<socklen_t>(name.length)) == 0 &&
                       ::getsockname(probe, name.get(), &length) == 0;
    ::close(probe);
    return known ? name.port() : std::uint16_t{0};
}

// A multicast session that no other test uses: the group from the process and a count, the port from the
// kernel.
inline address fresh_group(int family) {
    static std::atomic<unsigned> count{0};
    const auto number = count.fetch_add(1);
    const auto process = static_cast<unsigned>(::getpid());
    const std::string host =
        family == AF_INET6
            ? "ff15::6a6c:" + std::to_string(process % 9999) + ":" + std::to_string(number % 9999)
            : "239." + std::to_string(process / 256 % 254 + 1) + "." + std::to_string(process % 256) + "." +
                  std::to_string(number % 254 + 1);
    return make_address(host, free_port(family, SOCK_DGRAM));
}

} // namespace joinleaf::test
