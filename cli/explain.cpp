// SPDX-License-Identifier: Apache-2.0
#include "questions.hpp"

#include "runtime.hpp"
#include "table.hpp"
#include "words.hpp"

#include <joinleaf/ext.h>

#include <fmt/format.h>

namespace joinleaf::cli {

namespace {

std::string shown(const nlohmann::json& candidate, const char* key) {
    const std::string text = text_of(candidate, key);
    return text.empty() ? "-" : text;
}

std::string name_of(const nlohmann::json& candidate) {
    const std::string entry = text_of(candidate, "entry");
    const std::string provider = text_of(candidate, "provider");
    return entry.empty() ? provider : fmt::format("{}/{}", provider, entry);
}

std::string candidate_table(const nlohmann::json& decision) {
    const std::string chosen = text_of(decision, "chosen");
    table text({"CANDIDATE", "ANSWER", "CONDITION", "ASKED", "CONFIGURED", "OFFERED"});
    for (const nlohmann::json& candidate : list_of(decision, "candidates")) {
        const bool fits = candidate.value("fits", false);
        const std::string name = name_of(candidate);
        text.add({name,
                  !fits            ? "no"
                  : name == chosen ? "chosen"
                                   : "fits, a former one is taken",
                  shown(candidate, "condition"), shown(candidate, "asked"), shown(candidate, "where"),
                  shown(candidate, "offered")});
    }
    return text.text(output_width());
}

// What its sockets meet with on this host.
std::string facts_of(const nlohmann::json& decision, const std::string& chosen) {
    std::string lines;
    for (const nlohmann::json& candidate : list_of(decision, "candidates")) {
        if (name_of(candidate) != chosen || !candidate.contains("facts")) {
            continue;
        }
        for (const auto& [key, sentence] : candidate.at("facts").items()) {
            lines += fmt::format("  {}: {}\n", key, sentence.get<std::string>());
        }
    }
    return lines;
}

std::string verdict(const nlohmann::json& decision) {
    const std::string chosen = text_of(decision, "chosen");
    if (!chosen.empty()) {
        return fmt::format("chosen: {}\n{}", chosen, facts_of(decision, chosen));
    }
    return fmt::format("chosen: none, socket creation fails with {}\n",
                       describe_error(decision.value("error", 0)));
}

struct numbers {
    int family;
    int type;
    int protocol;
    unsigned flags;
};

result<numbers> parse(const question& asked) {
    const result<int> family = parse_family(asked.family);
    const result<int> type = parse_type(asked.type);
    const result<int> protocol = parse_protocol(asked.protocol);
    const result<unsigned> flags = parse_flags(asked.flags);
    for (const result<int>* part : {&family, &type, &protocol}) {
        if (!*part) {
            return tl::unexpected(part->error());
        }
    }
    return flags.map([&](unsigned bits) { return numbers{*family, *type, *protocol, bits}; });
}

} // namespace

result<void> explain(const std::string& config, const question& asked, bool json) {
    const result<numbers> query = parse(asked);
    if (!query) {
        return tl::unexpected(query.error());
    }
    const auto started = runtime::start(config);
    if (!started) {
        return tl::unexpected(started.error());
    }
    const result<nlohmann::json> decision =
        read_decision(query->family, query->type, query->protocol, query->flags);
    if (!decision) {
        return tl::unexpected(decision.error());
    }
    if (json) {
        fmt::print("{}\n", decision->dump(2));
    } else {
        fmt::print("{}\n{}", candidate_table(*decision), verdict(*decision));
    }
    return text_of(*decision, "chosen").empty() ? fail(status::negative, "") : result<void>();
}

} // namespace joinleaf::cli
