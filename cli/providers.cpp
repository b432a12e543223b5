// SPDX-License-Identifier: Apache-2.0
#include "questions.hpp"

#include "runtime.hpp"
#include "table.hpp"

#include <fmt/format.h>

#include <map>

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
    const result<nlohmann::json> catalog = read_catalog();
    if (!catalog) {
        return tl::unexpected(catalog.error());
    }
    if (json) {
        fmt::print("{}\n", catalog->dump(2));
        return {};
    }
    fmt::print("{}", file_lines(*catalog));
    for (const nlohmann::json& provider : list_of(*catalog, "providers")) {
        fmt::print("{}", provider_lines(provider));
    }
    fmt::print("\n{}", entry_table(*catalog));
    return {};
}

} // namespace joinleaf::cli
