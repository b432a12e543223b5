// SPDX-License-Identifier: Apache-2.0
// SHA-256 of what has been sent or received so far.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>

struct evp_md_ctx_st;

namespace joinleaf::cli {

class digest {
  public:
    using value = std::array<std::byte, 32>;

    /// Throws std::bad_alloc where OpenSSL has no memory or no SHA-256.
    digest();

    void add(std::span<const std::byte> bytes);

    /// The value of everything added; nothing is added afterwards.
    value finish();

  private:
    struct release {
        void operator()(evp_md_ctx_st* context) const;
    };
    std::unique_ptr<evp_md_ctx_st, release> context_;
};

} // namespace joinleaf::cli
