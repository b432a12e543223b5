// SPDX-License-Identifier: Apache-2.0
//
// The words of configuration files and reports for the numbers of Winsock, both ways. All are [any].
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace joinleaf::catalog {

// "inet", "dgram", "udp"; "any" for the wildcard 0 of family and type; a number without a word stays a number.
std::string family_word(int family);
std::string type_word(int type);
std::string protocol_word(int protocol);

// The way back. "any" is 0; a protocol may be a decimal number. Nothing: no such word.
std::optional<int> family_number(std::string_view word);
std::optional<int> type_number(std::string_view word);
std::optional<int> protocol_number(std::string_view word);

// c_root, c_leaf, d_root, d_leaf: the multipoint bits of WSA_FLAG_*; other bits have no word.
std::vector<std::string> flag_words(std::uint32_t flags);
std::optional<std::uint32_t> flag_number(std::string_view word);

// "c_root, d_leaf", or "none".
std::string flags_text(std::uint32_t flags);

// The names of the set bits, without their prefixes: XP1_CONNECT_DATA is "connect_data". A bit without a name
// is 0x....
std::vector<std::string> service_flag_words(std::uint32_t flags);
std::vector<std::string> provider_flag_words(std::uint32_t flags);
std::vector<std::string> ability_words(std::uint32_t abilities);

// "rooted", "nonrooted", or "none" for an entry without multipoint (CT-10).
std::string_view control_plane_word(std::uint32_t service_flags);
std::string_view data_plane_word(std::uint32_t service_flags);

} // namespace joinleaf::catalog
