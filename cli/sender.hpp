// SPDX-License-Identifier: Apache-2.0
// The sending side of one transfer.
#pragma once

#include "digest.hpp"
#include "entry.hpp"
#include "message.hpp"
#include "pace.hpp"
#include "progress.hpp"
#include "session.hpp"
#include "source.hpp"
#include "transfer.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace joinleaf::cli {

/// Goes through its three steps in order.
class sender {
  public:
    sender(const send_options& options, const entry& with, root at);

    /// Waits for the leaves. status::session when too few came in time.
    result<void> gather();

    /// Sends everything, then the end.
    result<void> transmit(source& from);

    /// Waits for each leaf's report. status::damaged when one is incomplete, status::session when one is missing.
    result<void> confirm();

  private:
    clock::time_point deadline() const;
    bool unreliable() const { return !entry_.reliable(); }
    std::size_t present() const { return entry_.rooted_control() ? members_.size() : seen_.size(); }
    void note_if(bool wanted, const std::string& text) const;

    result<bool> gather_one(clock::time_point until);
    result<void> send(kind what, std::span<const std::byte> body, std::uint16_t flags = 0,
                      std::uint64_t number = 0);
    result<void> send_piece(const source::piece& piece);
    result<bool> hear(clock::time_point until);
    int least_ends() const;
    bool all_answered() const;
    bool member_is_done(const member& leaf) const;
    result<void> verdict() const;

    const send_options& options_;
    entry entry_;
    root root_;
    pace pace_;
    progress progress_;
    digest digest_;
    std::uint64_t number_;         // of this transfer
    std::uint64_t messages_ = 0;   // data messages sent
    std::vector<member> members_;  // rooted control
    std::set<std::uint64_t> seen_; // nonrooted control: receivers that said `here`
    std::map<std::uint64_t, report> reports_;
};

} // namespace joinleaf::cli
