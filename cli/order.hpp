// SPDX-License-Identifier: Apache-2.0
// Puts numbered messages into order and counts what is missing.
#pragma once

#include "message.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>

namespace joinleaf::cli {

/// A message held back until those before it have come.
struct held {
    header head;
    payload body;
};

/// Messages come in by put() and go out by take(), in order. At most `window` of them wait; when one more comes, the
/// gap before the first of them is given up and counted as lost.
class order {
  public:
    explicit order(std::size_t window) : window_(window) {}

    /// One that came. A number that went out or was given up already is a duplicate or too late, and is dropped.
    void put(const header& head, std::span<const std::byte> body);

    /// The next in order; nothing when it has not come yet and is not given up.
    std::optional<held> take();

    /// Nothing more comes and the sender sent so many: gives up the gaps, so that take() hands out the rest.
    void close(std::uint64_t sent);

    /// Everything up to what the sender sent went out.
    bool complete(std::uint64_t sent) const { return next_ == sent && lost_ == 0; }

    std::uint64_t lost() const { return lost_; }
    std::uint64_t dropped() const { return dropped_; }

  private:
    std::size_t window_;
    std::map<std::uint64_t, held> waiting_;
    std::optional<std::uint64_t> sent_;
    std::uint64_t next_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t dropped_ = 0;
};

} // namespace joinleaf::cli
