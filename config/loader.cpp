// SPDX-License-Identifier: Apache-2.0
#include "config/loader.hpp"

#include "config/include.hpp"
#include "config/limits.hpp"
#include "config/quote.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

namespace joinleaf::config {

void loader::read_file(const std::string& path) {
    const auto file = read_text_file(path, limits::file_bytes);
    if (!file) {
        out_.files.push_back(path);
        problems_.push_back({{path, 1, 1}, "the file " + file.error()});
        return;
    }
    read_content(file->text, {path, file->identity}, file_role::main_file);
}

void loader::read_text(std::string_view text, const std::string& name) {
    const auto identity = identify(name);
    if (text.size() > limits::file_bytes) {
        out_.files.push_back(name);
        problems_.push_back({{name, 1, 1},
                             fmt::format("the text is larger than {} bytes, the limit for a "
                                         "configuration file",
                                         limits::file_bytes)});
        return;
    }
    read_content(text, {name, identity ? std::optional(*identity) : std::nullopt}, file_role::main_file);
}

void loader::read_content(std::string_view text, const open_file& file, file_role role) {
    out_.files.push_back(file.name);
    bytes_ += text.size();
    auto content = read_file_text(text, file.name, role, limits::total_nodes - nodes_);
    nodes_ += content.nodes;
    exhausted_ = exhausted_ || nodes_ > limits::total_nodes;
    std::ranges::move(content.problems, std::back_inserter(problems_));
    if (role == file_role::main_file) {
        out_.reactor = std::move(content.reactor);
        out_.statistics = std::move(content.statistics);
    }
    if (content.order)
        out_.order = *std::move(content.order);
    add_providers(std::move(content.providers));
    chain_.push_back(file);
    for (const auto& item : content.includes)
        follow(item, file.name);
    chain_.pop_back();
}

void loader::add_providers(std::vector<provider> providers) {
    for (auto& each : providers) {
        if (out_.providers.size() >= limits::providers && !std::exchange(exhausted_, true))
            problems_.push_back(
                {each.where, fmt::format("providers: found one more than the {} that a configuration "
                                         "has at most",
                                         limits::providers)});
        if (exhausted_)
            return;
        if (!each.name.empty()) {
            const auto [first, is_new] = provider_names_.try_emplace(each.name, each.name_where);
            if (!is_new)
                problems_.push_back(
                    {each.name_where, fmt::format("provider.name: found the name {} a second time; the "
                                                  "first is at {}",
                                                  quote(each.name), first->second.text())});
        }
        check_id(each);
        out_.providers.push_back(std::move(each));
    }
}

void loader::check_id(const provider& each) {
    if (each.id.empty())
        return;
    const auto [first, is_new] = provider_ids_.try_emplace(each.id, each.where);
    if (!is_new)
        problems_.push_back(
            {each.where, fmt::format("provider.id: found the id {} a second time; the first is "
                                     "of the provider at {}",
                                     each.id, first->second.text())});
}

void loader::follow(const include_item& item, const std::string& file) {
    if (exhausted_)
        return;
    if (auto pattern = pattern_of(file, item.path))
        out_.drop_ins.push_back(*std::move(pattern));
    const auto targets = expand_include(file, item.path, limits::files);
    if (!targets) {
        problems_.push_back({item.where, targets.error()});
        return;
    }
    for (const auto& target : *targets)
        read_drop_in(target, item.where);
}

void loader::read_drop_in(const std::string& path, const position& where) {
    if (exhausted_)
        return;
    const auto file = read_text_file(path, limits::file_bytes);
    if (!file) {
        problems_.push_back({where, fmt::format("include: the file {} {}", quote(path), file.error())});
        return;
    }
    if (!is_readable_now(path, file->identity, where) || takes_too_much(file->text.size(), where))
        return;
    included_.emplace(file->identity, where);
    read_content(file->text, {path, file->identity}, file_role::drop_in);
}

// A file counts once. One that includes itself, or comes back by another, would never end.
bool loader::is_readable_now(const std::string& path, const file_identity& identity, const position& where) {
    if (const auto chain = chain_to(identity, path); !chain.empty()) {
        problems_.push_back({where, "include: found a cyclic include: " + chain});
        return false;
    }
    if (const auto first = included_.find(identity); first != included_.end()) {
        problems_.push_back(
            {where, fmt::format("include: found the file {} a second time; it was included at {}",
                                quote(path), first->second.text())});
        return false;
    }
    return true;
}

// `a.yaml -> b.yaml -> a.yaml`, or nothing when the file is not being read.
std::string loader::chain_to(const file_identity& identity, const std::string& path) const {
    const auto first = std::ranges::find(chain_, std::optional(identity), &open_file::identity);
    std::string text;
    for (auto each = first; each != chain_.end(); ++each)
        text += each->name + " -> ";
    return text.empty() ? text : text + path;
}

bool loader::takes_too_much(std::size_t bytes, const position& where) {
    const bool files = out_.files.size() >= limits::files;
    if (!files && bytes_ + bytes <= limits::total_bytes)
        return false;
    exhausted_ = true;
    problems_.push_back(
        {where, files ? fmt::format("include: found more than {} files, the limit for a configuration",
                                    limits::files)
                      : fmt::format("include: found more than {} bytes in all files, the limit for a "
                                    "configuration",
                                    limits::total_bytes)});
    return true;
}

void loader::sort_problems() {
    std::map<std::string, std::size_t> order;
    for (const auto& file : out_.files)
        order.try_emplace(file, order.size());
    std::ranges::stable_sort(problems_, {}, [&order](const problem& each) {
        return std::tuple(order[each.where.file], each.where.line, each.where.column);
    });
}

result<configuration> loader::finish() {
    if (problems_.empty())
        return std::move(out_);
    sort_problems();
    if (problems_.size() > limits::problems) {
        const auto rest = problems_.size() - limits::problems;
        const auto where = problems_[limits::problems].where;
        problems_.resize(limits::problems);
        problems_.push_back({where, fmt::format("{} more problems from here on are not listed", rest)});
    }
    return tl::unexpected(std::move(problems_));
}

} // namespace joinleaf::config
