// SPDX-License-Identifier: Apache-2.0
// The words of the command line for the numbers of socket creation.
#pragma once

#include "result.hpp"

#include <string>

namespace joinleaf::cli {

/// "inet", "inet6", "any" or a number. Each of these four: status::usage with what is allowed.
result<int> parse_family(const std::string& word);

/// "stream", "dgram", "raw", "rdm", "seqpacket", "any" or a number.
result<int> parse_type(const std::string& word);

/// "tcp", "udp", "rm", "any" or a number.
result<int> parse_protocol(const std::string& word);

/// c_root, c_leaf, d_root, d_leaf, overlapped, separated by commas; empty or "none": 0.
result<unsigned> parse_flags(const std::string& words);

} // namespace joinleaf::cli
