// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace joinleaf::rdma {

// A queue in one piece of memory, which grows by doubling and is never given back: no allocation in the steady state.
template <class T> class fifo {
  public:
    [[nodiscard]] bool empty() const noexcept { return first_ == last_; }
    [[nodiscard]] std::size_t size() const noexcept { return last_ - first_; }
    [[nodiscard]] T& front() noexcept { return at(0); }
    [[nodiscard]] const T& front() const noexcept { return room_[first_ & (room_.size() - 1)]; }
    [[nodiscard]] T& at(std::size_t i) noexcept { return room_[(first_ + i) & (room_.size() - 1)]; }

    void push(T value) {
        if (size() == room_.size()) {
            grow();
        }
        room_[last_++ & (room_.size() - 1)] = std::move(value);
    }
    void pop() { front() = T{}, ++first_; }

  private:
    void grow() {
        std::vector<T> wider(room_.empty() ? 16 : 2 * room_.size());
        const std::size_t held = size();
        for (std::size_t i = 0; i < held; ++i) {
            wider[i] = std::move(at(i));
        }
        room_ = std::move(wider);
        first_ = 0;
        last_ = held;
    }

    std::vector<T> room_; // a power of two
    std::size_t first_ = 0;
    std::size_t last_ = 0;
};

} // namespace joinleaf::rdma
