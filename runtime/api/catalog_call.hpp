// SPDX-License-Identifier: Apache-2.0
//
// What the calls WSC* have in common: they need no WSAStartup, look at the catalog as it is now, and tell their code
// through a pointer.
#pragma once

#include "runtime/api/call.hpp"
#include "runtime/api/user_memory.hpp"

namespace joinleaf::api {

// Each such call counts as a user of the runtime while it lasts (CT-08).
class counted_start {
  public:
    counted_start() : code_(runtime::start({}) == 0 ? 0 : WSASYSNOTREADY) {}
    counted_start(const counted_start&) = delete;
    counted_start& operator=(const counted_start&) = delete;
    ~counted_start() {
        if (code_ == 0) {
            runtime::stop();
        }
    }
    int code() const { return code_; }

  private:
    int code_;
};

// The end of a WSC call: its code is told through *error. Where that cannot be written the last error says so
// (CT-28).
inline int catalog_answer(int code, LPINT error) {
    if (code == 0) {
        return 0;
    }
    return put(error, code) ? SOCKET_ERROR : answer(WSAEFAULT);
}

// A WSC call that looks at the catalog: body(const catalog&) answers a code.
template <class Body> int with_catalog(Body body) {
    return code_of([&] {
        const counted_start start;
        if (start.code() != 0) {
            return start.code();
        }
        const auto all = runtime::fresh_catalog();
        return all == nullptr ? WSASYSNOTREADY : body(*all);
    });
}

} // namespace joinleaf::api
