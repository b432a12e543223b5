// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string>

namespace distribute {

/// SHA-256 by OpenSSL, a piece at a time.
class sha256 {
  public:
    sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
        if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
            throw std::bad_alloc();
        }
    }

    void add(std::span<const std::byte> bytes) {
        if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) {
            throw std::bad_alloc();
        }
    }

    /// 64 hexadecimal digits; the last call.
    std::string text() {
        std::array<unsigned char, 32> raw{};
        EVP_DigestFinal_ex(context_.get(), raw.data(), nullptr);
        constexpr char digits[] = "0123456789abcdef";
        std::string hex;
        for (const unsigned char byte : raw) {
            hex += digits[byte >> 4U];
            hex += digits[byte & 0xFU];
        }
        return hex;
    }

  private:
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

} // namespace distribute
