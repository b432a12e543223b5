// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <joinleaf/provider.h>

namespace joinleaf::socket {

// A request in a listener's accept queue: a copy of what the provider told, and what has become of it.
struct request {
    void* provider_request = nullptr;
    sockaddr_storage peer{};
    std::uint32_t peer_len = 0;
    std::vector<std::byte> caller_data;
    std::uint32_t callee_room = 0;
    std::optional<QOS> qos;
    bool deferred = false;    // CF_DEFER: keeps its place, is not indicated again (EV-34)
    std::int32_t refusal = 0; // the code of an answer that the runtime gives by itself
    bool withdrawn = false;   // the asker went away while the condition function ran
};

} // namespace joinleaf::socket
