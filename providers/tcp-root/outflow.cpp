// SPDX-License-Identifier: Apache-2.0
#include "outflow.hpp"

#include <algorithm>
#include <utility>

namespace joinleaf::tcp_root {

void outflow::begin(std::uint64_t position, std::vector<std::byte> lead) {
    cursor_ = position;
    edge_ = position;
    if (!lead.empty()) {
        make_more().lead = std::move(lead);
    }
}

bool outflow::add_lead(std::span<const std::byte> bytes) {
    if (!is_deaf() || ended_) {
        return false;
    }
    add(bytes);
    return true;
}

void outflow::skip(std::uint64_t from, std::uint64_t to) {
    if (from >= limit_ || from >= held_) {
        return;
    }
    const bool none_ahead = more().first_skip == more().skips.size();
    if (none_ahead && cursor_ == from) {
        cursor_ = to;
        return;
    }
    extras& all = make_more();
    if (!none_ahead && all.skips.back().to == from) {
        all.skips.back().to = to;
        return;
    }
    if (none_ahead) {
        all.skips.clear();
        all.first_skip = 0;
    }
    all.skips.push_back({from, to});
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
    const auto& [lead, lead_sent, gap_at, gap_messages, skips, first_skip] = more();
    out.add(lead.data() + lead_sent, lead.size() - lead_sent);
    std::uint64_t at = cursor_;
    const std::uint64_t last = stop(head);
    for (std::size_t i = first_skip; i < skips.size() && skips[i].from < last; ++i) {
        if (out.is_full()) {
            return out.used();
        }
        out.add(log, at, skips[i].from);
        at = skips[i].to;
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
    if (!more_) {
        return;
    }
    while (more_->first_skip < more_->skips.size() && more_->skips[more_->first_skip].from == cursor_) {
        cursor_ = more_->skips[more_->first_skip++].to;
        edge_ = std::max(edge_, cursor_);
    }
}

std::size_t outflow::advance_lead(std::size_t bytes) noexcept {
    const std::size_t step = std::min(bytes, own_bytes());
    more_->lead_sent += step;
    if (own_bytes() != 0) {
        return step;
    }
    if (more_->first_skip == more_->skips.size()) {
        more_.reset();
    } else if (!more_->lead.empty()) {
        more_->lead.clear();
        more_->lead_sent = 0;
        more_->gap_at = no_gap;
    }
    return step;
}

void outflow::advance(std::size_t bytes) noexcept {
    if (more_) {
        bytes -= advance_lead(bytes);
    }
    while (bytes != 0 && cursor_ < limit_) {
        const std::uint64_t wall = std::min(
            limit_, more().first_skip < more().skips.size() ? more().skips[more().first_skip].from : nothing);
        const std::uint64_t step = std::min<std::uint64_t>(bytes, wall - cursor_);
        cursor_ += step;
        bytes -= static_cast<std::size_t>(step);
        if (more_) {
            more_->gap_at = no_gap;
        }
        hop();
    }
    end_sent_ = static_cast<std::uint8_t>(end_sent_ + bytes);
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
    if (!more_) {
        return;
    }
    auto& [lead, lead_sent, gap_at, gap_messages, skips, first_skip] = *more_;
    lead.erase(lead.begin(), lead.begin() + static_cast<std::ptrdiff_t>(lead_sent));
    gap_at = gap_at == no_gap || gap_at < lead_sent ? no_gap : gap_at - lead_sent;
    lead_sent = 0;
}

// [cursor, to), in which nothing is skipped.
void outflow::take_over(const ring& log, std::uint64_t to) {
    trim();
    make_more().gap_at = no_gap;
    auto& lead = more_->lead;
    const std::size_t before = lead.size();
    lead.resize(before + static_cast<std::size_t>(to - cursor_));
    log.copy(cursor_, std::span(lead).subspan(before));
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
        const auto& all = more();
        const bool skips = all.first_skip < all.skips.size() && all.skips[all.first_skip].from < last;
        take_over(log, skips ? all.skips[all.first_skip].from : last);
    }
    edge_ = cursor_;
}

void outflow::go_on(std::uint64_t position) noexcept {
    held_ = nothing;
    cursor_ = position;
    edge_ = position;
    if (more_) {
        more_->skips.clear();
        more_->first_skip = 0;
    }
}

bool outflow::add_gap(std::uint64_t messages) {
    trim();
    auto& [lead, lead_sent, gap_at, gap_messages, skips, first_skip] = make_more();
    const bool joins = gap_at != no_gap;
    if (!joins) {
        gap_at = lead.size();
        gap_messages = 0;
        lead.resize(gap_at + wire::gap_bytes{}.size());
    }
    gap_messages += messages;
    const auto notice = wire::encode_gap(gap_messages);
    std::ranges::copy(notice, lead.begin() + static_cast<std::ptrdiff_t>(gap_at));
    return !joins;
}

std::uint64_t outflow::queued(std::uint64_t head) const noexcept {
    const std::uint64_t last = stop(head);
    std::uint64_t sum = own_bytes() + (cursor_ < last ? last - cursor_ : 0);
    const auto& skips = more().skips;
    for (std::size_t i = more().first_skip; i < skips.size() && skips[i].from < last; ++i) {
        sum -= std::min(last, skips[i].to) - skips[i].from;
    }
    return sum;
}

} // namespace joinleaf::tcp_root
