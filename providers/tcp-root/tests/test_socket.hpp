// SPDX-License-Identifier: Apache-2.0
//
// Sockets of the provider with blocking calls around them, as the runtime would have them, and raw TCP peers.
#pragma once

#include "base.hpp"
#include "support/fake_host.hpp"

#include "joinleaf/provider.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace joinleaf::tcp_root::test {

using namespace std::chrono_literals;
using joinleaf::test::deadline;
using joinleaf::test::fake_host;
using joinleaf::test::seen_outcome;
using joinleaf::test::seen_request;

// Units of options.
inline constexpr std::int64_t kib = 1024;
inline constexpr std::int64_t ms = 1'000'000; // nanoseconds

// What a raw peer writes.
inline std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline constexpr std::uint32_t stream4 = 0, stream6 = 1, rooted4 = 2, rooted6 = 3, relay4 = 4, relay6 = 5;

// For the names of parameterised tests.
inline std::string entry_name(std::uint32_t entry) {
    constexpr std::array<const char*, 6> names{"stream4", "stream6", "rooted4",
                                               "rooted6", "relay4",  "relay6"};
    return names.at(entry);
}

inline constexpr std::uint32_t c_root_d_root = WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_ROOT;
inline constexpr std::uint32_t c_root_d_leaf = WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_LEAF;
// A root that reaches its leaves, whatever the data plane.
inline std::uint32_t root_of(std::uint32_t entry) {
    return entry < relay4 ? c_root_d_root : c_root_d_leaf;
}

inline constexpr std::uint32_t c_leaf_d_leaf = WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF;
inline constexpr std::uint32_t c_leaf_d_root = WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_ROOT;

// The provider's table and one instance with the given options.
class library {
  public:
    explicit library(const std::map<std::string, std::int64_t>& overrides = {});
    library(const library&) = delete;
    library& operator=(const library&) = delete;
    ~library();

    [[nodiscard]] const jl_ops& ops() const { return *table_.ops; }
    [[nodiscard]] const jl_provider& table() const { return table_; }
    [[nodiscard]] jl_instance* instance() const { return instance_; }

  private:
    jl_provider table_{};
    jl_instance* instance_ = nullptr;
    std::vector<jl_value> values_;
    std::vector<const jl_value*> pointers_;
};

struct join_request {
    address target = {};
    std::string caller_data = {};
    std::uint32_t room = 0;
    std::uint32_t direction = JL_BOTH;
    const QOS* qos = nullptr;
};

struct received {
    int code = 0;
    std::string data;
    address from;
    std::uint32_t flags = 0;
    std::uint32_t gap = 0; // with JL_MSG_GAP
};

// A socket; closed with its owner, and waited for.
class test_socket {
  public:
    test_socket() = default;
    test_socket(const library& lib, std::uint32_t entry, std::uint32_t flags, test_socket* parent = nullptr,
                void* request = nullptr);
    test_socket(test_socket&& other) noexcept = default;
    test_socket& operator=(test_socket&& other) noexcept;
    ~test_socket();

    [[nodiscard]] int open_code() const { return open_code_; }
    [[nodiscard]] jl_endpoint* endpoint() const { return endpoint_; }
    [[nodiscard]] jl_handle& handle() const { return *handle_; }
    [[nodiscard]] int fd() const { return fd_; } // JL_FD_OWN

    int bind(const address& name);
    int listen(int backlog);
    // Bound to loopback, a port of the kernel's choice, listening.
    address listen_on_loopback(int backlog = 64);
    [[nodiscard]] address name(bool peer = false, int* code = nullptr) const;

    // The code of `join` itself; the outcome comes through outcome().
    int start_join(const join_request& what, test_socket* child = nullptr);
    int start_connect(const address& target);
    seen_outcome outcome(); // of the last join; fails the test when none comes
    [[nodiscard]] bool has_outcome() const;
    int join(const join_request& what, test_socket* child = nullptr); // both in one
    void cancel();

    std::optional<seen_request> next_request(std::chrono::nanoseconds within = deadline);
    // For an ordinary listener: asks for requests until one comes.
    std::optional<seen_request> next_connection();
    test_socket accept(const seen_request& request, const std::string& callee_data = {}, int* code = nullptr,
                       const QOS* qos = nullptr);
    int refuse(const seen_request& request);
    bool wait_withdrawn(const seen_request& request);

    int try_send(std::string_view data, std::uint32_t flags = 0); // one tx
    int send(std::string_view data);                              // waits for room
    int send_all(const std::vector<std::string>& messages);       // as one array, waits for room
    received try_receive(std::size_t room = 1 << 15, std::uint32_t flags = 0);
    received receive(std::size_t room = 1 << 15, std::uint32_t flags = 0); // waits for data or the end
    int arm(std::uint32_t direction, int* code = nullptr);
    int wait_end(); // the code of JL_ENDED
    int shutdown(int how);
    jl_stats stats() const;

    void start_close(std::uint32_t how = JL_CLOSE_GRACEFUL);
    bool wait_closed(); // after start_close
    void close(std::uint32_t how = JL_CLOSE_GRACEFUL);

  private:
    int remember(std::uint64_t op, int code);
    bool wait_for(std::uint32_t direction, std::uint64_t seen);
    [[nodiscard]] std::uint64_t ready_count(std::uint32_t direction) const;

    const library* lib_ = nullptr;
    std::unique_ptr<jl_handle> handle_;
    jl_endpoint* endpoint_ = nullptr;
    int open_code_ = 0;
    int fd_ = -1;
    std::uint32_t entry_ = 0;
    std::uint32_t flags_ = 0;
    std::uint64_t last_op_ = 0;
    bool closing_ = false;
};

address loopback(int family, std::uint16_t port = 0);

// A leaf of its own, admitted by the root; the root's socket for it.
struct pair {
    test_socket leaf;
    test_socket branch;
};
pair join_leaf(const library& lib, test_socket& root, const address& at, std::uint32_t entry,
               std::uint32_t flags = c_leaf_d_leaf, std::uint32_t direction = JL_BOTH);

// A peer that speaks bytes.
class raw_peer {
  public:
    explicit raw_peer(const address& target); // connects
    explicit raw_peer(provider::descriptor fd) : fd_(std::move(fd)) {}

    bool send(const void* data, std::size_t size);
    bool send(std::string_view data) { return send(data.data(), data.size()); }
    // Bytes until the deadline, `size` or the end; ended tells the end: 0 graceful, else an errno.
    std::string read(std::size_t size, std::optional<int>* ended = nullptr);
    // Waits for the end of the connection.
    std::optional<int> wait_end();
    [[nodiscard]] int fd() const { return fd_.get(); }
    void reset();
    void close() { fd_.reset(); }

  private:
    provider::descriptor fd_;
};

class raw_listener {
  public:
    raw_listener();
    [[nodiscard]] const address& name() const { return name_; }
    raw_peer accept();

  private:
    provider::descriptor fd_;
    address name_;
};

template <class Condition> bool wait_until(Condition condition, std::chrono::nanoseconds within = deadline) {
    const auto end = std::chrono::steady_clock::now() + within;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

int open_descriptors();

} // namespace joinleaf::tcp_root::test
