// SPDX-License-Identifier: Apache-2.0
#include "questions.hpp"

#include "catalog_question.hpp"
#include "runtime.hpp"
#include "table.hpp"

#include <fmt/format.h>

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

std::string value_or_dash(const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) {
        return "-";
    }
    if (found->is_string()) {
        return found->get<std::string>();
    }
    return found->dump();
}

std::string option_table(const nlohmann::json& provider) {
    table text({"KEY", "TYPE", "UNIT", "ALLOWED", "DEFAULT", "VALUE", "FROM", "MEANING"});
    for (const nlohmann::json& option : list_of(provider, "options")) {
        const std::string type = text_of(option, "type");
        const bool given = option.value("given", false);
        text.add({text_of(option, "key"), type, unit_of(type), value_or_dash(option, "allowed"),
                  value_or_dash(option, "default"), value_or_dash(option, "value"),
                  given ? text_of(option, "where") : "default", text_of(option, "help")});
    }
    return text.text(output_width());
}

} // namespace

result<void> show_options(const std::string& config, const std::string& provider, bool json) {
    const result<nlohmann::json> found = find_provider(config, provider, "options");
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
