// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace joinleaf::tcp_root {

// Reads one greeting from a nonblocking descriptor, by `read` never a byte beyond it, so that the frames behind stay
// in the kernel. Costs its fixed part until that was found good.
class greeting_reader {
  public:
    enum class progress {
        more,  // the rest has not come yet
        whole, // head, data and qos are valid
        gone,  // closed or reset by the peer; error() says how
        bad,   // why() says what
    };

    progress read(int fd);

    // As read, where nothing may follow the greeting before it is answered: usually one system call, and what is
    // found behind it is lost.
    progress read_alone(int fd);
    [[nodiscard]] bool is_followed() const noexcept { return is_followed_; }

    [[nodiscard]] const wire::greeting& head() const noexcept { return head_; }
    [[nodiscard]] wire::fault why() const noexcept { return fault_; }
    [[nodiscard]] int error() const noexcept { return error_; } // an errno; 0: end of data

    // Caller data or callee data.
    [[nodiscard]] std::span<const std::byte> data() const noexcept {
        return std::span(rest_).first(head_.data_size);
    }
    [[nodiscard]] std::optional<QOS> qos() const noexcept;

    void restart() noexcept;

  private:
    progress fill(int fd, std::span<std::byte> room);
    progress read_head(int fd);
    progress understand_head();

    wire::greeting_bytes fixed_{};
    std::vector<std::byte> rest_;
    std::size_t have_ = 0; // of fixed_, then of rest_
    bool has_head_ = false;
    bool is_followed_ = false;
    wire::greeting head_;
    wire::fault fault_ = wire::fault::foreign;
    int error_ = 0;
};

} // namespace joinleaf::tcp_root
