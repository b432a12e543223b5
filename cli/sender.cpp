// SPDX-License-Identifier: Apache-2.0
#include "sender.hpp"

#include "note.hpp"
#include "runtime.hpp"
#include "units.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace joinleaf::cli {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t unreliable_rate = 10 * 1024 * 1024; // what 100 Mbit/s Ethernet carries without a queue
constexpr auto keep_alive = 1s;                             // receivers count silence in tens of seconds
constexpr auto repeat_interval = 100ms;
constexpr std::uint64_t listen_every = 64; // messages; a report that comes early waits in the socket meanwhile
constexpr auto bye_repeats = 3;
constexpr int end_copies = 10;

std::uint64_t rate_of(const send_options& options, const entry& with) {
    return options.rate != 0 || with.reliable() ? options.rate : unreliable_rate;
}

bool has_closed(const member& leaf) {
    const result<bool> readable = wait_for(leaf.socket.get(), POLLIN, clock::now());
    return !readable || *readable;
}

} // namespace

sender::sender(const send_options& options, const entry& with, root at)
    : options_(options),
      entry_(with),
      root_(std::move(at)),
      pace_(rate_of(options, with)),
      progress_("sent", options.quiet ? progress::form::silent : progress::form_for_stderr()),
      number_(draw_number()) {}

clock::time_point sender::deadline() const {
    return clock::now() + std::chrono::duration_cast<clock::duration>(options_.timeout);
}

void sender::note_if(bool wanted, const std::string& text) const {
    if (wanted && !options_.quiet) {
        note(text);
    }
}

result<void> sender::gather() {
    if (options_.leaves == 0 && entry_.rooted_control()) {
        return fail(status::usage, fmt::format("--leaves 0: '{}' has a root that knows its leaves, it cannot "
                                               "send to none",
                                               entry_.name()));
    }
    note_if(true, fmt::format("'{}' at {}, waiting for {} {}", entry_.name(), root_.where.text(),
                              options_.leaves, options_.leaves == 1 ? "leaf" : "leaves"));
    const clock::time_point until = deadline();
    while (present() < options_.leaves) {
        const result<bool> came = gather_one(until);
        if (!came) {
            return tl::unexpected(came.error());
        }
        if (!*came) {
            return fail(status::session, fmt::format("{} of {} leaves came within {:.3g} s", present(),
                                                     options_.leaves, options_.timeout.count()));
        }
    }
    return {};
}

result<bool> sender::gather_one(clock::time_point until) {
    if (!entry_.rooted_control()) {
        const std::size_t before = present();
        result<bool> heard = hear(until);
        note_if(present() > before, fmt::format("leaf {} of {} is there", present(), options_.leaves));
        return heard;
    }
    result<std::optional<member>> leaf = admit(root_, until);
    if (!leaf || !*leaf) {
        return leaf.map([](const auto&) { return false; });
    }
    members_.push_back(std::move(**leaf));
    note_if(true,
            fmt::format("leaf {} of {} joined from {}", present(), options_.leaves, members_.back().from));
    return true;
}

result<void> sender::send(kind what, std::span<const std::byte> body, std::uint16_t flags,
                          std::uint64_t number) {
    return root_.session.send({what, flags, number_, number}, body, deadline());
}

result<void> sender::transmit(source& from) {
    const std::size_t room = entry_.message_room() - header_size;
    const payload begin = encode(description{from.size(), from.name()}, room);
    if (from.size()) {
        progress_.expect(*from.size());
    }
    result<void> sent = send(kind::begin, begin);
    while (sent) {
        const auto piece = options_.lines ? from.next_line(room, keep_alive) : from.next(room, keep_alive);
        if (!piece || piece->state == source::state::end) {
            sent = piece.map([](const source::piece&) {});
            break;
        }
        sent = piece->state == source::state::idle ? send(kind::begin, begin) : send_piece(*piece);
    }
    progress_.finish();
    return sent;
}

result<void> sender::send_piece(const source::piece& piece) {
    pace_.wait(piece.bytes.size() + header_size);
    const std::uint16_t flags = piece.line_ends ? flag_line_ends : std::uint16_t{0};
    result<void> sent = send(kind::data, piece.bytes, flags, messages_++);
    if (!sent) {
        return sent;
    }
    digest_.add(piece.bytes);
    progress_.advance(piece.bytes.size());
    // On a nonrooted session one's own messages come back; read they make room for those of the receivers.
    while (unreliable() || messages_ % listen_every == 0) {
        const result<bool> heard = hear(clock::now());
        if (!heard || !*heard) {
            return heard.map([](bool) {});
        }
    }
    return {};
}

// Takes one message from the session, if there is one in time.
result<bool> sender::hear(clock::time_point until) {
    const result<std::optional<incoming>> came = root_.session.receive(until);
    if (!came || !*came) {
        return came.map([](const auto&) { return false; });
    }
    const incoming& message = **came;
    if (message.header.kind == kind::here && !entry_.rooted_control()) {
        seen_.insert(message.header.number);
    }
    if (message.header.kind == kind::report && message.header.session == number_) {
        if (const std::optional<report> said = decode_report(message.payload)) {
            reports_[message.header.number] = *said;
        }
    }
    return true;
}

result<void> sender::confirm() {
    const payload end = encode(summary{progress_.bytes(), digest_.finish()});
    const clock::time_point until = deadline();
    clock::time_point repeat = clock::now();
    int said = 0;
    do {
        if (clock::now() >= repeat && (unreliable() || said == 0)) {
            if (auto sent = send(kind::end, end, 0, messages_); !sent) {
                return sent;
            }
            ++said;
            repeat += repeat_interval;
        }
        if (const auto heard = hear(std::min(until, clock::now() + repeat_interval)); !heard) {
            return heard.map([](bool) {});
        }
    } while ((!all_answered() || said < least_ends()) && clock::now() < until);
    for (int i = 0; i < (unreliable() ? bye_repeats : 1); ++i) {
        if (!send(kind::bye, {})) {
            break; // nobody is left to hear it
        }
    }
    return verdict();
}

// Where nobody answers, copies make up for loss.
int sender::least_ends() const {
    return unreliable() && options_.leaves == 0 ? end_copies : 1;
}

bool sender::member_is_done(const member& leaf) const {
    return (leaf.number && reports_.contains(*leaf.number)) || has_closed(leaf);
}

bool sender::all_answered() const {
    if (reports_.size() >= options_.leaves) {
        return true;
    }
    return entry_.rooted_control() && std::all_of(members_.begin(), members_.end(),
                                                  [this](const member& leaf) { return member_is_done(leaf); });
}

result<void> sender::verdict() const {
    note_if(true, fmt::format("sent {} in {} messages, {}", bytes_text(static_cast<double>(progress_.bytes())),
                              messages_, rate_text(progress_.bytes(), progress_.elapsed())));
    for (const auto& [number, said] : reports_) {
        if (!said.complete) {
            return fail(status::damaged, fmt::format("a leaf has {} of {} bytes, {} messages were lost",
                                                     said.bytes, progress_.bytes(), said.lost));
        }
    }
    if (reports_.size() < options_.leaves) {
        return fail(status::session, fmt::format("{} of {} leaves have said that everything came",
                                                 reports_.size(), options_.leaves));
    }
    note_if(options_.leaves == 1, "1 leaf has everything, SHA-256 equal");
    note_if(options_.leaves > 1, fmt::format("{} leaves have everything, SHA-256 equal", reports_.size()));
    return {};
}

} // namespace joinleaf::cli
