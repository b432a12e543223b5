// SPDX-License-Identifier: Apache-2.0
//
// Feeds the reader whatever the fuzzer thinks of. What it must keep: no crash, no exception, every problem with its
// place and a message of bounded length, nothing kept of a text beyond the limits.
#include "config/file_reader.hpp"
#include "config/limits.hpp"
#include "config/selection.hpp"
#include "config/text_check.hpp"

#include <algorithm>
#include <cstdlib>

namespace {

using namespace joinleaf::config;

void require(bool holds) {
    if (!holds)
        std::abort();
}

// Whether the text has that line, and the line that character or its end.
bool lies_in(std::string_view text, const position& where) {
    if (text.starts_with("\xEF\xBB\xBF"))
        text.remove_prefix(3);
    for (int line = 1; line < where.line; ++line) {
        const auto end = text.find('\n');
        if (end == std::string_view::npos)
            return false;
        text.remove_prefix(end + 1);
    }
    const auto line = text.substr(0, text.find('\n'));
    const auto is_lead = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
    return where.column <= std::ranges::count_if(line, is_lead) + 1;
}

void check(const file_content& content, std::string_view text) {
    require(content.nodes <= limits::total_nodes + 1);
    require(content.providers.size() <= limits::providers);
    for (const auto& each : content.problems) {
        require(each.where.file == "fuzz.yaml" && each.where.line >= 1 && each.where.column >= 1);
        require(check_text(text, "fuzz.yaml").has_value() || lies_in(text, each.where));
        require(!each.message.empty() && each.message.size() < 4096);
        require(!check_text(each.message, "message"));
    }
    for (const auto& each : content.providers) {
        require(!content.problems.empty() || (!each.name.empty() && !each.library.empty()));
        for (const auto& option : each.options)
            require(!content.problems.empty() || option.is_list || option.values.size() == 1);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string text(data, data + size);
    auto content = read_file_text(text, "fuzz.yaml", file_role::main_file, limits::total_nodes);
    check(content, text);
    check(read_file_text(text, "fuzz.yaml", file_role::drop_in, limits::total_nodes), text);
    require(!parse_duration(text) || *parse_duration(text) >= std::chrono::nanoseconds{});
    require(parse_size(text).has_value() || !parse_size(text).error().empty());
    require(parse_rate(text).has_value() || !parse_rate(text).error().empty());
    configuration all;
    all.providers = std::move(content.providers);
    for (const auto& each : select_providers(all, text))
        require(each.where.file == "JOINLEAF_PROVIDERS");
    return 0;
}
