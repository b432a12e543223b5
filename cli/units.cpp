// SPDX-License-Identifier: Apache-2.0
#include "units.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>

namespace joinleaf::cli {

std::string bytes_text(double bytes) {
    constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    while (bytes >= 1024 && unit + 1 < units.size()) {
        bytes /= 1024;
        ++unit;
    }
    return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, units[unit]);
}

std::string rate_text(std::uint64_t bytes, std::chrono::duration<double> time) {
    const double rate = time.count() > 0 ? static_cast<double>(bytes) / time.count() : 0;
    return bytes_text(rate) + "/s";
}

std::string time_text(std::chrono::seconds time) {
    const auto total = time.count();
    if (total < 3600) {
        return fmt::format("{}:{:02}", total / 60, total % 60);
    }
    return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
}

} // namespace joinleaf::cli
