// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace joinleaf::tcp_root {

// The sending side of a leaf: frames go from the application's buffers straight to the kernel. Only the rest
// of a message that the kernel took in part is kept; nothing new is taken before that has gone. Not
// synchronised.
class sender {
  public:
    void attach(int fd) noexcept { fd_ = fd; }

    // Messages ask the root to send them back too.
    void set_echo(bool on) noexcept { flags_ = on ? wire::flag_echo : std::uint8_t{0}; }

    // As jl_ops.tx.
    std::int32_t send(jl_msg* messages, std::uint32_t count, std::uint32_t* done);

    // Adds bytes that have to go before anything else.
    void queue(std::span<const std::byte> bytes);

    // True: nothing is kept any more.
    bool flush();

    [[nodiscard]] std::size_t kept() const noexcept { return kept_.size() - kept_sent_; }
    // Why nothing can be sent any more; 0: it can.
    [[nodiscard]] std::int32_t error() const noexcept { return error_; }
    // Everything that went to the kernel.
    [[nodiscard]] std::uint64_t pushed_bytes() const noexcept { return pushed_bytes_; }
    [[nodiscard]] std::uint64_t sent_messages() const noexcept { return sent_messages_; }
    [[nodiscard]] std::uint64_t sent_bytes() const noexcept { return sent_bytes_; }

  private:
    struct batch;

    std::int32_t send_batch(std::span<jl_msg> messages, std::uint32_t& done);
    std::int32_t gather(std::span<jl_msg> messages, batch& out) const;
    std::uint32_t account(std::span<jl_msg> messages, const batch& what, std::size_t sent);
    void keep_rest(const batch& what, std::size_t sent, std::size_t upto);
    void send_scattered(jl_msg& message);
    bool push(std::size_t& sent, const iovec* parts, std::size_t count);
    void count(jl_msg& message) noexcept;
    [[nodiscard]] wire::frame_bytes head_of(const jl_msg& message) const noexcept;

    int fd_ = -1;
    std::vector<std::byte> kept_;
    std::size_t kept_sent_ = 0;
    std::int32_t error_ = 0;
    std::uint8_t flags_ = 0; // of each message's frame
    std::uint64_t pushed_bytes_ = 0;
    std::uint64_t sent_messages_ = 0;
    std::uint64_t sent_bytes_ = 0;
};

} // namespace joinleaf::tcp_root
