// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "joinleaf/ext.h"

#include <fmt/format.h>
#include <tl/expected.hpp>

#include <exception>
#include <string>

namespace joinleaf::catalog {

// Calls into a library. An exception, which has no business at a C border, becomes the error: "throws an
// exception (what)". [any]
template <class Function> tl::expected<int, std::string> guarded(Function&& function) {
    try {
        return function();
    } catch (const std::exception& thrown) {
        return tl::unexpected{fmt::format("throws an exception ({})", thrown.what())};
    } catch (...) {
        return tl::unexpected{std::string{"throws an exception"}};
    }
}

// "WSAENETDOWN", or the number where it has no name. [any]
inline std::string code_text(int code) {
    const std::string name = ::jl_error_name(code);
    return name == "unknown" ? fmt::format("code {}", code) : name;
}

} // namespace joinleaf::catalog
