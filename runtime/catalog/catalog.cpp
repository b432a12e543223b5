// SPDX-License-Identifier: Apache-2.0
#include "runtime/catalog/catalog.hpp"

#include "config/quote.hpp"
#include "runtime/catalog/guarded_call.hpp"
#include "runtime/catalog/protocol_info.hpp"
#include "runtime/catalog/provider_loader.hpp"
#include "runtime/catalog/report.hpp"
#include "runtime/log.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace joinleaf::catalog {
namespace {

std::string label_of(const provider& owner, const jl_protocol& row) {
    const auto name = fmt::format("{}/{}", owner.name, row.name);
    return owner.summary.empty() ? name : fmt::format("{} ({})", name, owner.summary);
}

bool would_fit(const provider& refused, const query& asked) {
    if (refused.state != provider::state::refused || refused.table == nullptr) {
        return false;
    }
    return std::ranges::any_of(refused.facts->protocols(), [&](const jl_protocol* row) {
        return first_hindrance(*row, refused.limits, asked).what == obstacle::none;
    });
}

bool is_refused(const provider& each) {
    return each.state == provider::state::refused;
}

} // namespace

catalog::catalog(const config::configuration& configuration, const jl_host& host)
    : configuration_(configuration), providers_(configuration.providers.size()) {
    provider_loader loader{host};
    for (std::size_t i = 0; i < providers_.size(); ++i) {
        loader.load(configuration_.providers[i], providers_[i]);
        if (providers_[i].state == provider::state::loaded) {
            add_entries(providers_[i]);
        }
    }
    put_in_order();
}

catalog::~catalog() {
    for (auto at = providers_.rbegin(); at != providers_.rend(); ++at) {
        const auto& each = *at;
        if (each.state != provider::state::loaded) {
            continue;
        }
        const auto done = guarded([&each] {
            each.table->destroy(each.instance);
            return 0;
        });
        if (!done) {
            log(severity::error, "provider {}: {}: destroy {}", config::quote(each.name), each.library_path,
                done.error());
        }
    }
}

void catalog::add_entries(const provider& owner) {
    const auto rows = owner.facts->protocols();
    for (std::uint32_t i = 0; i < rows.size(); ++i) {
        const auto& row = *rows[i];
        if (!leaves(owner.limits, row)) {
            continue;
        }
        entry made;
        made.id = free_id(owner, row);
        made.owner = &owner;
        made.protocol_index = i;
        made.protocol = &row;
        made.info = make_info(row, owner.id, label_of(owner, row));
        made.info.dwCatalogEntryId = made.id;
        made.info.ProtocolChain.ChainEntries[0] = made.id;
        made.offered_flags = carried_flags(row) & owner.limits.flags;
        entries_.push_back(made);
    }
}

// `order:` decides, an entry's own place before that of its provider; what has none follows as it came (CT-09).
void catalog::put_in_order() {
    const auto& order = configuration_.order;
    const auto place = [&order](const std::string& provider, std::string_view entry) {
        return std::ranges::find_if(order,
                                    [&](const config::order_item& each) {
                                        return each.provider == provider && each.entry == entry;
                                    }) -
               order.begin();
    };
    std::ranges::stable_sort(entries_, {}, [&](const entry& each) {
        const auto own = place(each.owner->name, each.protocol->name);
        return own < std::ssize(order) ? own : place(each.owner->name, "");
    });
    for (const auto& each : order) {
        if (std::ranges::find(providers_, each.provider, &provider::name) == providers_.end()) {
            std::vector<std::string_view> names;
            for (const auto& known : providers_) {
                names.emplace_back(known.name);
            }
            log(severity::warning, "config {}: order: there is no provider {}{}", each.where.text(),
                config::quote(each.provider), config::suggestion(each.provider, names));
        }
    }
}

DWORD catalog::free_id(const provider& owner, const jl_protocol& row) const {
    auto id = wanted_id(owner.name, row.name);
    while (find(id) != nullptr) {
        id = next_id(id);
    }
    return id;
}

const entry* catalog::find(DWORD id) const {
    const auto found = std::ranges::find(entries_, id, &entry::id);
    return found == entries_.end() ? nullptr : &*found;
}

const entry* catalog::choose(const query& asked, int& error, const entry* after) const {
    const bool says_too_little = asked.family == 0 && asked.protocol == 0;
    const auto first = after == nullptr ? 0 : static_cast<std::size_t>(after - entries_.data()) + 1;
    for (auto i = first; i < entries_.size() && !says_too_little; ++i) {
        const auto& each = entries_[i];
        if (first_hindrance(*each.protocol, each.owner->limits, asked).what == obstacle::none) {
            error = 0;
            return &each;
        }
    }
    error = failure(asked);
    return nullptr;
}

int catalog::failure(const query& asked) const {
    if (!are_lawful(asked.flags)) {
        return WSAEINVAL; // no entry could carry them
    }
    const bool says_too_little = asked.family == 0 && asked.protocol == 0;
    const auto broken =
        std::ranges::find_if(providers_, [&asked](const provider& each) { return would_fit(each, asked); });
    if (broken != providers_.end() && !says_too_little) {
        return broken->refusal_code;
    }
    const auto refused = std::ranges::find_if(providers_, is_refused);
    if (entries_.empty() && refused != providers_.end()) {
        return refused->refusal_code;
    }
    const auto has = [this](auto what) { return std::ranges::any_of(entries_, what); };
    if (!has([&](const entry& each) { return asked.type == 0 || each.info.iSocketType == asked.type; })) {
        return WSAESOCKTNOSUPPORT;
    }
    if (says_too_little) {
        return WSAEINVAL;
    }
    if (!has([&](const entry& each) {
            return asked.family == 0 || each.info.iAddressFamily == asked.family;
        })) {
        return WSAEAFNOSUPPORT;
    }
    const bool only_flags = has([&](const entry& each) {
        const auto found = first_hindrance(*each.protocol, each.owner->limits, asked).what;
        return found == obstacle::flags || found == obstacle::ordinary;
    });
    return only_flags ? WSAEINVAL : WSAEPROTONOSUPPORT;
}

std::string catalog::json() const {
    return catalog_json(*this, configuration_);
}

} // namespace joinleaf::catalog
