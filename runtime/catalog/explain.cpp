// SPDX-License-Identifier: Apache-2.0
#include "runtime/catalog/catalog.hpp"
#include "runtime/catalog/guarded_call.hpp"
#include "runtime/catalog/words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace joinleaf::catalog {
namespace {

constexpr DWORD role_flags = WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_C_LEAF |
                             WSA_FLAG_MULTIPOINT_D_ROOT | WSA_FLAG_MULTIPOINT_D_LEAF;

std::string protocols_text(const jl_protocol& row) {
    auto text = protocol_word(row.protocol);
    if (row.protocol_max_offset > 0) {
        text += fmt::format(" to {}", row.protocol + row.protocol_max_offset);
    }
    const bool answers_to_zero = (row.provider_flags & PFL_MATCHES_PROTOCOL_ZERO) != 0;
    return answers_to_zero ? text + " or 0" : text;
}

std::string protocol_asked(int protocol) {
    return protocol == 0 ? "0 (the default)" : protocol_word(protocol);
}

std::string flags_asked(DWORD flags) {
    constexpr DWORD known =
        role_flags | WSA_FLAG_OVERLAPPED | WSA_FLAG_ACCESS_SYSTEM_SECURITY | WSA_FLAG_NO_HANDLE_INHERIT;
    const auto roles = flags_text(flags);
    return (flags & ~known) == 0 ? roles
                                 : fmt::format("{} with the unknown bits {:#x}", roles, flags & ~known);
}

std::string flags_lawful() {
    return "none, or one of c_root, c_leaf with one of d_root, d_leaf";
}

// What was asked and what is offered where this obstacle stands.
void describe(obstacle what, const jl_protocol& row, const query& asked, candidate& made) {
    switch (what) {
    case obstacle::none: return;
    case obstacle::listing:
        made.condition = "entries";
        made.asked = fmt::format("{}/{}/{}", family_word(row.family), type_word(row.socket_type),
                                 protocol_word(row.protocol));
        return;
    case obstacle::type:
        made.condition = "type";
        made.asked = type_word(asked.type);
        made.offered = type_word(row.socket_type);
        return;
    case obstacle::family:
        made.condition = "family";
        made.asked = family_word(asked.family);
        made.offered = family_word(row.family);
        return;
    case obstacle::protocol:
        made.condition = "protocol";
        made.asked = protocol_asked(asked.protocol);
        made.offered = protocols_text(row);
        return;
    case obstacle::ordinary:
        made.condition = "role";
        made.asked = "an ordinary socket (no multipoint flags)";
        made.offered = "multipoint sockets only";
        return;
    case obstacle::flags:
        made.condition = "flags";
        made.asked = flags_asked(asked.flags);
        made.offered = are_lawful(asked.flags) ? flags_text(carried_flags(row)) : flags_lawful();
        return;
    }
}

// The same where `match` stands in the way: what is offered is what it leaves.
void describe_match(obstacle what, const provider& owner, const jl_protocol& row, const query& asked,
                    candidate& made) {
    describe(what, row, asked, made);
    if (what == obstacle::listing) {
        std::vector<std::string> words;
        for (const auto& each : owner.entries) {
            words.push_back(each.text());
        }
        made.offered = fmt::format("{}", fmt::join(words, ", "));
        return;
    }
    const auto& match = owner.match;
    const std::vector<std::string> nothing;
    const auto& words = what == obstacle::type       ? match.type
                        : what == obstacle::family   ? match.family
                        : what == obstacle::protocol ? match.protocol
                        : what == obstacle::flags    ? match.flags
                                                     : nothing;
    made.offered = fmt::format("{} (the provider itself: {})", fmt::join(words, ", "), made.offered);
    made.condition = "match." + made.condition;
    made.where = match.where.text();
}

candidate judge(const provider& owner, const jl_protocol& row, const entry* which, const query& asked) {
    candidate made;
    made.which = which;
    made.owner = &owner;
    made.entry_name = row.name;
    made.where = owner.where.text();
    const auto found = first_hindrance(row, owner.limits, asked);
    made.fits = found.what == obstacle::none;
    if (found.by_match && !made.fits) {
        describe_match(found.what, owner, row, asked, made);
    } else {
        describe(found.what, row, asked, made);
    }
    if (made.fits && asked.family == 0 && asked.protocol == 0) {
        made.fits = false;
        made.condition = "family";
        made.asked = "any family with protocol 0";
        made.offered = "a family or a protocol must be given";
    }
    return made;
}

void add_facts(const provider& owner, candidate& made) {
    const auto& ops = *owner.table->ops;
    if (!made.fits || made.which == nullptr || ops.facts == nullptr) {
        return;
    }
    // A provider that throws has told nothing.
    static_cast<void>(guarded([&] {
        ops.facts(
            owner.instance, made.which->protocol_index,
            [](void* to, const char* key, const char* sentence) {
                static_cast<candidate*>(to)->facts.emplace_back(key, sentence);
            },
            &made);
        return 0;
    }));
}

candidate absent(const provider& owner) {
    candidate made;
    made.owner = &owner;
    made.condition = "state";
    made.asked = "a loaded provider";
    if (owner.state == provider::state::refused) {
        made.offered = "refused: " + owner.reason;
        made.where = owner.where.text();
    } else {
        made.offered = "disabled";
        made.where = owner.disabled_where.text();
    }
    return made;
}

std::string query_text(const query& asked) {
    return fmt::format("family {}, type {}, protocol {}, flags {}", family_word(asked.family),
                       type_word(asked.type), protocol_asked(asked.protocol), flags_asked(asked.flags));
}

std::string line_of(const candidate& each) {
    const auto name =
        each.entry_name.empty() ? each.owner->name : fmt::format("{}/{}", each.owner->name, each.entry_name);
    if (each.condition == "state") {
        return fmt::format("\n  {}: {} ({})", name, each.offered, each.where);
    }
    return fmt::format("\n  {}: {}: asked {}, offered {} ({})", name, each.condition, each.asked,
                       each.offered, each.where);
}

std::string sentence_of(const query& asked, const decision& made) {
    if (made.chosen != nullptr) {
        return fmt::format("{}/{} fits {}", made.chosen->owner->name, made.chosen->protocol->name,
                           query_text(asked));
    }
    auto text = fmt::format("nothing fits {} ({})", query_text(asked), code_text(made.error));
    if (made.candidates.empty()) {
        return text + ": the configuration has no providers";
    }
    text += ":";
    for (const auto& each : made.candidates) {
        text += line_of(each);
    }
    return text;
}

} // namespace

decision catalog::explain(const query& asked) const {
    decision made;
    made.chosen = choose(asked, made.error);
    for (const auto& owner : providers_) {
        if (owner.state != provider::state::loaded) {
            made.candidates.push_back(absent(owner));
            continue;
        }
        for (const auto* row : owner.facts->protocols()) {
            // Two items may share a library, and then its rows.
            const auto found = std::ranges::find_if(
                entries_, [&](const entry& each) { return each.owner == &owner && each.protocol == row; });
            made.candidates.push_back(judge(owner, *row, found == entries_.end() ? nullptr : &*found, asked));
            add_facts(owner, made.candidates.back());
        }
    }
    if (!configuration_.order.empty()) { // what is no entry comes behind them
        std::ranges::stable_sort(made.candidates, {}, [this](const candidate& each) {
            return each.which == nullptr ? entries_.size()
                                         : static_cast<std::size_t>(each.which - entries_.data());
        });
    }
    made.sentence = sentence_of(asked, made);
    return made;
}

} // namespace joinleaf::catalog
