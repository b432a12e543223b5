// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace distribute {

/// Counts numbered messages: how many came, twice, or after a later one.
class tally {
  public:
    /// false for one that came before, or whose number is beyond belief.
    bool add(std::uint64_t number) {
        if (number >= most) {
            return false;
        }
        if (number >= seen_.size()) {
            seen_.resize(number + 1);
        } else if (!seen_[number]) {
            ++out_of_order_;
        }
        if (seen_[number]) {
            ++duplicates_;
            return false;
        }
        seen_[number] = true;
        ++received_;
        return true;
    }

    std::uint64_t received() const { return received_; }
    std::uint64_t out_of_order() const { return out_of_order_; }
    std::uint64_t duplicates() const { return duplicates_; }

  private:
    static constexpr std::uint64_t most = std::uint64_t{1} << 28U; // 32 MiB of bits; 350 GB in small messages

    std::vector<bool> seen_;
    std::uint64_t received_ = 0;
    std::uint64_t out_of_order_ = 0;
    std::uint64_t duplicates_ = 0;
};

} // namespace distribute
