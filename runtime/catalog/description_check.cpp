// SPDX-License-Identifier: Apache-2.0
#include "runtime/catalog/description_check.hpp"

#include "config/quote.hpp"
#include "runtime/catalog/option_value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <string_view>

namespace joinleaf::catalog {
namespace {

using problem = std::optional<std::string>;

struct rule {
    bool broken;
    std::string_view sentence;
};

problem first_broken(std::span<const rule> rules) {
    const auto found = std::ranges::find_if(rules, &rule::broken);
    return found == rules.end() ? problem{} : problem{found->sentence};
}

bool is_row_name(const char* name) {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
    return name != nullptr && *name != '\0' &&
           std::string_view{name}.find_first_not_of(allowed) == std::string::npos;
}

bool is_option_key(const char* key) {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    return key != nullptr && *key != '\0' &&
           std::string_view{key}.find_first_not_of(allowed) == std::string::npos;
}

problem bad_sizes(const jl_protocol& row) {
    const bool connect_data = (row.service_flags & XP1_CONNECT_DATA) != 0;
    const bool rooms = row.caller_data_max != 0 || row.callee_data_max != 0;
    const rule rules[] = {
        {row.min_sockaddr <= 0, "min_sockaddr must be greater than 0"},
        {row.min_sockaddr > row.max_sockaddr, "min_sockaddr is greater than max_sockaddr"},
        {row.max_sockaddr > static_cast<std::int32_t>(sizeof(sockaddr_storage)),
         "max_sockaddr is greater than a sockaddr_storage"},
        {row.protocol_max_offset < 0, "protocol_max_offset is negative"},
        {connect_data && !rooms,
         "XP1_CONNECT_DATA is set, but caller_data_max and callee_data_max are both 0"},
        {!connect_data && rooms,
         "caller_data_max or callee_data_max is given, but XP1_CONNECT_DATA is clear"},
        {(row.service_flags & XP1_MESSAGE_ORIENTED) != 0 && row.message_size == 0,
         "XP1_MESSAGE_ORIENTED is set, but message_size is 0, which means a byte stream"},
    };
    return first_broken(rules);
}

problem bad_flags(const jl_protocol& row, const jl_ops& ops) {
    constexpr std::uint32_t planes = XP1_MULTIPOINT_CONTROL_PLANE | XP1_MULTIPOINT_DATA_PLANE;
    constexpr std::uint32_t one_way = XP1_UNI_SEND | XP1_UNI_RECV;
    constexpr std::uint32_t rooted_abilities = JL_CAN_INVITE | JL_CAN_ASK | JL_CAN_SIDE_CHAT;
    const bool multipoint = (row.service_flags & XP1_SUPPORT_MULTIPOINT) != 0;
    const bool rooted_control = multipoint && (row.service_flags & XP1_MULTIPOINT_CONTROL_PLANE) != 0;
    const rule rules[] = {
        {row.family <= 0, "family must be greater than 0"},
        {row.socket_type <= 0, "socket_type must be greater than 0"},
        {row.protocol < 0, "protocol is negative"},
        {(row.service_flags & one_way) == one_way, "XP1_UNI_SEND and XP1_UNI_RECV exclude each other"},
        {!multipoint && (row.service_flags & planes) != 0,
         "a multipoint plane bit is set, but XP1_SUPPORT_MULTIPOINT is clear"},
        {multipoint && ops.join == nullptr, "XP1_SUPPORT_MULTIPOINT is set, but there is no function join"},
        {!rooted_control && (row.abilities & rooted_abilities) != 0,
         "JL_CAN_INVITE, JL_CAN_ASK and JL_CAN_SIDE_CHAT need XP1_MULTIPOINT_CONTROL_PLANE"},
        {!multipoint && (row.abilities & JL_CAN_MIX_ORDINARY) == 0,
         "it serves no socket at all: XP1_SUPPORT_MULTIPOINT and JL_CAN_MIX_ORDINARY are both clear"},
        {(row.service_flags & XP1_QOS_SUPPORTED) != 0 && ops.qos == nullptr,
         "XP1_QOS_SUPPORTED is set, but there is no function qos"},
    };
    return first_broken(rules);
}

problem bad_protocols(std::span<const jl_protocol* const> rows, const jl_ops& ops) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& row = *rows[i];
        if (!is_row_name(row.name)) {
            return fmt::format("protocol row {}: its name must consist of a-z, 0-9 and '-'", i);
        }
        if (!names.insert(row.name).second) {
            return fmt::format("two protocol rows have the name {}", config::quote(row.name));
        }
        auto bad = bad_flags(row, ops);
        if (!bad) {
            bad = bad_sizes(row);
        }
        if (bad) {
            return fmt::format("protocol row {}: {}", config::quote(row.name), *bad);
        }
    }
    return rows.empty() ? problem{"offers no protocol entry"} : std::nullopt;
}

problem bad_option(const jl_option& row) {
    const bool choice = row.type == JL_OPTION_CHOICE;
    const rule rules[] = {
        {row.type < JL_OPTION_BOOL || row.type > JL_OPTION_LIST, "its type is unknown"},
        {choice && choice_words(row).empty(), "it is a choice without words to choose from"},
        {!choice && row.choices != nullptr, "it has choices, but is no choice"},
        {row.minimum > row.maximum, "its minimum is greater than its maximum"},
    };
    if (auto bad = first_broken(rules)) {
        return bad;
    }
    if (row.default_value == nullptr) {
        return std::nullopt;
    }
    const auto value = default_of(row);
    return value ? problem{} : problem{fmt::format("its default: {}", value.error())};
}

problem bad_options(std::span<const jl_option* const> rows) {
    std::set<std::string_view> keys;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& row = *rows[i];
        if (!is_option_key(row.key)) {
            return fmt::format("option row {}: its key must consist of a-z, 0-9, '_' and '-'", i);
        }
        if (!keys.insert(row.key).second) {
            return fmt::format("two option rows have the key {}", config::quote(row.key));
        }
        if (auto bad = bad_option(row)) {
            return fmt::format("option row {}: {}", config::quote(row.key), *bad);
        }
    }
    return std::nullopt;
}

} // namespace

std::optional<std::string> missing_function(const jl_provider& table) {
    const auto& ops = *table.ops;
    const rule rules[] = {
        {table.create == nullptr, "create"},
        {table.destroy == nullptr, "destroy"},
        {ops.open == nullptr, "open"},
        {ops.bind == nullptr, "bind"},
        {ops.tx == nullptr, "tx"},
        {ops.rx == nullptr, "rx"},
        {ops.arm == nullptr, "arm"},
        {ops.shutdown == nullptr, "shutdown"},
        {ops.close == nullptr, "close"},
        {ops.name == nullptr, "name"},
        {ops.listen != nullptr && ops.accept == nullptr, "accept"},
    };
    return first_broken(rules);
}

std::optional<std::string> bad_rows(const jl_provider& table) {
    if (table.name == nullptr || *table.name == '\0') {
        return "it does not tell its name";
    }
    if (auto bad = bad_protocols({table.protocols, table.protocol_count}, *table.ops)) {
        return bad;
    }
    return bad_options({table.options, table.option_count});
}

} // namespace joinleaf::catalog
