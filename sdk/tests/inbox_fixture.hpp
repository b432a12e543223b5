// SPDX-License-Identifier: Apache-2.0
//
// The template providers by themselves, each in a host that only records.
#pragma once

#include "fake_host.hpp"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace joinleaf::inbox_test {

inline constexpr int patience_ms = 5000;

inline sockaddr_in ip(const char* address, std::uint16_t port) {
    sockaddr_in made{};
    made.sin_family = AF_INET;
    made.sin_port = htons(port);
    EXPECT_EQ(1, ::inet_pton(AF_INET, address, &made.sin_addr));
    return made;
}

inline const sockaddr* generic(const sockaddr_in& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

// An instance of one library, and sockets made from it as the runtime makes them.
class instance {
  public:
    instance(const char* file, const std::string& folder) : library_(file), values_(folder) {
        EXPECT_EQ(0, library_.startup(JL_ABI_VERSION, JL_ABI_VERSION, &fake::host(), &library_.provider));
        code = library_.provider.create(&values_.create, &made_);
    }
    ~instance() {
        if (made_ != nullptr) {
            library_.provider.destroy(made_);
        }
    }
    instance(const instance&) = delete;
    instance& operator=(const instance&) = delete;

    const jl_ops& ops() const { return *library_.provider.ops; }
    const jl_provider& provider() const { return library_.provider; }
    jl_instance* get() const { return made_; }
    std::int32_t code = 0;

  private:
    fake::library library_;
    fake::values values_;
    jl_instance* made_ = nullptr;
};

class socket {
  public:
    explicit socket(const instance& maker) : ops_(maker.ops()) {
        jl_open open{};
        open.struct_size = sizeof open;
        open.family = AF_INET;
        open.type = SOCK_DGRAM;
        open.protocol = IPPROTO_UDP;
        open.flags = WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF;
        EXPECT_EQ(0, ops_.open(maker.get(), handle(), &open, &endpoint_));
        EXPECT_EQ(JL_FD_OWN, open.fd_kind);
        fd_.reset(open.fd);
    }
    ~socket() { close(); }
    socket(const socket&) = delete;
    socket& operator=(const socket&) = delete;

    jl_handle* handle() { return reinterpret_cast<jl_handle*>(this); }
    int fd() const { return fd_.get(); }
    jl_endpoint* endpoint() const { return endpoint_; }

    // As the runtime does, the descriptor is closed after `closed`.
    void close() {
        if (endpoint_ != nullptr) {
            ops_.close(std::exchange(endpoint_, nullptr), JL_CLOSE_GRACEFUL);
            fd_.reset();
        }
    }

    std::int32_t join(const sockaddr_in& group, std::uint32_t direction = JL_BOTH) {
        static std::atomic<std::uint64_t> next = 1;
        jl_join join{};
        join.struct_size = sizeof join;
        join.direction = direction;
        join.op = last_op = next++;
        join.name = generic(group);
        join.name_len = sizeof group;
        return ops_.join(endpoint_, &join);
    }

    std::int32_t send(std::string text, const sockaddr_in* to = nullptr) {
        iovec part{text.data(), text.size()};
        sockaddr_in address = to != nullptr ? *to : sockaddr_in{};
        jl_msg message{&part,          1, 0, to != nullptr ? reinterpret_cast<sockaddr*>(&address) : nullptr,
                       sizeof address, 0, 0};
        std::uint32_t done = 0;
        const auto code = ops_.tx(endpoint_, &message, 1, &done);
        EXPECT_EQ(code == 0 ? 1U : 0U, done);
        EXPECT_EQ(code == 0 ? text.size() : 0U, message.size);
        return code;
    }

    // The next message within the deadline, with what rx told about it in `last`.
    std::string receive(std::size_t room = 65536, std::uint32_t flags = 0) {
        pollfd waits{fd(), POLLIN, 0};
        EXPECT_EQ(1, ::poll(&waits, 1, patience_ms)) << "nothing arrived";
        return take(room, flags);
    }

    std::string take(std::size_t room = 65536, std::uint32_t flags = 0) {
        std::string text(room, '\0');
        iovec part{text.data(), text.size()};
        std::uint32_t done = 0, left = 0;
        last = {&part, 1, flags, reinterpret_cast<sockaddr*>(&from), sizeof from, 0, 0};
        last_code = ops_.rx(endpoint_, &last, 1, &done, &left);
        text.resize(last_code == 0 ? last.size : 0);
        return text;
    }

    std::int32_t arm(std::uint32_t direction) {
        std::int32_t reason = 0;
        return ops_.arm(endpoint_, direction, &reason);
    }

    std::int32_t set(std::uint32_t ioctl, std::int32_t value) {
        std::uint32_t bytes = 0;
        return ops_.ioctl(endpoint_, ioctl, &value, sizeof value, nullptr, 0, &bytes);
    }

    std::int32_t name(std::uint32_t peer, sockaddr_in& address) {
        std::uint32_t len = sizeof address;
        return ops_.name(endpoint_, peer, reinterpret_cast<sockaddr*>(&address), &len);
    }

    std::uint64_t last_op = 0;
    jl_msg last{};
    sockaddr_in from{};
    std::int32_t last_code = 0;

  private:
    const jl_ops& ops_;
    jl_endpoint* endpoint_ = nullptr;
    joinleaf::provider::descriptor fd_;
};

// Each test has a folder of its own for its sessions.
class Inbox : public testing::TestWithParam<const char*> {
  protected:
    Inbox() {
        std::string form = (std::filesystem::temp_directory_path() / "inbox-XXXXXX").string();
        folder_ = ::mkdtemp(form.data());
        fake::heard = {};
    }
    ~Inbox() override { std::filesystem::remove_all(folder_); }

    bool folder_is_empty() const { return std::filesystem::is_empty(folder_); }

    std::string folder_;
    sockaddr_in group_ = ip("239.255.7.1", 5007);
};

} // namespace joinleaf::inbox_test
