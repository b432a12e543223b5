// SPDX-License-Identifier: Apache-2.0
// The receiving side of one transfer.
#pragma once

#include "digest.hpp"
#include "entry.hpp"
#include "link.hpp"
#include "message.hpp"
#include "order.hpp"
#include "progress.hpp"
#include "sink.hpp"
#include "transfer.hpp"

#include <cstdint>
#include <optional>

namespace joinleaf::cli {

/// Goes through its two steps in order.
class receiver {
  public:
    /// number: what this receiver calls itself.
    receiver(const transfer_options& options, const entry& with, link from, std::uint64_t number);

    /// Receives until the end, then tells the sender how it went.
    result<void> take(sink& into);

    /// status::damaged unless everything came and has the sender's SHA-256.
    result<void> verdict();

  private:
    clock::time_point deadline() const;
    result<void> say_here();
    result<std::optional<incoming>> next(clock::time_point until);
    result<void> accept(const incoming& message, sink& into);
    result<void> write_ready(sink& into);
    result<void> tell();

    const transfer_options& options_;
    entry entry_;
    link link_;
    std::uint64_t number_;
    std::uint64_t session_ = 0; // 0: no sender heard yet
    std::optional<description> description_;
    std::optional<summary> summary_;
    std::uint64_t sent_ = 0; // messages, as the summary says
    order order_;
    digest digest_;
    progress progress_;
    bool complete_ = false;
};

} // namespace joinleaf::cli
