// SPDX-License-Identifier: Apache-2.0
#include "runtime/api/address.hpp"

#include <algorithm>

#include "runtime/api/user_memory.hpp"

namespace joinleaf::api {
namespace {

std::size_t size_for(sa_family_t family) noexcept {
    switch (family) {
    case AF_INET: return sizeof(sockaddr_in);
    case AF_INET6: return sizeof(sockaddr_in6);
    default: return sizeof(sa_family_t);
    }
}

} // namespace

int address::load(const sockaddr* name, int length, int family) noexcept {
    if (length < static_cast<int>(sizeof(sa_family_t))) {
        return WSAEFAULT;
    }
    const auto given = std::min<std::size_t>(static_cast<std::size_t>(length), sizeof storage_);
    if (!copy_in(&storage_, name, given) || given < size_for(storage_.ss_family)) {
        return WSAEFAULT;
    }
    if (storage_.ss_family != family) {
        return WSAEAFNOSUPPORT;
    }
    // What follows the family's address is padding of a larger structure.
    length_ = static_cast<std::uint32_t>(
        size_for(storage_.ss_family) > sizeof(sa_family_t) ? size_for(storage_.ss_family) : given);
    return 0;
}

} // namespace joinleaf::api
