// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace joinleaf::rdma::test {

// What went to a device and came back.
struct work {
    std::uint64_t sends = 0;     // work requests
    std::uint64_t doorbells = 0; // calls that posted them, any number at once
    std::uint64_t buffers = 0;   // for receiving, posted
    std::uint64_t refills = 0;   // calls that posted them
    std::uint64_t sent = 0;      // completions of sends
    std::uint64_t received = 0;  // and of receives
    std::uint64_t alarms = 0;    // requests to be told of the next completion

    friend work operator-(const work& a, const work& b) {
        return {a.sends - b.sends, a.doorbells - b.doorbells, a.buffers - b.buffers, a.refills - b.refills,
                a.sent - b.sent,   a.received - b.received,   a.alarms - b.alarms};
    }
};

// Counts between the engine and the devices' driver: rdma_cm opens each device once for a process, and while this lives
// the driver's functions are called through it. One at a time.
class work_counter {
  public:
    work_counter();
    ~work_counter();
    work_counter(const work_counter&) = delete;
    work_counter& operator=(const work_counter&) = delete;

    // So far, by the device's name.
    [[nodiscard]] static work of(const std::string& device);
};

} // namespace joinleaf::rdma::test
