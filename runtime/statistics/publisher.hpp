// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>
#include <thread>

#include "runtime/dispatch/descriptor.hpp"

namespace joinleaf::statistics {

// Answers whoever connects to FOLDER/PID.sock with a snapshot, one after another, on a thread of its own, so that
// neither a reader that hangs nor a session with thousands of leaves stands in a reactor's way. Only the user the
// process runs as, and the superuser, may connect.
class publisher {
  public:
    // Makes the folder if need be. Where that or the socket cannot be had, a warning says why and nothing is
    // published.
    explicit publisher(const std::string& folder);
    publisher(const publisher&) = delete;
    publisher& operator=(const publisher&) = delete;
    ~publisher();

  private:
    void serve();
    void answer(int reader);
    bool take(dispatch::descriptor reader);
    void let_go();

    std::string path_;
    dispatch::descriptor listener_;
    std::mutex mutex_;
    dispatch::descriptor reader_; // being answered; guarded by mutex_
    bool stopping_ = false;       // the same
    std::thread thread_;
};

} // namespace joinleaf::statistics
