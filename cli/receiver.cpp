// SPDX-License-Identifier: Apache-2.0
#include "receiver.hpp"

#include "note.hpp"
#include "units.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace joinleaf::cli {

namespace {

using namespace std::chrono_literals;

constexpr auto here_interval = 100ms;
constexpr auto bye_wait = 1s; // the sender repeats its end every 100 ms until it has the report

// Messages that may overtake others: several paths, or several queues of one device.
constexpr std::size_t unreliable_window = 256;

// A bar over the received text itself would be unreadable.
progress::form form_of(const transfer_options& options) {
    const bool to_terminal = (options.file.empty() || options.file == "-") && isatty(STDOUT_FILENO) == 1;
    return options.quiet || to_terminal ? progress::form::silent : progress::form_for_stderr();
}

} // namespace

receiver::receiver(const transfer_options& options, const entry& with, link from, std::uint64_t number)
    : options_(options),
      entry_(with),
      link_(std::move(from)),
      number_(number),
      order_(with.reliable() ? 0 : unreliable_window),
      progress_("received", form_of(options)) {}

clock::time_point receiver::deadline() const {
    return clock::now() + std::chrono::duration_cast<clock::duration>(options_.timeout);
}

result<void> receiver::say_here() {
    return link_.send({kind::here, 0, 0, number_}, {}, deadline());
}

// The next message of our sender. Until one is heard on a session without a root, says again and again: here.
result<std::optional<incoming>> receiver::next(clock::time_point until) {
    for (auto again = clock::now();;) { // not sooner, whatever is heard: it may be its own word
        const bool announce = session_ == 0 && !entry_.rooted_control();
        if (announce && clock::now() >= again) {
            again = clock::now() + here_interval;
            if (const auto said = say_here(); !said) {
                return tl::unexpected(said.error());
            }
        }
        auto came = link_.receive(announce ? std::min(until, again) : until);
        if (!came || (!*came && (link_.ended() || clock::now() >= until))) {
            return came;
        }
        if (!*came) {
            continue;
        }
        const header& head = (*came)->header;
        const bool from_sender = head.kind != kind::here && head.kind != kind::report;
        if (from_sender && session_ == 0 && head.kind != kind::bye) {
            session_ = head.session;
        }
        if (from_sender && head.session == session_) {
            return came;
        }
    }
}

result<void> receiver::take(sink& into) {
    while (!summary_) {
        const auto came = next(deadline());
        if (!came) {
            return tl::unexpected(came.error());
        }
        if (!*came) {
            progress_.finish();
            return fail(status::damaged,
                        link_.ended() ? "the sender closed the session before the end"
                                      : fmt::format("nothing came for {:.3g} s", options_.timeout.count()));
        }
        if (auto taken = accept(**came, into); !taken) {
            return taken;
        }
    }
    progress_.finish();
    complete_ = order_.complete(sent_) && progress_.bytes() == summary_->bytes &&
                digest_.finish() == summary_->sha256;
    return tell();
}

result<void> receiver::accept(const incoming& message, sink& into) {
    if (message.header.kind == kind::begin && !description_) {
        description_ = decode_description(message.payload);
        if (description_ && description_->size) {
            progress_.expect(*description_->size);
        }
    } else if (message.header.kind == kind::data) {
        order_.put(message.header, message.payload);
    } else if (message.header.kind == kind::end) {
        summary_ = decode_summary(message.payload);
        if (summary_) {
            sent_ = message.header.number;
            order_.close(sent_);
        }
    }
    return write_ready(into);
}

result<void> receiver::write_ready(sink& into) {
    constexpr std::byte line_feed{'\n'};
    while (const std::optional<held> message = order_.take()) {
        digest_.add(message->body);
        progress_.advance(message->body.size());
        result<void> written = into.write(message->body);
        if (written && (message->head.flags & flag_line_ends) != 0) {
            written = into.write({&line_feed, 1});
        }
        if (!written) {
            return written;
        }
    }
    return {};
}

// The report, again for each further end, until the sender says that it has it.
result<void> receiver::tell() {
    const payload body = encode(report{complete_, progress_.bytes(), order_.lost()});
    bool asked = true;
    while (true) {
        if (asked && !link_.send({kind::report, 0, session_, number_}, body, deadline())) {
            return {}; // the sender has gone; what came is judged all the same
        }
        const auto came = next(clock::now() + bye_wait);
        if (!came || !*came || (*came)->header.kind == kind::bye) {
            return {};
        }
        asked = (*came)->header.kind == kind::end;
    }
}

result<void> receiver::verdict() {
    if (!complete_) {
        const bool all_there = order_.lost() == 0 && progress_.bytes() == summary_->bytes;
        return fail(status::damaged,
                    fmt::format("{} of {} bytes came, {} of {} messages were lost{}", progress_.bytes(),
                                summary_->bytes, order_.lost(), sent_, all_there ? ", SHA-256 differs" : ""));
    }
    if (!options_.quiet) {
        note(fmt::format("received {} in {} messages, {}, SHA-256 equal",
                         bytes_text(static_cast<double>(progress_.bytes())), sent_,
                         rate_text(progress_.bytes(), progress_.elapsed())));
    }
    return {};
}

} // namespace joinleaf::cli
