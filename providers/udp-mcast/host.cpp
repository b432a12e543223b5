// SPDX-License-Identifier: Apache-2.0
#include "host.hpp"

#include <atomic>
#include <cstddef>

namespace joinleaf::udp_mcast {

namespace {

std::atomic<const jl_host*> current{nullptr};

// An older host has a shorter table; what lies beyond its end is not there.
bool reaches(const jl_host& table, std::size_t offset) noexcept {
    return table.struct_size >= offset + sizeof(void*);
}

} // namespace

const jl_host& host() noexcept {
    return *current.load(std::memory_order_acquire);
}

void set_host(const jl_host& table) noexcept {
    current.store(&table, std::memory_order_release);
}

void explain(const std::string& sentence) noexcept {
    const auto& table = host();
    if (reaches(table, offsetof(jl_host, explain)) && table.explain != nullptr) {
        table.explain(sentence.c_str());
    }
}

void log(std::uint32_t level, const std::string& text) noexcept {
    const auto& table = host();
    if (reaches(table, offsetof(jl_host, log)) && table.log != nullptr) {
        table.log(level, text.c_str());
    }
}

} // namespace joinleaf::udp_mcast
