// SPDX-License-Identifier: Apache-2.0
//
// A root that sends to a group over engine verbs at one end of the cable of tests/rdma, and leaves at the other.
#pragma once

#include "device_fixture.hpp"

namespace joinleaf::rdma::test {

class Cast : public Cable {
  protected:
    Cast() {
        limits_.send_buffer = 512u << 10;
        limits_.recv_buffer = 512u << 10;
    }
    void use(const std::string& group, const char* a, const char* b) {
        limits_.group = group;
        limits_.multicast = address::parse(group);
        a_ = address::parse(given(a));
        b_ = address::parse(given(b));
    }
    // Sends them as fast as it can to all leaves, each of which reads on a thread of its own.
    static void send_to_all(node& at, std::vector<pair>& leaves, int count, std::size_t size) {
        std::vector<std::thread> readers;
        readers.reserve(leaves.size());
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
};

} // namespace joinleaf::rdma::test
