// SPDX-License-Identifier: Apache-2.0
//
// A socket of the provider as the runtime would drive it, and addresses to use it with.
#pragma once

#include "fake_host.hpp"

#include <support/private_network.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace joinleaf::udp_mcast::test {

// An address of either family, from text.
class place {
  public:
    place() = default;
    place(const std::string& host, std::uint16_t port, unsigned scope = 0);

    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes_); }
    [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&bytes_); }
    [[nodiscard]] std::uint32_t length() const;
    [[nodiscard]] std::uint16_t port() const;
    [[nodiscard]] std::string host() const;

  private:
    sockaddr_storage bytes_{};
};

constexpr std::uint32_t leaf = WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF;

// What one receive gave.
struct received {
    std::int32_t code = 0;
    std::string text;
    std::uint32_t flags = 0;
    std::uint32_t left = 0;
    place from;
};

class scratch_socket {
  public:
    // Fails the test when it cannot be opened.
    scratch_socket(const yaml_entry& entry, int family, std::uint32_t flags);
    scratch_socket(const scratch_socket&) = delete;
    scratch_socket& operator=(const scratch_socket&) = delete;
    ~scratch_socket();

    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] jl_endpoint* endpoint() const { return endpoint_; }
    [[nodiscard]] const jl_ops& ops() const { return *provider_table().ops; }

    std::int32_t bind(const place& name);

    // The code of the call or, when it was started, of its one outcome; 9999 when there is not exactly one.
    std::int32_t join(const place& session, std::uint32_t direction = JL_BOTH);
    std::int32_t connect(const place& peer);

    std::int32_t send(std::string_view text);
    std::int32_t send(std::string_view text, const place& to);

    // Receives without waiting.
    received receive(std::size_t room = 2048, std::uint32_t flags = 0);

    // Receives the next message, for at most two seconds.
    received next(std::size_t room = 2048);

    // Nothing is there now, by every way to ask.
    [[nodiscard]] bool is_quiet();

    // peer 0: the local address. A code instead of an address: port 0.
    place name(std::uint32_t peer, std::int32_t* code = nullptr);

    template <class Value> std::int32_t set(int level, int option, const Value& value) {
        return ops().set_option(endpoint_, level, option, &value, sizeof value);
    }
    template <class Value> std::int32_t get(int level, int option, Value& value) {
        std::uint32_t length = sizeof value;
        return ops().get_option(endpoint_, level, option, &value, &length);
    }
    std::int32_t control(std::uint32_t code, std::int32_t value);

  private:
    std::int32_t outcome(std::int32_t code, std::uint64_t op);

    jl_endpoint* endpoint_ = nullptr;
    int fd_ = -1;
};

// Tests each in a network of its own, with multicast on `lo`; a fixture's sockets are made in it too.
class private_network : public ::testing::Test {
  protected:
    private_network() : entered_(joinleaf::test::enter_new_network(why_)) { forget(); }
    void SetUp() override {
        if (!entered_) {
            GTEST_SKIP() << why_;
        }
    }

  private:
    std::string why_;
    bool entered_;
};

// Makes a link that is up and has an address; its other end is up too. False: why has the reason.
bool add_wire(const std::string& name, const std::string& address, std::string& why);

// The same with IPv6.
class private_network_six : public private_network {
  protected:
    void SetUp() override {
        private_network::SetUp();
        if (!IsSkipped() && !joinleaf::test::has_ipv6()) {
            GTEST_SKIP() << "this kernel has no IPv6";
        }
    }
};

} // namespace joinleaf::udp_mcast::test
