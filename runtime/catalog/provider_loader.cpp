// SPDX-License-Identifier: Apache-2.0
#include "runtime/catalog/provider_loader.hpp"

#include "config/quote.hpp"
#include "runtime/catalog/guarded_call.hpp"
#include "runtime/catalog/protocol_info.hpp"
#include "runtime/explanation.hpp"
#include "runtime/log.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace joinleaf::catalog {
namespace {

void copy_words(const config::provider& item, provider& made) {
    made.name = item.name;
    made.library = item.library;
    made.where = item.where;
    made.match = item.match;
    made.qos = item.qos;
    made.capacity = std::make_shared<qos::ledger>(item.qos.capacity_bits_per_second, item.qos.where.text());
    made.entries = item.entries;
    made.id = provider_id(item);
    made.limits = narrowed_by(item.match, item.entries);
}

void disable(const config::provider& item, provider& made) {
    made.state = provider::state::disabled;
    made.disabled_where = item.enabled_where;
    made.reason = fmt::format("disabled at {}", item.enabled_where.text());
}

std::string all_of(const std::vector<config::problem>& problems) {
    std::vector<std::string> texts;
    texts.reserve(problems.size());
    for (const auto& each : problems) {
        texts.push_back(each.text());
    }
    return fmt::format("{}", fmt::join(texts, "; "));
}

// An installer describes entries that the library turns out not to have.
void warn_of_missing_entries(const config::provider& item, const provider& made) {
    const auto rows = made.facts->protocols();
    for (std::size_t i = 0; i < made.entries.size(); ++i) {
        narrowing one;
        one.entries = {made.limits.entries[i]};
        if (std::ranges::none_of(rows, [&one](const jl_protocol* row) { return lists(one, *row); })) {
            log(severity::warning, "config {}: provider {}: {} has no entry {}", item.where.text(),
                config::quote(item.name), made.library_path, made.entries[i].text());
        }
    }
}

} // namespace

void provider_loader::load(const config::provider& item, provider& made) {
    copy_words(item, made);
    if (!item.enabled) {
        disable(item, made);
        return;
    }
    if (auto taken = take(item, made); !taken) {
        made.state = provider::state::refused;
        made.reason = std::move(taken.error().reason);
        made.refusal_code = taken.error().code;
        // The built-in configuration names every transport there is: hardware that a machine lacks is no news then.
        const bool expected = item.where.file == "built-in" && taken.error().lacks_device;
        log(expected ? severity::info : severity::warning, "config {}: provider {}: {}", item.where.text(),
            config::quote(item.name), made.reason);
        return;
    }
    made.state = provider::state::loaded;
    log(severity::info, "config {}: provider {}: loaded {}", item.where.text(), config::quote(item.name),
        made.library_path);
}

const provider_loader::started& provider_loader::start(const std::string& path) {
    if (const auto known = started_.find(path); known != started_.end()) {
        return known->second;
    }
    auto opened = open_library(path);
    auto result = opened ? start_library(**opened, host_) : started{tl::unexpect, std::move(opened).error()};
    return started_.emplace(path, std::move(result)).first->second;
}

tl::expected<void, refusal> provider_loader::take(const config::provider& item, provider& made) {
    const auto path = find_library(item.library);
    if (!path) {
        return tl::unexpected{path.error()};
    }
    made.library_path = *path;
    const auto& facts = start(*path);
    if (!facts) {
        return tl::unexpected{facts.error()};
    }
    made.facts = *facts;
    made.table = &made.facts->table();
    made.library_name = made.table->name;
    made.version = made.table->version;
    made.summary = made.table->summary;
    warn_of_missing_entries(item, made);
    return bind(item, made).and_then([&made] { return create(made); });
}

tl::expected<void, refusal> provider_loader::bind(const config::provider& item, provider& made) {
    auto bound = bind_options(item.name, made.facts->options(), item.options);
    if (!bound) {
        return tl::unexpected{
            refusal{WSAEPROVIDERFAILEDINIT,
                    fmt::format("{}: options refused: {}", made.library_path, all_of(bound.error()))}};
    }
    made.options = std::move(*bound);
    return {};
}

tl::expected<void, refusal> provider_loader::create(provider& made) {
    clear_explanation();
    const auto answer =
        guarded([&made] { return made.table->create(&made.options->arguments(), &made.instance); });
    if (answer && *answer == 0) {
        return {};
    }
    made.instance = nullptr;
    const auto sentence = take_explanation();
    const auto reason = answer ? fmt::format("create fails with {}", code_text(*answer))
                               : fmt::format("create {}", answer.error());
    return tl::unexpected{
        refusal{WSAEPROVIDERFAILEDINIT,
                fmt::format("{}: {}{}{}", made.library_path, reason, sentence.empty() ? "" : ": ", sentence),
                answer && *answer == WSAENETDOWN}};
}

} // namespace joinleaf::catalog
