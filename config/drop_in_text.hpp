// SPDX-License-Identifier: Apache-2.0
//
// What an editor writes: the text of a drop-in. Reading it gives what was written.
#pragma once

#include "config/config.hpp"

#include <span>
#include <string>

namespace joinleaf::config {

/// The first line of every file that an editor writes, by which it knows its own ones again.
inline constexpr std::string_view managed_mark = "# Kept by joinleaf;";

/// One provider, with all that its value says but the positions.
std::string provider_text(const provider& item);

/// An order.
std::string order_text(std::span<const order_item> order);

} // namespace joinleaf::config
