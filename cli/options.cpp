// SPDX-License-Identifier: Apache-2.0
#include "questions.hpp"

#include "runtime.hpp"
#include "table.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace joinleaf::cli {

namespace {

// The unit that a type is written with in YAML.
std::string unit_of(const std::string& type) {
    if (type == "size") {
        return "B, KiB, MiB, GiB";
    }
    if (type == "duration") {
        return "ns, us, ms, s";
    }
    return type == "rate" ? "bit, kbit, Mbit, Gbit" : "-";
}

std::string shown(const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) {
        return "-";
    }
    if (found->is_string()) {
        return found->get<std::string>();
    }
    return found->dump();
}

std::optional<nlohmann::json> provider_called(const nlohmann::json& catalog, const std::string& name,
                                              const char* key) {
    for (const nlohmann::json& provider : list_of(catalog, "providers")) {
        // A provider whose library could not be loaded has no table to show.
        if (text_of(provider, key) == name && !text_of(provider, "library_name").empty()) {
            return provider;
        }
    }
    return std::nullopt;
}

std::string refusal_of(const nlohmann::json& catalog, const std::string& name, const char* key) {
    for (const nlohmann::json& provider : list_of(catalog, "providers")) {
        if (text_of(provider, key) == name && !text_of(provider, "reason").empty()) {
            return fmt::format("{}: {}", text_of(provider, "state"), text_of(provider, "reason"));
        }
    }
    return "it is neither a provider of the configuration nor a library of the provider path";
}

// A configuration of nothing but that library: its table can be read although no file mentions it.
result<nlohmann::json> catalog_of_library(const std::string& library) {
    const std::string quoted =
        nlohmann::json(library).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    const std::string text = fmt::format("version: 1\nproviders:\n  - name: asked\n    library: {}\n", quoted);
    return runtime::start_text(text, "joinleaf-options.yaml").and_then([](const runtime&) {
        return read_catalog();
    });
}

result<nlohmann::json> find_provider(const std::string& config, const std::string& name) {
    result<nlohmann::json> configured =
        runtime::start(config).and_then([](const runtime&) { return read_catalog(); });
    if (!configured) {
        return configured;
    }
    for (const char* key : {"name", "library", "library_name"}) {
        if (auto found = provider_called(*configured, name, key)) {
            return std::move(*found);
        }
    }
    const result<nlohmann::json> alone = catalog_of_library(name);
    if (alone) {
        if (auto found = provider_called(*alone, name, "library")) {
            return std::move(*found);
        }
    }
    return fail(status::negative, fmt::format("no options of '{}': {}", name,
                                              alone ? refusal_of(*alone, name, "library")
                                                    : refusal_of(*configured, name, "name")));
}

std::string option_table(const nlohmann::json& provider) {
    table text({"KEY", "TYPE", "UNIT", "ALLOWED", "DEFAULT", "VALUE", "FROM", "MEANING"});
    for (const nlohmann::json& option : list_of(provider, "options")) {
        const std::string type = text_of(option, "type");
        const bool given = option.value("given", false);
        text.add({text_of(option, "key"), type, unit_of(type), shown(option, "allowed"),
                  shown(option, "default"), shown(option, "value"),
                  given ? text_of(option, "where") : "default", text_of(option, "help")});
    }
    return text.text(output_width());
}

} // namespace

result<void> show_options(const std::string& config, const std::string& provider, bool json) {
    const result<nlohmann::json> found = find_provider(config, provider);
    if (!found) {
        return tl::unexpected(found.error());
    }
    const nlohmann::json& all = list_of(*found, "options");
    if (json) {
        fmt::print("{}\n", all.dump(2));
    } else if (all.empty()) {
        fmt::print("{} has no options\n", text_of(*found, "library_name"));
    } else {
        fmt::print("{}", option_table(*found));
    }
    return {};
}

} // namespace joinleaf::cli
