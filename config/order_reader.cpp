// SPDX-License-Identifier: Apache-2.0
#include "config/order_reader.hpp"

#include "config/provider_reader.hpp"
#include "config/quote.hpp"
#include "config/value_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace joinleaf::config {
namespace {

constexpr std::string_view expected = "a provider's name, or PROVIDER/ENTRY";

std::optional<order_item> read_item(const yaml_node& value, report& out) {
    const auto text = read_text(value, "order", expected, out);
    if (!text)
        return std::nullopt;
    const auto slash = text->find('/');
    order_item item{text->substr(0, slash), slash == std::string::npos ? "" : text->substr(slash + 1),
                    out.at(value)};
    if (is_provider_name(item.provider) && (slash == std::string::npos || is_provider_name(item.entry)))
        return item;
    report_kind(value, "order", expected, out);
    return std::nullopt;
}

} // namespace

std::vector<order_item> read_order(const yaml_node& value, report& out) {
    std::vector<order_item> order;
    const auto* const items = read_list(value, "order", "a list such as [lan, tcp/stream-inet]", out);
    if (items == nullptr)
        return order;
    for (const auto& each : *items) {
        auto item = read_item(each, out);
        if (!item)
            continue;
        const auto same = [&item](const order_item& other) {
            return other.provider == item->provider && other.entry == item->entry;
        };
        if (std::ranges::any_of(order, same))
            out.add(each, fmt::format("order: found {} a second time", quote(each.text)));
        else
            order.push_back(*std::move(item));
    }
    return order;
}

} // namespace joinleaf::config
