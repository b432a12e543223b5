// SPDX-License-Identifier: Apache-2.0
#include "conformance.hpp"

#include "catalog_question.hpp"
#include "runtime.hpp"

#include "sdk/check/runner/profile.hpp"
#include "sdk/check/runner/report.hpp"
#include "sdk/check/runner/suite_run.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <thread>

namespace joinleaf::cli {

namespace {

namespace fs = std::filesystem;

// The kit stands beside the command, in the tree that is built and in the one that is installed.
fs::path kit_file(const char* relative) {
    std::error_code error;
    const fs::path self = fs::read_symlink("/proc/self/exe", error);
    return (self.parent_path() / relative).lexically_normal();
}

result<nlohmann::json> read_profile(const conformance_options& options, const std::string& library_name) {
    fs::path file = options.profile;
    if (file.empty()) {
        file = kit_file(JOINLEAF_KIT_PROFILES) / (library_name + ".yaml");
        if (!fs::exists(file)) {
            return nlohmann::json::object();
        }
    }
    try {
        return check::read_profile(file.string());
    } catch (const std::exception& error) {
        return fail(status::configuration, error.what());
    }
}

// The options that the configuration gives, then those of the profile for what it leaves open.
nlohmann::json options_of(const nlohmann::json& provider, const nlohmann::json& profile) {
    nlohmann::json made = profile.value("options", nlohmann::json::object());
    for (const nlohmann::json& option : list_of(provider, "options")) {
        if (option.value("given", false)) {
            made[text_of(option, "key")] = option.at("value");
        }
    }
    return made;
}

nlohmann::json subject_of(const nlohmann::json& provider, const nlohmann::json& profile) {
    return {{"name", text_of(provider, "name")},
            {"library", kit_file(JOINLEAF_KIT_OBSERVER).string()},
            {"options", options_of(provider, profile)},
            {"tuning", profile.value("tuning", nlohmann::json::object())}};
}

nlohmann::json description_of(const nlohmann::json& provider) {
    nlohmann::json made{{"name", text_of(provider, "library_name")},
                        {"version", text_of(provider, "version")},
                        {"library", text_of(provider, "path")},
                        {"entries", nlohmann::json::array()}};
    for (const nlohmann::json& entry : list_of(provider, "entries")) {
        made["entries"].push_back({{"name", entry.at("name")},
                                   {"service_flags", entry.at("service_flags")},
                                   {"provider_flags", entry.at("provider_flags")},
                                   {"abilities", entry.at("abilities")}});
    }
    return made;
}

check::request request_of(const conformance_options& options, const nlohmann::json& provider,
                          const nlohmann::json& profile) {
    check::request made;
    made.observed = text_of(provider, "path");
    made.program = kit_file(JOINLEAF_KIT_PROGRAM).string();
    made.subject = subject_of(provider, profile).dump();
    if (!options.filters.empty()) {
        made.filters = options.filters;
    }
    made.timeout = std::chrono::milliseconds(static_cast<long>(options.timeout * 1000));
    made.jobs = options.jobs != 0 ? options.jobs : std::max(1U, std::thread::hardware_concurrency());
    made.group = options.group;
    return made;
}

result<void> write_json(const std::string& file, const nlohmann::ordered_json& report) {
    const auto text = report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    if (file == "-") {
        fmt::print("{}", text);
        return {};
    }
    std::error_code ignored; // what keeps the folder from being made keeps the file from being written
    fs::create_directories(fs::path(file).parent_path(), ignored);
    std::ofstream out(file);
    if (!(out << text << std::flush)) {
        return fail(status::usage, fmt::format("cannot write the report to {}", file));
    }
    return {};
}

result<void> run(const conformance_options& options, const nlohmann::json& provider,
                 const nlohmann::json& profile) {
    const auto request = request_of(options, provider, profile);
    const auto names = check::list_cases(request);
    if (options.list) {
        for (const auto& name : names) {
            fmt::print("{}\n", name);
        }
        return {};
    }
    if (names.empty()) {
        return fail(status::usage, "no case fits the filter; --list shows their names");
    }
    const bool speaks = options.json != "-";
    if (speaks) {
        fmt::print("{} {} from {}\n", text_of(provider, "library_name"), text_of(provider, "version"),
                   text_of(provider, "path"));
    }
    const auto outcomes = check::run_cases(request, names, [&](const check::outcome& one) {
        if (speaks && (options.verbose || !check::is_good(one.what) || one.what == check::verdict::warn)) {
            fmt::print("{}", check::line_of(one));
            std::fflush(stdout);
        }
    });
    if (speaks) {
        fmt::print("{}", check::summary_of(outcomes));
    }
    if (!options.json.empty()) {
        if (auto written = write_json(options.json, check::json_of(description_of(provider), outcomes));
            !written) {
            return written;
        }
    }
    const bool good = std::ranges::all_of(outcomes, check::is_good, &check::outcome::what);
    return good ? result<void>() : fail(status::negative, "");
}

} // namespace

result<void> conformance(const conformance_options& options) {
    const auto provider = find_provider(options.config, options.provider, "conformance");
    if (!provider) {
        return tl::unexpected(provider.error());
    }
    const auto profile = read_profile(options, text_of(*provider, "library_name"));
    if (!profile) {
        return tl::unexpected(profile.error());
    }
    try {
        return run(options, *provider, *profile);
    } catch (const check::refusal& error) {
        return fail(status::negative, error.what());
    } catch (const std::system_error& error) {
        return fail(status::session, fmt::format("{}; is the conformance kit installed?", error.what()));
    }
}

} // namespace joinleaf::cli
