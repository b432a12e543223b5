// SPDX-License-Identifier: Apache-2.0
#include "transfer.hpp"

#include "address.hpp"
#include "entry.hpp"
#include "receiver.hpp"
#include "runtime.hpp"
#include "sender.hpp"
#include "session.hpp"
#include "sink.hpp"
#include "source.hpp"

#include <fmt/format.h>

#include <csignal>
#include <optional>
#include <utility>

namespace joinleaf::cli {

namespace {

result<std::optional<address>> asked_address(const std::string& text) {
    if (text.empty()) {
        return std::optional<address>();
    }
    return parse_address(text).map([](const address& parsed) { return std::optional(parsed); });
}

result<entry> asked_entry(const transfer_options& options, const std::optional<address>& where) {
    return choose_entry(options.provider, where ? std::optional(where->family()) : std::nullopt);
}

result<void> send_from(const send_options& options, const entry& with, root at, source& from) {
    sender work(options, with, std::move(at));
    return work.gather().and_then([&] { return work.transmit(from); }).and_then([&] {
        return work.confirm();
    });
}

result<void> receive_from(const transfer_options& options, const entry& with, const address& where) {
    result<sink> into = sink::open(options.file);
    if (!into) {
        return tl::unexpected(into.error());
    }
    const std::uint64_t number = draw_number();
    const auto patience = std::chrono::duration_cast<clock::duration>(options.timeout);
    result<link> joined = join(with, where, number, clock::now() + patience);
    if (!joined) {
        return tl::unexpected(joined.error());
    }
    receiver work(options, with, std::move(*joined), number);
    result<void> done = work.take(*into).and_then([&] { return work.verdict(); });
    if (done) {
        return into->keep();
    }
    if (const std::string kept = into->partial_name(); into->written() && !kept.empty()) {
        done.error().text += fmt::format("; what came is in '{}'", kept);
    }
    return done;
}

} // namespace

result<void> send(const send_options& options) {
    const auto where = asked_address(options.address);
    result<source> from = source::open(options.file);
    if (!where || !from) {
        return tl::unexpected(!where ? where.error() : from.error());
    }
    const auto started = runtime::start(options.config);
    if (!started) {
        return tl::unexpected(started.error());
    }
    const result<entry> with = asked_entry(options, *where);
    if (!with) {
        return tl::unexpected(with.error());
    }
    result<root> at = open_root(*with, *where);
    if (!at) {
        return tl::unexpected(at.error());
    }
    return send_from(options, *with, std::move(*at), *from);
}

result<void> receive(const transfer_options& options) {
    std::signal(SIGPIPE, SIG_IGN); // a pipe whose reader went away is an error of write()
    const result<address> where = parse_address(options.address);
    if (!where) {
        return tl::unexpected(where.error());
    }
    const auto started = runtime::start(options.config);
    if (!started) {
        return tl::unexpected(started.error());
    }
    return asked_entry(options, *where).and_then([&](const entry& with) {
        return receive_from(options, with, *where);
    });
}

} // namespace joinleaf::cli
