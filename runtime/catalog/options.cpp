// SPDX-License-Identifier: Apache-2.0
#include "runtime/catalog/options.hpp"

#include "config/quote.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace joinleaf::catalog {
namespace {

std::vector<std::string_view> keys_of(std::span<const jl_option* const> table) {
    std::vector<std::string_view> keys;
    for (const auto* row : table) {
        keys.emplace_back(row->key);
    }
    return keys;
}

config::problem unknown_option(const config::option& given, std::span<const std::string_view> keys) {
    const auto allowed =
        keys.empty() ? "this provider has no options" : fmt::format("allowed: {}", config::listing(keys));
    return {given.where, fmt::format("unknown option {}; {}{}", config::quote(given.key), allowed,
                                     config::suggestion(given.key, keys))};
}

std::vector<config::problem> unknown_options(std::span<const jl_option* const> table,
                                             std::span<const config::option> given) {
    const auto keys = keys_of(table);
    std::vector<config::problem> problems;
    for (const auto& option : given) {
        if (std::ranges::find(keys, option.key) == keys.end()) {
            problems.push_back(unknown_option(option, keys));
        }
    }
    return problems;
}

tl::expected<option_value, std::string> value_of(const jl_option& row, const config::option* given) {
    if (given == nullptr) {
        return default_of(row);
    }
    return given->is_list ? parse_list(row, given->values) : parse_value(row, given->values.front());
}

} // namespace

void options::keep(option_value value, const std::string& where, bool given) {
    auto& kept = *kept_.emplace_back(std::make_unique<storage>());
    kept.value = std::move(value);
    kept.where = where;
    for (const auto& word : kept.value.list) {
        kept.list.push_back(word.c_str());
    }
    kept.row.struct_size = sizeof kept.row;
    kept.row.given = given ? 1 : 0;
    kept.row.number = kept.value.number;
    kept.row.text = kept.value.has_text ? kept.value.text.c_str() : nullptr;
    kept.row.list = kept.list.data();
    kept.row.list_count = static_cast<std::uint32_t>(kept.list.size());
    kept.row.where = kept.where.c_str();
    rows_.push_back(&kept.row);
}

void options::finish() {
    arguments_.struct_size = sizeof arguments_;
    arguments_.value_count = static_cast<std::uint32_t>(rows_.size());
    arguments_.name = name_.c_str();
    arguments_.values = rows_.data();
}

config::result<std::unique_ptr<options>> bind_options(const std::string& name,
                                                      std::span<const jl_option* const> table,
                                                      std::span<const config::option> given) {
    std::unique_ptr<options> bound{new options{name}};
    auto problems = unknown_options(table, given);
    for (const auto* row : table) {
        const auto found = std::ranges::find(given, row->key, &config::option::key);
        const auto* option = found == given.end() ? nullptr : &*found;
        auto value = value_of(*row, option);
        if (value) {
            bound->keep(std::move(*value), option == nullptr ? "default" : option->value_where.text(),
                        option != nullptr);
        } else {
            problems.push_back({option == nullptr ? config::position{} : option->value_where,
                                fmt::format("option {}: {}", config::quote(row->key), value.error())});
        }
    }
    if (!problems.empty()) {
        std::ranges::stable_sort(problems, {}, [](const config::problem& each) {
            return std::tuple{each.where.file, each.where.line, each.where.column};
        });
        return tl::unexpected{std::move(problems)};
    }
    bound->finish();
    return bound;
}

} // namespace joinleaf::catalog
