// SPDX-License-Identifier: Apache-2.0
//
// Every word that a configuration file may hold; joinleaf.schema.json holds the same ones, and a test compares them.
#pragma once

#include <array>
#include <string_view>

namespace joinleaf::config::keywords {

using namespace std::string_view_literals;

inline constexpr std::array main_file{"version"sv,   "reactor"sv, "statistics"sv,
                                      "providers"sv, "order"sv,   "include"sv};
inline constexpr std::array drop_in{"version"sv, "providers"sv, "order"sv, "include"sv};
inline constexpr std::array reactor{"threads"sv, "spin"sv, "cpus"sv};
inline constexpr std::array statistics{"publish"sv, "folder"sv};
inline constexpr std::array provider{"name"sv,  "library"sv, "id"sv,      "enabled"sv,
                                     "match"sv, "entries"sv, "options"sv, "qos"sv};
inline constexpr std::array match{"family"sv, "type"sv, "protocol"sv, "flags"sv};
inline constexpr std::array qos{"capacity"sv, "on_unsatisfied"sv};

inline constexpr std::array family{"inet"sv, "inet6"sv, "any"sv};
inline constexpr std::array entry_family{"inet"sv, "inet6"sv};
inline constexpr std::array type{"stream"sv, "dgram"sv, "raw"sv, "rdm"sv, "seqpacket"sv};
inline constexpr std::array protocol{"tcp"sv, "udp"sv, "rm"sv};
inline constexpr std::array flags{"c_root"sv, "c_leaf"sv, "d_root"sv, "d_leaf"sv};
inline constexpr std::array on_unsatisfied{"fail"sv, "best_effort"sv};

} // namespace joinleaf::config::keywords
