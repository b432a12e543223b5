// SPDX-License-Identifier: Apache-2.0
//
// What a configuration may cost. Each number is chosen: far above what a person writes, and small enough that the worst
// input within it is read or refused in well under a second.
#pragma once

#include <cstddef>

namespace joinleaf::config::limits {

inline constexpr std::size_t file_bytes = 1U << 20;  ///< of one file
inline constexpr std::size_t total_bytes = 2U << 20; ///< of all files together
inline constexpr std::size_t total_nodes = 1U << 16; ///< words, lists and maps of all files together
inline constexpr std::size_t files = 256;
inline constexpr std::size_t providers = 1024;
inline constexpr std::size_t depth = 32;                ///< of lists and maps inside each other
inline constexpr std::size_t problems = 100;            ///< reported; the rest is only said to exist
inline constexpr std::size_t name_length = 64;          ///< of a provider
inline constexpr std::size_t threads = 256;             ///< of the reactor
inline constexpr std::size_t cpus = 1024;               ///< CPU_SETSIZE
inline constexpr std::size_t statistics_folder = 90;    ///< bytes of its path; a socket's address has 107
inline constexpr std::size_t folder_entries = 1U << 16; ///< looked at for one include pattern

} // namespace joinleaf::config::limits
