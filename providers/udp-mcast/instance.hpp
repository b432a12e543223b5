// SPDX-License-Identifier: Apache-2.0
//
// One YAML entry: makes the sockets that follow its options.
#pragma once

#include "settings.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

namespace joinleaf::udp_mcast {

class endpoint;

class instance {
  public:
    explicit instance(settings options) noexcept : options_(std::move(options)) {}

    [[nodiscard]] const settings& options() const noexcept { return options_; }

    // As jl_ops.open. [caller]
    std::int32_t open(jl_handle* handle, jl_open& open, endpoint*& made);

    // As jl_ops.facts. [any]
    void facts(std::uint32_t protocol_index, void (*fact)(void*, const char*, const char*),
               void* context) const;

    // Keeps, for `facts`, what a socket does without from now on. [any]
    void learn(const std::string& what) const;

    // The configured interface's index now: it may have been unplugged and come back. 0: none is configured.
    // Refused with WSAENETDOWN when it is gone. [any]
    [[nodiscard]] tl::expected<unsigned, refusal> link() const;

    // Sets what the options say about a new descriptor. 0 or a refusal. [any]
    [[nodiscard]] tl::expected<void, refusal> prepare(int fd, int family);

  private:
    void keep_whole(int fd, int family) const;
    void set_buffer(int fd, const char* key, int option, int forced, int bytes);

    const settings options_;
    std::atomic<bool> told_short_buffer_{false};
    mutable std::mutex learned_lock_;
    mutable std::string learned_; // guarded by it; the latest
};

} // namespace joinleaf::udp_mcast
