// SPDX-License-Identifier: Apache-2.0
#include "runtime/catalog/report.hpp"

#include "runtime/catalog/guarded_call.hpp"
#include "runtime/catalog/library.hpp"
#include "runtime/catalog/protocol_info.hpp"
#include "runtime/catalog/words.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace joinleaf::catalog {
namespace {

using json = nlohmann::ordered_json;

std::string text_of(const json& value) {
    return value.dump(2, ' ', false, json::error_handler_t::replace);
}

json text_or_null(const char* text) {
    return text == nullptr ? json{} : json(text);
}
json where_or_null(const config::position& where) {
    return where.line == 0 ? json{} : json(where.text());
}

json match_json(const config::match& match) {
    return {{"family", match.family},
            {"type", match.type},
            {"protocol", match.protocol},
            {"flags", match.flags},
            {"where", where_or_null(match.where)}};
}

json qos_json(const config::qos_rule& qos) {
    json made{{"capacity_bits_per_second", nullptr},
              {"on_unsatisfied",
               qos.on_unsatisfied == config::qos_rule::unsatisfied::fail ? "fail" : "best_effort"},
              {"where", where_or_null(qos.where)}};
    if (qos.capacity_bits_per_second) {
        made["capacity_bits_per_second"] = *qos.capacity_bits_per_second;
    }
    return made;
}

json reactor_json(const config::reactor& reactor) {
    return {{"threads", reactor.threads}, {"spin_ns", reactor.spin.count()}, {"cpus", reactor.cpus}};
}

json statistics_json(const config::statistics& statistics) {
    return {{"publish", statistics.publish},
            {"folder", statistics.folder.empty() ? config::statistics_folder() : statistics.folder}};
}

json configuration_json(const config::configuration& configuration) {
    json made{{"files", configuration.files},
              {"reactor", reactor_json(configuration.reactor)},
              {"statistics", statistics_json(configuration.statistics)}};
    made["provider_path"] = json::array();
    for (const auto& folder : search_folders()) {
        made["provider_path"].push_back({{"folder", folder.path}, {"origin", folder.origin}});
    }
    return made;
}

json list_json(const jl_value& value) {
    auto words = json::array();
    for (std::uint32_t i = 0; i < value.list_count; ++i) {
        words.push_back(value.list[i]);
    }
    return words;
}

// A value as a person would write it in YAML; null where there is neither a value nor a default.
json value_json(const jl_option& row, const jl_value& value) {
    switch (row.type) {
    case JL_OPTION_LIST: return list_json(value);
    case JL_OPTION_TEXT:
    case JL_OPTION_CHOICE: return text_or_null(value.text);
    case JL_OPTION_BOOL: return value.number != 0;
    case JL_OPTION_INTEGER: return value.number;
    default:
        return value.given == 0 && row.default_value == nullptr ? json{}
                                                                : json(number_text(row, value.number));
    }
}

json option_json(const jl_option& row, const jl_value* value) {
    json made{{"key", row.key},
              {"type", option_type_word(row.type)},
              {"value", nullptr},
              {"given", false},
              {"where", nullptr},
              {"default", text_or_null(row.default_value)},
              {"allowed", allowed_text(row)},
              {"help", text_or_null(row.help)}};
    if (value != nullptr) {
        made["value"] = value_json(row, *value);
        made["given"] = value->given != 0;
        made["where"] = value->where;
    }
    return made;
}

// The values are missing where the options were refused.
json options_json(const provider& owner) {
    auto made = json::array();
    if (owner.table == nullptr) {
        return made;
    }
    const auto rows = owner.facts->options();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        made.push_back(option_json(*rows[i], owner.options == nullptr ? nullptr : owner.options->values()[i]));
    }
    return made;
}

json row_json(const jl_protocol& row) {
    return {{"name", row.name},
            {"family", family_word(row.family)},
            {"type", type_word(row.socket_type)},
            {"protocol", protocol_word(row.protocol)},
            {"protocol_max_offset", row.protocol_max_offset},
            {"control_plane", control_plane_word(row.service_flags)},
            {"data_plane", data_plane_word(row.service_flags)},
            {"service_flags", service_flag_words(row.service_flags)},
            {"provider_flags", provider_flag_words(row.provider_flags)},
            {"abilities", ability_words(row.abilities)},
            {"min_sockaddr", row.min_sockaddr},
            {"max_sockaddr", row.max_sockaddr},
            {"message_size", row.message_size},
            {"caller_data_max", row.caller_data_max},
            {"callee_data_max", row.callee_data_max}};
}

json entry_json(const entry& each, std::size_t place) {
    json made{{"id", each.id},
              {"place", place},
              {"full_name", fmt::format("{}/{}", each.owner->name, each.protocol->name)}};
    made.update(row_json(*each.protocol));
    made["flags"] = flag_words(each.offered_flags);
    made["ordinary"] = (each.protocol->abilities & JL_CAN_MIX_ORDINARY) != 0;
    return made;
}

std::string_view state_word(const provider& each) {
    switch (each.state) {
    case provider::state::loaded: return "loaded";
    case provider::state::refused: return "refused";
    case provider::state::disabled: break;
    }
    return "disabled";
}

json entries_json(const catalog& from, const provider& owner) {
    auto made = json::array();
    const auto all = from.entries();
    for (std::size_t place = 0; place < all.size(); ++place) {
        if (all[place].owner == &owner) {
            made.push_back(entry_json(all[place], place));
        }
    }
    return made;
}

// What the library has and `match` takes away.
json excluded_json(const provider& owner) {
    auto made = json::array();
    if (owner.state == provider::state::loaded) {
        for (const auto* row : owner.facts->protocols()) {
            if (!leaves(owner.limits, *row)) {
                made.push_back(row->name);
            }
        }
    }
    return made;
}

json provider_json(const catalog& from, const provider& each) {
    const bool disabled = each.state == provider::state::disabled;
    return {{"name", each.name},
            {"library", each.library},
            {"library_name", each.library_name},
            {"path", each.library_path},
            {"version", each.version},
            {"summary", each.summary},
            {"id", guid_text(each.id)},
            {"where", (disabled ? each.disabled_where : each.where).text()},
            {"configured", each.where.text()},
            {"state", state_word(each)},
            {"reason", each.reason.empty() ? json{} : json(each.reason)},
            {"match", match_json(each.match)},
            {"qos", qos_json(each.qos)},
            {"options", options_json(each)},
            {"entries", entries_json(from, each)},
            {"excluded_by_match", excluded_json(each)}};
}

json candidate_json(const candidate& each) {
    const auto text = [](const std::string& words) { return words.empty() ? json{} : json(words); };
    auto facts = json::object();
    for (const auto& [key, sentence] : each.facts) {
        facts[key] = sentence;
    }
    return {{"provider", each.owner->name},
            {"entry", text(each.entry_name)},
            {"fits", each.fits},
            {"condition", text(each.condition)},
            {"asked", text(each.asked)},
            {"offered", text(each.offered)},
            {"where", text(each.where)},
            {"facts", std::move(facts)}};
}

json configured_option_json(const config::option& each) {
    json made{{"key", each.key}, {"value", each.values}, {"where", each.value_where.text()}};
    if (!each.is_list) {
        made["value"] = each.values.front();
    }
    return made;
}

json configured_json(const config::provider& each) {
    auto options = json::array();
    for (const auto& option : each.options) {
        options.push_back(configured_option_json(option));
    }
    return {{"name", each.name},
            {"library", each.library},
            {"enabled", each.enabled},
            {"where", each.where.text()},
            {"match", match_json(each.match)},
            {"qos", qos_json(each.qos)},
            {"options", std::move(options)}};
}

} // namespace

std::string catalog_json(const catalog& from, const config::configuration& configuration) {
    json made{{"configuration", configuration_json(configuration)}, {"providers", json::array()}};
    for (const auto& each : from.providers()) {
        made["providers"].push_back(provider_json(from, each));
    }
    return text_of(made);
}

std::string explain_json(const decision& made) {
    json text{{"chosen", nullptr},
              {"error", made.error},
              {"error_name", nullptr},
              {"candidates", json::array()},
              {"sentence", made.sentence}};
    if (made.chosen != nullptr) {
        text["chosen"] = fmt::format("{}/{}", made.chosen->owner->name, made.chosen->protocol->name);
    } else {
        text["error_name"] = code_text(made.error);
    }
    for (const auto& each : made.candidates) {
        text["candidates"].push_back(candidate_json(each));
    }
    return text_of(text);
}

std::string check_json(const char* file) {
    json made{{"files", json::array()}, {"problems", json::array()}, {"providers", json::array()}};
    const auto read = file == nullptr ? config::load() : config::load_file(file);
    if (!read) {
        made["files"].push_back(file == nullptr ? config::find_source().path : std::string{file});
        for (const auto& each : read.error()) {
            made["problems"].push_back({{"where", each.where.text()}, {"message", each.message}});
        }
        return text_of(made);
    }
    made["files"] = read->files;
    made["statistics"] = statistics_json(read->statistics);
    for (const auto& each : read->providers) {
        made["providers"].push_back(configured_json(each));
    }
    return text_of(made);
}

} // namespace joinleaf::catalog
