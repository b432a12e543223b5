// SPDX-License-Identifier: Apache-2.0
#include "outflow.hpp"

#include <algorithm>
#include <utility>

namespace joinleaf::tcp_root {

void outflow::begin(std::uint64_t position, std::vector<std::byte> lead) {
    cursor_ = position;
    edge_ = position;
    lead_ = std::move(lead);
}

bool outflow::add_lead(std::span<const std::byte> bytes) {
    if (!is_deaf() || ended_) {
        return false;
    }
    lead_.insert(lead_.end(), bytes.begin(), bytes.end());
    return true;
}

void outflow::skip(std::uint64_t from, std::uint64_t to) {
    if (from >= limit_ || from >= held_) {
        return;
    }
    const bool none_ahead = first_skip_ == skips_.size();
    if (none_ahead && cursor_ == from) {
        cursor_ = to;
    } else if (!none_ahead && skips_.back().to == from) {
        skips_.back().to = to;
    } else {
        if (none_ahead) {
            skips_.clear();
            first_skip_ = 0;
        }
        skips_.push_back({from, to});
    }
}

void outflow::deafen(std::uint64_t position) noexcept {
    limit_ = std::min(limit_, position);
}

void outflow::end(std::uint64_t position, bool leaving) noexcept {
    if (ended_ && end_sent_ != 0) {
        return;
    }
    limit_ = std::min(limit_, position);
    ended_ = true;
    end_ = wire::encode(wire::frame{wire::frame_kind::end, leaving ? wire::flag_leaving : std::uint8_t{0}, 0});
}

// Fills the array that plan was given.
class outflow::planner {
  public:
    planner(std::span<iovec> parts, std::size_t& bytes) : parts_(parts), bytes_(bytes) {}

    [[nodiscard]] bool is_full() const noexcept { return used_ + 2 > parts_.size(); }
    [[nodiscard]] std::size_t used() const noexcept { return used_; }

    void add(const std::byte* data, std::size_t size) noexcept {
        add(iovec{const_cast<std::byte*>(data), size});
    }
    void add(const ring& log, std::uint64_t from, std::uint64_t to) noexcept {
        if (from == to) {
            return;
        }
        for (const iovec& part : log.pieces(from, to)) {
            add(part);
        }
    }

  private:
    void add(const iovec& part) noexcept {
        if (part.iov_len != 0) {
            parts_[used_++] = part;
            bytes_ += part.iov_len;
        }
    }

    std::span<iovec> parts_;
    std::size_t used_ = 0;
    std::size_t& bytes_;
};

std::size_t outflow::plan(const ring& log, std::uint64_t head, std::span<iovec> parts,
                          std::size_t& bytes) const noexcept {
    bytes = 0;
    planner out(parts, bytes);
    out.add(lead_.data() + lead_sent_, lead_.size() - lead_sent_);
    std::uint64_t at = cursor_;
    const std::uint64_t last = stop(head);
    for (std::size_t i = first_skip_; i < skips_.size() && skips_[i].from < last; ++i) {
        if (out.is_full()) {
            return out.used();
        }
        out.add(log, at, skips_[i].from);
        at = skips_[i].to;
    }
    if (out.is_full()) {
        return out.used();
    }
    if (at < last) {
        out.add(log, at, last);
        at = last;
    }
    if (ended_ && at >= limit_ && !out.is_full()) {
        out.add(end_.data() + end_sent_, end_.size() - end_sent_);
    }
    return out.used();
}

void outflow::hop() noexcept {
    while (first_skip_ < skips_.size() && skips_[first_skip_].from == cursor_) {
        cursor_ = skips_[first_skip_++].to;
        edge_ = std::max(edge_, cursor_);
    }
}

void outflow::advance(std::size_t bytes) noexcept {
    const std::size_t lead = std::min(bytes, lead_.size() - lead_sent_);
    lead_sent_ += lead;
    bytes -= lead;
    if (lead_sent_ == lead_.size() && !lead_.empty()) {
        lead_ = {};
        lead_sent_ = 0;
        gap_at_ = no_gap;
    }
    while (bytes != 0 && cursor_ < limit_) {
        const std::uint64_t wall =
            std::min(limit_, first_skip_ < skips_.size() ? skips_[first_skip_].from : nothing);
        const std::uint64_t step = std::min<std::uint64_t>(bytes, wall - cursor_);
        cursor_ += step;
        bytes -= static_cast<std::size_t>(step);
        gap_at_ = no_gap;
        hop();
    }
    end_sent_ += bytes;
}

std::uint64_t outflow::needs(std::uint64_t head) const noexcept {
    return cursor_ >= stop(head) ? nothing : cursor_;
}

namespace {

wire::frame head_at(const ring& log, std::uint64_t position) noexcept {
    wire::frame_bytes head;
    log.copy(position, head);
    // The log holds what this side has framed.
    return *wire::decode_frame(head);
}

} // namespace

void outflow::settle(const ring& log, bool all) noexcept {
    if (all) {
        edge_ = cursor_;
    }
    while (edge_ < cursor_) {
        edge_ += wire::frame_size + head_at(log, edge_).size;
    }
}

void outflow::trim() noexcept {
    lead_.erase(lead_.begin(), lead_.begin() + static_cast<std::ptrdiff_t>(lead_sent_));
    gap_at_ = gap_at_ == no_gap || gap_at_ < lead_sent_ ? no_gap : gap_at_ - lead_sent_;
    lead_sent_ = 0;
}

// [cursor, to), in which nothing is skipped.
void outflow::take_over(const ring& log, std::uint64_t to) {
    trim();
    gap_at_ = no_gap;
    const std::size_t before = lead_.size();
    lead_.resize(before + static_cast<std::size_t>(to - cursor_));
    log.copy(cursor_, std::span(lead_).subspan(before));
    cursor_ = to;
    hop();
}

outflow::loss outflow::drop_until(const ring& log, std::uint64_t position) {
    const std::uint64_t wall = std::min(position, stop(log.head()));
    loss all;
    if (cursor_ < std::min(edge_, wall)) {
        take_over(log, edge_);
    }
    std::uint64_t in_a_row = 0;
    const auto note = [&] {
        all.messages += in_a_row;
        all.notices += in_a_row != 0 && add_gap(std::exchange(in_a_row, 0)) ? 1U : 0U;
    };
    while (cursor_ < wall) {
        const wire::frame head = head_at(log, cursor_);
        const std::uint64_t behind = cursor_ + wire::frame_size + head.size;
        if (head.what == wire::frame_kind::message) {
            ++in_a_row;
            all.bytes += head.size - (head.has_source() ? wire::source_size : 0);
            cursor_ = behind;
            hop();
        } else {
            note();
            take_over(log, behind);
        }
    }
    note();
    edge_ = cursor_;
    return all;
}

void outflow::absorb(const ring& log) {
    const std::uint64_t last = stop(log.head());
    while (cursor_ < last) {
        const bool skips = first_skip_ < skips_.size() && skips_[first_skip_].from < last;
        take_over(log, skips ? skips_[first_skip_].from : last);
    }
    edge_ = cursor_;
}

void outflow::go_on(std::uint64_t position) noexcept {
    held_ = nothing;
    cursor_ = position;
    edge_ = position;
    skips_.clear();
    first_skip_ = 0;
}

bool outflow::add_gap(std::uint64_t messages) {
    trim();
    const bool joins = gap_at_ != no_gap;
    if (!joins) {
        gap_at_ = lead_.size();
        gap_messages_ = 0;
        lead_.resize(gap_at_ + wire::gap_bytes{}.size());
    }
    gap_messages_ += messages;
    const auto notice = wire::encode_gap(gap_messages_);
    std::ranges::copy(notice, lead_.begin() + static_cast<std::ptrdiff_t>(gap_at_));
    return !joins;
}

std::uint64_t outflow::queued(std::uint64_t head) const noexcept {
    const std::uint64_t last = stop(head);
    std::uint64_t sum = lead_.size() - lead_sent_ + (cursor_ < last ? last - cursor_ : 0);
    for (std::size_t i = first_skip_; i < skips_.size() && skips_[i].from < last; ++i) {
        sum -= std::min(last, skips_[i].to) - skips_[i].from;
    }
    return sum;
}

} // namespace joinleaf::tcp_root
