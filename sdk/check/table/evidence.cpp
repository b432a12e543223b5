// SPDX-License-Identifier: Apache-2.0
#include "evidence.hpp"

#include "sdk/check/runner/outcome.hpp"

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <stdexcept>

namespace joinleaf::check {
namespace {

// How a skip begins that says something about this machine and nothing about the provider.
constexpr std::array<std::string_view, 5> of_the_machine{"this machine", "no multicast", "a network without",
                                                         "the sanitizer", "no device"};

bool is_about_the_machine(const std::string& text) {
    return std::ranges::any_of(of_the_machine,
                               [&](std::string_view begin) { return text.starts_with(begin); });
}

// "tcp_root_rooted_ipv4_asked" of tcp-root is "rooted": families and ways of joining are told together.
std::string entry_name(std::string parameter, std::string provider) {
    std::ranges::replace_if(
        provider, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
    if (parameter.starts_with(provider + "_")) {
        parameter.erase(0, provider.size() + 1);
    }
    for (const std::string_view tail :
         {"_leaf", "_root", "_member", "_ordinary", "_asking", "_asked", "_invited", "_ipv4", "_ipv6"}) {
        if (parameter.ends_with(tail)) {
            parameter.erase(parameter.size() - tail.size());
        }
    }
    return parameter == "ipv4" || parameter == "ipv6" ? "" : parameter;
}

} // namespace

finding& evidence::at(const std::string& clause, const std::string& column) {
    if (std::ranges::find(columns_, column) == columns_.end()) {
        columns_.push_back(column);
    }
    return findings_[clause][column];
}

const finding& evidence::of(const std::string& clause, const std::string& column) const {
    static const finding nothing;
    const auto row = findings_.find(clause);
    if (row == findings_.end()) {
        return nothing;
    }
    const auto cell = row->second.find(column);
    return cell == row->second.end() ? nothing : cell->second;
}

void evidence::add_report(const std::string& file) {
    const auto report = nlohmann::json::parse(std::ifstream(file));
    const auto provider = report.at("provider").at("name").get<std::string>();
    for (const auto& one : report.at("cases")) {
        const auto entry = entry_name(one.at("entry").get<std::string>(), provider);
        const auto text = one.at("text").get<std::string>();
        const auto& outcome = one.at("outcome").get_ref<const std::string&>();
        for (const auto& clause : one.at("clauses")) {
            auto& into = at(clause.get<std::string>(), provider);
            if (outcome == "pass" || outcome == "warn") {
                into.passed.insert(entry);
            } else if (outcome == "skip") {
                (is_about_the_machine(text) ? into.machine : into.lacking).insert(text);
            } else {
                into.failed.insert(one.at("name").get<std::string>());
            }
        }
    }
}

void evidence::add_junit(const std::string& file) {
    boost::property_tree::ptree tree;
    boost::property_tree::read_xml(file, tree);
    for (const auto& [kind, test] : tree.get_child("testsuite")) {
        const auto name = kind == "testcase" ? test.get<std::string>("<xmlattr>.name", "") : "";
        if (name.empty() || name.starts_with("conformance.")) {
            continue; // those have reports
        }
        const auto status = test.get<std::string>("<xmlattr>.status", "");
        for (const auto& clause : clauses_of(name)) {
            auto& into = at(clause, runtime_column);
            if (status == "run") {
                into.passed.insert("");
            } else if (status == "fail") {
                into.failed.insert(name);
            } else {
                into.machine.insert(status); // skipped, for want of something that this machine has not
            }
        }
    }
}

} // namespace joinleaf::check
