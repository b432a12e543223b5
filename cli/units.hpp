// SPDX-License-Identifier: Apache-2.0
// Numbers as people read them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace joinleaf::cli {

/// "512 B", "1.5 KiB", "32.0 MiB".
std::string bytes_text(double bytes);

/// "210.4 MiB/s"; of nothing in no time "0 B/s".
std::string rate_text(std::uint64_t bytes, std::chrono::duration<double> time);

/// "0:07", "12:40", "3:05:00".
std::string time_text(std::chrono::seconds time);

} // namespace joinleaf::cli
