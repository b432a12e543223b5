// SPDX-License-Identifier: Apache-2.0
#include "runtime/api/last_error.hpp"

#include "runtime/explanation.hpp"

namespace joinleaf::api {
namespace {
thread_local int error_of_thread = 0;
}

int last_error() noexcept {
    return error_of_thread;
}
void set_last_error(int code) noexcept {
    error_of_thread = code;
}

int answer(int code) noexcept {
    if (code == 0) {
        return 0;
    }
    set_last_error(code);
    keep_only_fresh_explanation();
    return SOCKET_ERROR;
}

} // namespace joinleaf::api
