// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace joinleaf::statistics {

// Every open socket of the process with its counters, and a root's with those of its leaves, as JSON in one line:
// {"pid", "program", "sockets": [{"socket", "provider", "entry", "role", "local", "peer", counters, "leaves":
// [{"address", "socket", counters}]}]}. What a socket does not know is null. std::bad_alloc. [any]
std::string snapshot();

} // namespace joinleaf::statistics
