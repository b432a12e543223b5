// SPDX-License-Identifier: Apache-2.0
//
// Engine verbs and the devices of tests/rdma: rdma_a and rdma_b, at the ends of one cable.
#pragma once

#include "engine_module.hpp"
#include "session_fixture.hpp"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

namespace joinleaf::rdma::test {

// What the guest says in its environment; empty: nothing.
inline std::string given(const char* name) {
    const char* const value = std::getenv(name);
    return value != nullptr ? value : "";
}

// A counter of a network device.
inline std::uint64_t packet_count(const char* device, const char* counter = "tx_packets") {
    std::ifstream file(std::string("/sys/class/net/") + device + "/statistics/" + counter);
    std::uint64_t count = 0;
    file >> count;
    return count;
}

// Engine verbs of this build; without it the test fails, and gets NULL.
inline std::unique_ptr<engine> load_verbs(settings& limits) {
    limits.engine = "verbs";
    auto made = load_engine("verbs", limits, VERBS_LIBRARY);
    if (!made) {
        ADD_FAILURE() << made.error().sentence;
        return nullptr;
    }
    return std::move(*made);
}

// A root at one end of the cable, leaves at the other.
class Cable : public Session {
  protected:
    Cable() { limits_.slice = 8192; }
    void SetUp() override {
        engine_ = load_verbs(limits_);
        ASSERT_NE(nullptr, engine_);
    }
    engine& way() override { return *engine_; }
    int family() override { return a_.family(); }

    node leaf_at(const address& at) {
        node made = make_leaf();
        EXPECT_EQ(0, made.get()->bind(at.raw(), at.size));
        return made;
    }
    pair ask_from(const address& from, node& at, const address& name) { return ask(at, name, leaf_at(from)); }

    std::unique_ptr<engine> engine_;
    address a_ = address::parse(given("RDMA_A4"));
    address b_ = address::parse(given("RDMA_B4"));
};

} // namespace joinleaf::rdma::test
