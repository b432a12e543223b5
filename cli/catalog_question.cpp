// SPDX-License-Identifier: Apache-2.0
#include "catalog_question.hpp"

#include "runtime.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace joinleaf::cli {

namespace {

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
    return runtime::start_text(text, "joinleaf-asked.yaml").and_then([](const runtime&) {
        return read_catalog();
    });
}

} // namespace

result<nlohmann::json> find_provider(const std::string& config, const std::string& name,
                                     const std::string& what) {
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
    return fail(status::negative, fmt::format("no {} of '{}': {}", what, name,
                                              alone ? refusal_of(*alone, name, "library")
                                                    : refusal_of(*configured, name, "name")));
}

} // namespace joinleaf::cli
