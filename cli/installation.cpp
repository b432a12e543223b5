// SPDX-License-Identifier: Apache-2.0
#include "installation.hpp"

#include "runtime.hpp"

#include <joinleaf/ext.h>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

namespace joinleaf::cli {

namespace {

std::set<std::string> provider_names(const nlohmann::json& catalog) {
    std::set<std::string> names;
    for (const nlohmann::json& each : list_of(catalog, "providers")) {
        names.insert(text_of(each, "name"));
    }
    return names;
}

// Starts the runtime with the configuration, which the change then goes to, and ends it again.
template <class Change>
result<nlohmann::json> change(const std::string& config, const std::string& attempt, Change change_it) {
    const auto started = runtime::start(config);
    if (!started) {
        return tl::unexpected(started.error());
    }
    auto before = read_catalog();
    if (!before) {
        return before;
    }
    if (const int code = change_it(); code != 0) {
        WSASetLastError(code);
        return fail_with_last_error(status::negative, attempt);
    }
    return before;
}

result<nlohmann::json> look_again(const std::string& config) {
    const auto started = runtime::start(config);
    return started ? read_catalog() : tl::unexpected(started.error());
}

// A relative path means a file here, and a bare name one on the provider path.
std::string absolute(const std::string& library) {
    const bool is_path = library.find('/') != std::string::npos && !library.starts_with('/') &&
                         !library.starts_with('%') && !library.starts_with("${");
    return is_path ? std::filesystem::absolute(library).lexically_normal().string() : library;
}

std::vector<const char*> pointers(const std::vector<std::string>& words) {
    std::vector<const char*> all;
    all.reserve(words.size() + 1);
    for (const std::string& each : words) {
        all.push_back(each.c_str());
    }
    all.push_back(nullptr);
    return all;
}

// Every entry in the order of choice.
std::vector<std::string> entries_in_order(const nlohmann::json& catalog) {
    std::vector<std::pair<int, std::string>> places;
    for (const nlohmann::json& provider : list_of(catalog, "providers")) {
        for (const nlohmann::json& entry : list_of(provider, "entries")) {
            places.emplace_back(entry.value("place", 0), text_of(entry, "full_name"));
        }
    }
    std::ranges::sort(places);
    std::vector<std::string> names;
    names.reserve(places.size());
    for (auto& [place, name] : places) {
        names.push_back(std::move(name));
    }
    return names;
}

result<void> report_new_provider(const nlohmann::json& before, const nlohmann::json& after) {
    const auto known = provider_names(before);
    for (const nlohmann::json& each : list_of(after, "providers")) {
        const std::string name = text_of(each, "name");
        if (known.contains(name)) {
            continue;
        }
        fmt::print("{} is installed at {}: {}\n", name, text_of(each, "configured"), text_of(each, "state"));
        for (const nlohmann::json& entry : list_of(each, "entries")) {
            fmt::print("  {}\n", text_of(entry, "full_name"));
        }
        if (text_of(each, "state") == "refused") {
            return fail(status::negative,
                        fmt::format("{} is installed, and is refused as long as this is so: {}", name,
                                    text_of(each, "reason")));
        }
    }
    return {};
}

} // namespace

result<void> install_provider(const std::string& config, const installation& asked) {
    const auto options = pointers(asked.options);
    const std::string library = absolute(asked.library);
    const auto before = change(config, fmt::format("cannot install {}", asked.library), [&] {
        return jl_install_provider(asked.name.empty() ? nullptr : asked.name.c_str(), library.c_str(),
                                   options.data());
    });
    if (!before) {
        return tl::unexpected(before.error());
    }
    const auto after = look_again(config);
    return after ? report_new_provider(*before, *after) : tl::unexpected(after.error());
}

result<void> remove_provider(const std::string& config, const std::string& name) {
    const auto done = change(config, fmt::format("cannot remove {}", name),
                             [&] { return jl_remove_provider(name.c_str()); });
    if (!done) {
        return tl::unexpected(done.error());
    }
    fmt::print("{} is removed\n", name);
    return {};
}

result<void> order_providers(const std::string& config, const std::vector<std::string>& items) {
    const auto words = pointers(items);
    const auto done = change(config, "cannot change the order", [&] {
        return jl_order_providers(words.data(), static_cast<int>(items.size()));
    });
    if (!done) {
        return tl::unexpected(done.error());
    }
    const auto after = look_again(config);
    if (!after) {
        return tl::unexpected(after.error());
    }
    for (const std::string& each : entries_in_order(*after)) {
        fmt::print("{}\n", each);
    }
    return {};
}

} // namespace joinleaf::cli
