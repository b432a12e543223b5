// SPDX-License-Identifier: Apache-2.0
#include "cast.hpp"

#include "hub.hpp"

#include <algorithm>
#include <limits>

namespace joinleaf::rdma {
namespace {

// More would not make it faster: a network's round trip is shorter than so many datagrams.
constexpr std::size_t largest_window = 256;
constexpr std::size_t smallest_window = 4;

constexpr std::uint64_t everything = std::numeric_limits<std::uint64_t>::max();

bool is_over(const outflow& leaf, std::uint64_t cursor) noexcept {
    return leaf.stop() && *leaf.stop() <= cursor;
}

} // namespace

void cast::on_joined() {
    home_.on_cast_joined();
}

void cast::on_posted(std::uint64_t cookie) {
    if (state == phase::up && cookie != no_cookie) {
        out.sent(cookie);
        released = true;
    }
}

void cast::on_lost(const failure& what) {
    home_.on_cast_lost(what);
}

void cast::open(std::size_t send_buffer) {
    window_ = std::clamp(send_buffer / 2 / line->datagram_size(), smallest_window, largest_window);
}

bool cast::has_room() const noexcept {
    return std::ranges::all_of(data->peers, [&](const auto& each) {
        return !each->place.is_kept() || sent_.size() < each->place.window();
    });
}

bool cast::is_followed() const noexcept {
    return std::ranges::any_of(data->peers, [&](const auto& each) {
        return each->place.is_kept() && !is_over(each->out, out.cursor());
    });
}

std::uint64_t cast::heard_until() const noexcept {
    std::uint64_t until = 0;
    for (const auto& each : data->peers) {
        if (each->place.state() == seat::phase::seated) {
            until = std::max(until, each->out.stop().value_or(everything));
        }
    }
    return until;
}

std::uint64_t cast::reached(const outflow& leaf) const noexcept {
    return leaf.stop() ? std::min(out.stream(), leaf.stop_carried()) : out.stream();
}

std::uint64_t cast::needs(std::uint64_t head) const noexcept {
    return is_followed() || out.in_flight() ? out.needs(head) : head;
}

bool cast::has_news() const noexcept {
    return std::ranges::any_of(data->peers, [&](const auto& each) { return has_news_for(*each); });
}

bool cast::has_news_for(const peer& leaf) const noexcept {
    return leaf.place.state() == seat::phase::seated &&
           std::max(leaf.place.told, leaf.place.taken()) < reached(leaf.out);
}

std::uint64_t cast::reached_by_all() const noexcept {
    std::uint64_t least = out.stream();
    for (const auto& each : data->peers) {
        if (each->place.state() == seat::phase::seated) {
            least = std::min(least, reached(each->out));
        }
    }
    return least;
}

void cast::posted(const outflow::slice& what, bool free) {
    const datagram made{what.stream, what.position, static_cast<std::uint32_t>(what.bytes.size())};
    sent_.push_back(made);
    out.posted(data->log, what, free);
    ++datagrams;
    marks = 0;
    for (const auto& each : data->peers) {
        if (each->place.state() == seat::phase::returning) {
            each->place.want(made);
        }
    }
}

void cast::trim() {
    std::uint64_t floor = everything;
    for (const auto& each : data->peers) {
        if (each->place.is_kept()) {
            floor = std::min(floor, each->place.taken());
        }
    }
    while (!sent_.empty() && sent_.front().stream + sent_.front().size <= floor) {
        sent_.pop_front();
    }
    if (!is_followed()) {
        out.jump(data->log.head());
    }
}

std::deque<datagram>::const_iterator cast::find(std::uint64_t stream) const noexcept {
    return std::ranges::lower_bound(sent_, stream, {}, &datagram::stream);
}

std::optional<std::uint64_t> cast::position_of(std::uint64_t stream) const noexcept {
    const auto at = find(stream);
    if (at != sent_.end() && at->stream == stream) {
        return at->position;
    }
    if (at == sent_.begin() || std::prev(at)->stream + std::prev(at)->size != stream) {
        return std::nullopt;
    }
    return stream == out.stream() ? out.cursor() : std::prev(at)->position + std::prev(at)->size;
}

std::size_t cast::count(std::uint64_t from, std::uint64_t to) const noexcept {
    return static_cast<std::size_t>(find(to) - find(from));
}

bool cast::repair(seat& whose, const wire::range& missing) const {
    const auto first = find(missing.from);
    const auto last = find(missing.to);
    if (missing.from < whose.taken() || first >= last || first->stream != missing.from ||
        std::prev(last)->stream + std::prev(last)->size != missing.to) {
        return false;
    }
    std::for_each(first, last, [&](const datagram& each) { whose.want(each); });
    return true;
}

group_figures cast::figures() const {
    const auto hear = std::ranges::count_if(
        data->peers, [](const auto& each) { return each->place.state() == seat::phase::seated; });
    return {static_cast<std::size_t>(hear), datagrams, repairs, requests};
}

void cast::repair_all(seat& whose) const {
    std::for_each(find(whose.taken()), sent_.end(), [&](const datagram& each) { whose.want(each); });
}

} // namespace joinleaf::rdma
