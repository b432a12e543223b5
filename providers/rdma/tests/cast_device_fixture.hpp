// SPDX-License-Identifier: Apache-2.0
//
// A root that sends to a group over engine verbs at one end of the cable of tests/rdma, and leaves at the other.
#pragma once

#include "engine_module.hpp"
#include "session_fixture.hpp"

#include <cstdlib>
#include <fstream>
#include <memory>

namespace joinleaf::rdma::test {

inline std::string given(const char* name) {
    const char* const value = std::getenv(name);
    return value != nullptr ? value : "";
}

inline std::uint64_t packets_sent(const char* device) {
    std::ifstream file(std::string("/sys/class/net/") + device + "/statistics/tx_packets");
    std::uint64_t count = 0;
    file >> count;
    return count;
}

class Cast : public Session {
  protected:
    void SetUp() override {
        limits_.engine = "verbs";
        limits_.slice = 8192;
        limits_.send_buffer = 512u << 10;
        limits_.recv_buffer = 512u << 10;
        auto made = load_engine("verbs", limits_, VERBS_LIBRARY);
        ASSERT_TRUE(made) << made.error().sentence;
        engine_ = std::move(*made);
    }
    engine& way() override { return *engine_; }
    int family() override { return a_.family(); }

    void use(const std::string& group, const char* a, const char* b) {
        limits_.group = group;
        limits_.multicast = address::parse(group);
        a_ = address::parse(given(a));
        b_ = address::parse(given(b));
    }
    pair ask_from_far(node& at, const address& name) {
        pair made{make_leaf(), {}};
        EXPECT_EQ(0, made.leaf.get()->bind(b_.raw(), b_.size));
        made.leaf.start_join(name);
        const auto request = at.next_request();
        EXPECT_TRUE(request.has_value());
        if (request) {
            made.branch = make_branch(at);
            EXPECT_EQ(0, at.answer(*request, &made.branch));
            EXPECT_EQ(0, made.leaf.outcome().code);
        }
        return made;
    }
    static group_figures figures(node& at) {
        const auto& home = at.as<root>().home();
        const auto hold = home->lock();
        return home->of_group();
    }
    static void wait_seated(node& at, std::size_t count) {
        const auto until = std::chrono::steady_clock::now() + joinleaf::test::deadline;
        while (figures(at).leaves != count && std::chrono::steady_clock::now() < until) {
            std::this_thread::sleep_for(2ms);
        }
        ASSERT_EQ(count, figures(at).leaves);
    }
    // Sends them as fast as it can to all leaves, each of which reads on a thread of its own.
    static void send_to_all(node& at, std::vector<pair>& leaves, int count, std::size_t size) {
        std::vector<std::thread> readers;
        for (auto& each : leaves) {
            readers.emplace_back([&] {
                for (int i = 0; i < count; ++i) {
                    std::string text;
                    ASSERT_EQ(0, each.leaf.receive(text)) << i;
                    ASSERT_EQ(message_number(i, size), text);
                }
            });
        }
        for (int i = 0; i < count; ++i) {
            ASSERT_EQ(0, at.send(message_number(i, size))) << i;
        }
        for (auto& each : readers) {
            each.join();
        }
    }

    std::unique_ptr<engine> engine_;
    address a_;
    address b_;
};

} // namespace joinleaf::rdma::test
