// SPDX-License-Identifier: Apache-2.0
#include "config/drop_in_text.hpp"

#include <fmt/format.h>

#include <vector>

namespace joinleaf::config {
namespace {

// In double quotes: fit for every text that has no control character, and paths and values have none.
std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            out.push_back('\\');
        out.push_back(c);
    }
    return out + '"';
}

std::string flow_list(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& each : words)
        out += (out.empty() ? "" : ", ") + quoted(each);
    return '[' + out + ']';
}

void add_words(std::string& to, std::string_view key, const std::vector<std::string>& words) {
    if (!words.empty())
        to += fmt::format("      {}: {}\n", key, flow_list(words));
}

std::string match_text(const match& item) {
    std::string text;
    add_words(text, "family", item.family);
    add_words(text, "type", item.type);
    add_words(text, "flags", item.flags);
    if (!item.protocol.empty()) {
        std::string plain; // a number in quotes would be a word
        for (const auto& each : item.protocol)
            plain += (plain.empty() ? "" : ", ") + each;
        text += fmt::format("      protocol: [{}]\n", plain);
    }
    return text.empty() ? text : "    match:\n" + text;
}

std::string options_text(const std::vector<option>& options) {
    std::string text;
    for (const auto& each : options)
        text += fmt::format("      {}: {}\n", quoted(each.key),
                            each.is_list ? flow_list(each.values) : quoted(each.values.front()));
    return text.empty() ? text : "    options:\n" + text;
}

std::string qos_text(const qos_rule& rule) {
    std::string text;
    if (rule.capacity_bits_per_second)
        text += fmt::format("      capacity: {}bit\n", *rule.capacity_bits_per_second);
    if (rule.on_unsatisfied == qos_rule::unsatisfied::best_effort)
        text += "      on_unsatisfied: best_effort\n";
    return text.empty() ? text : "    qos:\n" + text;
}

std::string entries_text(const std::vector<entry_name>& entries) {
    std::vector<std::string> words;
    words.reserve(entries.size());
    for (const auto& each : entries)
        words.push_back(each.text());
    return words.empty() ? std::string() : fmt::format("    entries: {}\n", flow_list(words));
}

} // namespace

std::string provider_text(const provider& item) {
    auto text = fmt::format("{} `joinleaf remove {}` takes it away.\nversion: 1\nproviders:\n  - name: {}\n"
                            "    library: {}\n",
                            managed_mark, item.name, quoted(item.name), quoted(item.library));
    if (!item.id.empty())
        text += fmt::format("    id: {}\n", quoted(item.id));
    if (!item.enabled)
        text += "    enabled: false\n";
    return text + entries_text(item.entries) + match_text(item.match) + options_text(item.options) +
           qos_text(item.qos);
}

std::string order_text(std::span<const order_item> order) {
    auto text = fmt::format("{} `joinleaf order` writes it, removing the file goes back to the order of the "
                            "files.\nversion: 1\norder:\n",
                            managed_mark);
    for (const auto& each : order)
        text += fmt::format("  - {}\n",
                            quoted(each.entry.empty() ? each.provider : each.provider + "/" + each.entry));
    return order.empty() ? text + "  []\n" : text;
}

} // namespace joinleaf::config
