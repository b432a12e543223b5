// SPDX-License-Identifier: Apache-2.0
#include "questions.hpp"

#include "runtime.hpp"
#include "table.hpp"
#include "words.hpp"

#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

#include <cstdio>

namespace joinleaf::cli {

namespace {

std::string joined(const nlohmann::json& words) {
    std::string text;
    for (const nlohmann::json& word : words) {
        text += fmt::format("{}{}", text.empty() ? "" : ", ",
                            word.is_string() ? word.get<std::string>() : word.dump());
    }
    return text.empty() ? "-" : text;
}

std::string planes(const nlohmann::json& entry) {
    const std::string control = text_of(entry, "control_plane");
    return control == "none" ? "-" : fmt::format("{}/{}", control, text_of(entry, "data_plane"));
}

std::string what_it_is(const nlohmann::json& entry) {
    return fmt::format("{}/{}/{}", text_of(entry, "family"), text_of(entry, "type"),
                       text_of(entry, "protocol"));
}

// Multipoint roles and ordinary sockets: what WSASocket may ask of the entry.
std::string roles(const nlohmann::json& entry) {
    std::string flags = joined(list_of(entry, "flags"));
    if (!entry.value("ordinary", false)) {
        return flags;
    }
    return flags == "-" ? "ordinary" : flags + ", ordinary";
}

std::string entry_table(const nlohmann::json& catalog) {
    std::map<int, const nlohmann::json*> in_order; // of choice, which need not be that of the providers
    for (const nlohmann::json& provider : list_of(catalog, "providers")) {
        for (const nlohmann::json& entry : list_of(provider, "entries")) {
            in_order.emplace(entry.value("place", 0), &entry);
        }
    }
    table text({"ENTRY", "FAMILY/TYPE/PROTOCOL", "CONTROL/DATA", "FLAGS", "SERVICE"});
    for (const auto& [place, entry] : in_order) {
        text.add({text_of(*entry, "full_name"), what_it_is(*entry), planes(*entry), roles(*entry),
                  joined(list_of(*entry, "service_flags"))});
    }
    return text.text(output_width());
}

std::string provider_lines(const nlohmann::json& provider) {
    const std::string state = text_of(provider, "state");
    const std::string version = text_of(provider, "version");
    const std::string path = text_of(provider, "path");
    std::string text = fmt::format("{}: {}\n", text_of(provider, "name"), state);
    if (const std::string reason = text_of(provider, "reason"); !reason.empty()) {
        text += fmt::format("    why         {}\n", reason);
    }
    text += fmt::format("    library     {}{}{}\n", text_of(provider, "library"),
                        version.empty() ? "" : " " + version, path.empty() ? "" : fmt::format(" ({})", path));
    text += fmt::format("    configured  {}\n", text_of(provider, "configured"));
    if (const auto& excluded = list_of(provider, "excluded_by_match"); !excluded.empty()) {
        text += fmt::format("    not offered {} (excluded by match)\n", joined(excluded));
    }
    return text;
}

// Of the flags one for the control plane and one for the data plane: a socket has one role in each.
std::string one_role(const nlohmann::json& entry) {
    std::map<char, std::string> first; // by plane
    for (const nlohmann::json& flag : list_of(entry, "flags")) {
        const std::string word = flag.get<std::string>();
        first.emplace(word.front(), word);
    }
    std::string words;
    for (const auto& [plane, word] : first) {
        words += (words.empty() ? "" : ",") + word;
    }
    return words;
}

// What a socket of the entry meets with on this host, by the words of `joinleaf explain`.
nlohmann::json facts_of(const std::string& provider, const nlohmann::json& entry) {
    const auto family = parse_family(text_of(entry, "family"));
    const auto type = parse_type(text_of(entry, "type"));
    const auto protocol = parse_protocol(text_of(entry, "protocol"));
    const auto bits = parse_flags(one_role(entry));
    if (!family || !type || !protocol || !bits) {
        return nlohmann::json::object();
    }
    if (const auto decision = read_decision(*family, *type, *protocol, *bits)) {
        for (const nlohmann::json& candidate : list_of(*decision, "candidates")) {
            if (text_of(candidate, "provider") == provider &&
                text_of(candidate, "entry") == text_of(entry, "name")) {
                return candidate.value("facts", nlohmann::json::object());
            }
        }
    }
    return nlohmann::json::object();
}

void add_facts(nlohmann::json& catalog) {
    for (nlohmann::json& provider : catalog.at("providers")) {
        for (nlohmann::json& entry : provider.at("entries")) {
            entry["facts"] = facts_of(text_of(provider, "name"), entry);
        }
    }
}

// Each fact once, with the entries that it holds for where others say otherwise.
std::string fact_lines(const nlohmann::json& provider) {
    std::map<std::string, std::map<std::string, std::vector<std::string>>> told;
    for (const nlohmann::json& entry : list_of(provider, "entries")) {
        for (const auto& [key, sentence] : entry.at("facts").items()) {
            told[key][sentence.get<std::string>()].push_back(text_of(entry, "name"));
        }
    }
    std::string text;
    for (const auto& [key, sentences] : told) {
        for (const auto& [sentence, entries] : sentences) {
            text += fmt::format("    {:<11} {}{}\n", key, sentence,
                                sentences.size() == 1 ? "" : fmt::format(" ({})", joined(entries)));
        }
    }
    return text;
}

std::string file_lines(const nlohmann::json& catalog) {
    const auto configuration = catalog.find("configuration");
    if (configuration == catalog.end() || !configuration->is_object()) {
        return {};
    }
    const nlohmann::json& files = list_of(*configuration, "files");
    return files.empty() ? std::string() : fmt::format("configuration: {}\n\n", joined(files));
}

} // namespace

result<void> show_providers(const std::string& config, bool json) {
    const auto started = runtime::start(config);
    if (!started) {
        return tl::unexpected(started.error());
    }
    result<nlohmann::json> catalog = read_catalog();
    if (!catalog) {
        return tl::unexpected(catalog.error());
    }
    add_facts(*catalog);
    if (json) {
        fmt::print("{}\n", catalog->dump(2));
        return {};
    }
    fmt::print("{}", file_lines(*catalog));
    for (const nlohmann::json& provider : list_of(*catalog, "providers")) {
        fmt::print("{}{}", provider_lines(provider), fact_lines(provider));
    }
    fmt::print("\n{}", entry_table(*catalog));
    return {};
}

} // namespace joinleaf::cli
