// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include <tl/expected.hpp>

#include "config/change_watch.hpp"
#include "runtime/dispatch/handle.hpp"
#include "runtime/dispatch/loop.hpp"
#include "runtime/dispatch/operation.hpp"

namespace joinleaf::catalog {

// A handle of WSAProviderConfigChange: looks out for changes of the files that the catalog is made of (CT-31). Signalled
// while there was a change that no call has been told of.
class change_notice : public dispatch::handle_object, public std::enable_shared_from_this<change_notice> {
  public:
    // Of the files of `watched` and of `first`, as config::change_watch. The loop must live until `end_all`.
    // WSA_NOT_ENOUGH_MEMORY: no descriptor or no watch is left. [any]
    static tl::expected<std::shared_ptr<change_notice>, int> begin(dispatch::loop& on,
                                                                   const config::configuration& watched,
                                                                   const std::string& first);

    explicit change_notice(dispatch::descriptor eventfd) noexcept;

    // Waits for the next change by the record: WSA_IO_PENDING, or 0 where one has come already; an indication follows
    // both. WSA_INVALID_HANDLE: the runtime that it belongs to has ended, nothing follows. [any]
    int start(dispatch::operation& one);

    // Waits for the next change in this call. WSA_OPERATION_ABORTED: the handle was closed meanwhile. [any]
    int wait();

    // Ends what is pending with WSA_OPERATION_ABORTED.
    void on_close() override { end(false); }

    // The last WSACleanup: nothing is looked out for any more, and nothing indicated (ST-11).
    static void end_all();

  private:
    static void on_watch(void* context, std::uint32_t ready);
    bool look_out(dispatch::loop& on, std::unique_ptr<config::change_watch> files);
    void note();
    void end(bool quiet);
    bool take_change(); // lock_ held

    std::mutex lock_;
    // guarded by lock_
    std::unique_ptr<config::change_watch> files_; // empty at the end
    dispatch::watch* watch_ = nullptr;
    dispatch::operation_list pending_;
    bool changed_ = false;
};

} // namespace joinleaf::catalog
