// SPDX-License-Identifier: Apache-2.0
#include "config/file_reader.hpp"

#include "config/file_path.hpp"
#include "config/keywords.hpp"
#include "config/limits.hpp"
#include "config/order_reader.hpp"
#include "config/provider_reader.hpp"
#include "config/reactor_reader.hpp"
#include "config/statistics_reader.hpp"
#include "config/text_check.hpp"
#include "config/value_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace joinleaf::config {
namespace {

constexpr std::uint64_t known_version = 1;

std::vector<provider> read_providers(const yaml_node& value, report& out) {
    std::vector<provider> providers;
    const auto* const items = read_list(value, "providers", "a list of providers", out);
    if (items == nullptr)
        return providers;
    if (items->size() > limits::providers) {
        out.add((*items)[limits::providers],
                fmt::format("providers: found {}; a configuration has at most {}", items->size(),
                            limits::providers));
        return providers;
    }
    for (const auto& item : *items)
        providers.push_back(read_provider(item, out));
    return providers;
}

std::vector<include_item> read_includes(const yaml_node& value, report& out) {
    std::vector<include_item> includes;
    const auto* const items = read_list(value, "include", "a list of paths such as [providers.d/*.yaml]", out);
    if (items == nullptr)
        return includes;
    for (const auto& item : *items) {
        const auto path = read_text(item, "include", "a path or a pattern such as providers.d/*.yaml", out);
        if (!path)
            continue;
        if (const auto complaint = path_complaint(*path))
            out.add(item, fmt::format("include: expected a path or a pattern such as providers.d/*.yaml, {}",
                                      *complaint));
        else
            includes.push_back({*path, out.at(item)});
    }
    return includes;
}

// What only the main file may have is named as such rather than as an unknown key: it is fine one file up.
std::span<const std::string_view> keys_of(file_role role, const yaml_node& root, report& out) {
    if (role == file_role::main_file)
        return keywords::main_file;
    bool is_known = false;
    for (const auto& entry : root.entries) {
        if (entry.key.text != "reactor" && entry.key.text != "statistics")
            continue;
        out.add(entry.key,
                entry.key.text + ": found in an included file; only the file that is read first may set it");
        is_known = true;
    }
    return is_known ? std::span<const std::string_view>(keywords::main_file) : keywords::drop_in;
}

void read_root(const yaml_node& root, file_role role, file_content& content, report& out) {
    const map_reader keys(root, "top level", keys_of(role, root, out), out);
    if (const auto* const version = keys.require("version", fmt::format("version: {}", known_version)))
        read_number(*version, "version", known_version, known_version, out);
    if (role == file_role::main_file) {
        if (const auto* const reactor = keys.find("reactor"))
            content.reactor = read_reactor(*reactor, out);
        if (const auto* const statistics = keys.find("statistics"))
            content.statistics = read_statistics(*statistics, out);
    }
    if (const auto* const providers = keys.find("providers"))
        content.providers = read_providers(*providers, out);
    if (const auto* const order = keys.find("order"))
        content.order = read_order(*order, out);
    if (const auto* const includes = keys.find("include"))
        content.includes = read_includes(*includes, out);
}

void add_all(std::vector<problem>& to, std::vector<problem> from) {
    std::ranges::move(from, std::back_inserter(to));
}

} // namespace

file_content read_file_text(std::string_view text, const std::string& file, file_role role,
                            std::size_t most_nodes) {
    file_content content;
    if (auto unfit = check_text(text, file)) {
        content.problems.push_back(*std::move(unfit));
        return content;
    }
    auto document = parse_yaml(text, file, most_nodes);
    content.nodes = document.nodes;
    content.problems = std::move(document.problems);
    if (!document.complete)
        return content;
    report out(file);
    if (document.root.what == yaml_node::kind::nothing)
        out.add(document.root, "found nothing in the file; a configuration has at least the line version: 1");
    else
        read_root(document.root, role, content, out);
    add_all(content.problems, out.take());
    return content;
}

} // namespace joinleaf::config
