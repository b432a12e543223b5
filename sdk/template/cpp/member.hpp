// SPDX-License-Identifier: Apache-2.0
//
// One socket: an inbox, which is a datagram socket on 127.0.0.1, and a place in a session once it has joined.
#pragma once

#include "session.hpp"

#include <atomic>
#include <memory>

namespace inbox {

// Goes before each message, so that whatever else arrives at the port is told apart. Network byte order, as in a sockaddr_in.
struct stamp {
    std::uint32_t group;
    std::uint16_t port;
    std::uint16_t to; // to_all or to_one
};
constexpr std::uint16_t to_all = 0x4a41;
constexpr std::uint16_t to_one = 0x4a4f;

// What an IPv4 datagram can carry, less the stamp.
constexpr std::uint32_t message_size = 65507 - sizeof(stamp);

// The methods are those of jl_ops. Where sending and receiving direction meet, the member is atomic.
class member {
  public:
    // fd is lent: the runtime closes it after `closed`.
    member(const jl_host* host, jl_handle* handle, const std::string& directory, int fd,
           const sockaddr_in& address);

    std::int32_t bind(const sockaddr* name, std::uint32_t len);
    std::int32_t join(const jl_join* join);
    std::int32_t tx(jl_msg* messages, std::uint32_t count, std::uint32_t* done);
    std::int32_t rx(jl_msg* messages, std::uint32_t count, std::uint32_t* done, std::uint32_t* left);
    std::int32_t arm(std::uint32_t direction, std::int32_t* code);
    std::int32_t shutdown(std::int32_t how);
    void close(std::uint32_t how);
    std::int32_t name(std::uint32_t peer, sockaddr* name, std::uint32_t* len);
    std::int32_t set_option(std::int32_t level, std::int32_t name, const void* value, std::uint32_t len);
    std::int32_t get_option(std::int32_t level, std::int32_t name, void* value, std::uint32_t* len);
    std::int32_t ioctl(std::uint32_t code, const void* in, std::uint32_t in_len, void* out,
                       std::uint32_t out_len, std::uint32_t* bytes);
    std::int32_t stats(jl_stats* stats);

  private:
    std::int32_t refuse(std::int32_t code, const std::string& sentence) const;
    void publish() noexcept;
    std::int32_t send(jl_msg& message);
    void deliver(std::size_t size, const sockaddr_in& to);
    std::int32_t receive(jl_msg& message);
    void hand_over(jl_msg& message, std::size_t size, const sockaddr_in& from, bool peek);
    bool is_ours(std::size_t size, const stamp& mark) const noexcept;
    bool drop_foreign();
    std::int32_t queued_bytes(void* out, std::uint32_t out_len, std::uint32_t* bytes) const;

    const jl_host* host_;
    jl_handle* handle_;
    const std::string& directory_;
    int fd_;
    sockaddr_in inbox_; // where the others send to
    sockaddr_in bound_{};
    sockaddr_in group_{};
    std::unique_ptr<session> session_;
    bool hears_ = false;
    bool loopback_ = true;
    bool is_bound_ = false;
    std::atomic<bool> joined_ = false;
    std::atomic<bool> send_ended_ = false, receive_ended_ = false;
    std::unique_ptr<std::byte[]> out_, in_; // a whole datagram each
    std::atomic<std::uint64_t> sent_ = 0, sent_bytes_ = 0, received_ = 0, received_bytes_ = 0, unsent_ = 0;
};

} // namespace inbox
