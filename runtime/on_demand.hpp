// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

namespace joinleaf {

// A part of an object that most objects never use: it takes memory when it is first written to, and reads as a
// T{} until then. Not synchronised.
template <class T> class on_demand {
  public:
    [[nodiscard]] const T& operator*() const noexcept { return value_ ? *value_ : untouched(); }
    [[nodiscard]] const T* operator->() const noexcept { return &**this; }

    // For writing. std::bad_alloc.
    [[nodiscard]] T& edit() {
        if (!value_) {
            value_ = std::make_unique<T>();
        }
        return *value_;
    }

    // Whether there is anything but a T{}.
    explicit operator bool() const noexcept { return value_ != nullptr; }

  private:
    static const T& untouched() noexcept {
        static const T none{};
        return none;
    }

    std::unique_ptr<T> value_;
};

} // namespace joinleaf
