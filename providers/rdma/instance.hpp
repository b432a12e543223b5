// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base.hpp"
#include "engine.hpp"
#include "settings.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>

namespace joinleaf::rdma {

// The protocol entries: rooted sessions, then sessions without a root; of each IPv4, then IPv6.
std::span<const jl_protocol* const> protocol_table() noexcept;

// One YAML entry. The engine is opened with the first socket: looking for devices takes libfabric a good part of a
// second, which programs that use another transport should not wait for.
class instance {
  public:
    explicit instance(const jl_create& create);

    // [caller] WSAEINVAL (flags that the entry does not serve), WSAEMFILE, WSAENOBUFS, WSAENETDOWN, WSAEAFNOSUPPORT.
    std::int32_t open(jl_handle* handle, jl_open& open, endpoint*& out);

    // As jl_ops.facts: which engine serves the sockets and why, what devices there are, and under the key `multicast` how the
    // group of that option fares. [any]
    void facts(std::uint32_t protocol_index,
               void (*fact)(void* context, const char* key, const char* sentence), void* context);

  private:
    tl::expected<engine*, failure> way();
    std::int32_t open_first(jl_handle* handle, jl_open& open, endpoint*& out);
    std::int32_t open_member(jl_handle* handle, const jl_open& open, endpoint*& out);
    std::int32_t open_child(jl_handle* handle, const jl_open& open, endpoint*& out) const;

    const std::shared_ptr<const settings> limits_;
    std::mutex mutex_;
    std::unique_ptr<engine> engine_;
    std::string reason_; // of the choice
};

} // namespace joinleaf::rdma
