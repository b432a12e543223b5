// SPDX-License-Identifier: Apache-2.0
#include "digest.hpp"

#include <openssl/evp.h>

#include <new>

namespace joinleaf::cli {

void digest::release::operator()(evp_md_ctx_st* context) const {
    EVP_MD_CTX_free(context);
}

digest::digest() : context_(EVP_MD_CTX_new()) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
        throw std::bad_alloc();
    }
}

void digest::add(std::span<const std::byte> bytes) {
    if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) {
        throw std::bad_alloc();
    }
}

digest::value digest::finish() {
    std::array<unsigned char, 32> raw{};
    if (EVP_DigestFinal_ex(context_.get(), raw.data(), nullptr) != 1) {
        throw std::bad_alloc();
    }
    value bytes;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        bytes[i] = std::byte{raw[i]};
    }
    return bytes;
}

} // namespace joinleaf::cli
