// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace joinleaf::api {

// SIO_GET_EXTENSION_FUNCTION_POINTER: the GUID in, the pointer out. 0; WSAEINVAL: a GUID that means no function;
// WSAEFAULT: too little of either (IO-33). [any]
int find_extension(std::span<const std::byte> in, std::span<std::byte> out, std::uint32_t& bytes) noexcept;

} // namespace joinleaf::api
