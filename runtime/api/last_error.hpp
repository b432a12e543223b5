// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <joinleaf/winsock2.h>

namespace joinleaf::api {

// The last error of the calling thread (ST-13); needs no start.
int last_error() noexcept;
void set_last_error(int code) noexcept;

// Sets the last error and answers SOCKET_ERROR; for code 0 answers 0 and leaves the last error alone (ST-15).
int answer(int code) noexcept;

} // namespace joinleaf::api
