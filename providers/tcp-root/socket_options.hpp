// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace joinleaf::tcp_root {

// The setsockopt calls of an application on a multipoint socket, kept for descriptors that come later: a
// session's connections, the next attempt of a join, inherited sockets (JL-71). Safe from any thread.
class socket_options {
  public:
    // TCP_NODELAY is on from the start: a message is handed to the network whole, so that waiting for more
    // can only delay it.
    socket_options();

    // Keeps the values of the parent instead.
    void inherit(const socket_options& parent);

    // Sets it on fd, and keeps it if the kernel takes it. Errors: WSAENOPROTOOPT for options that do not
    // concern every connection of a session, WSAEINVAL, the kernel's.
    std::int32_t set(int fd, int level, int name, const void* value, std::uint32_t size);

    // Later descriptors are marked as `mark` does.
    void keep_service(int family, ULONG type);

    // Sets everything kept on a new descriptor.
    void apply(int fd) const noexcept;

    // Sets it on one descriptor without keeping it. Errors as set.
    static std::int32_t set_once(int fd, int level, int name, const void* value, std::uint32_t size) noexcept;

    static std::int32_t get(int fd, int level, int name, void* value, std::uint32_t* size) noexcept;

  private:
    struct entry {
        int level;
        int name;
        std::uint32_t size;
        std::array<std::byte, 40> value;
    };

    void keep(const entry& next);

    struct service {
        int family;
        ULONG type;
    };

    mutable std::mutex mutex_;
    std::vector<entry> entries_;
    std::optional<service> service_;
};

} // namespace joinleaf::tcp_root
