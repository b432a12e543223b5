// SPDX-License-Identifier: Apache-2.0
#include "page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <sstream>

namespace joinleaf::check {
namespace {

constexpr const char* head = R"(# Conformance

Every clause of the behaviour that joinleaf owes, and what proves it. Made by `./run conformance` from the names and the
outcomes of the tests; [clauses.yaml](clauses.yaml) is the list. `joinleaf conformance PROVIDER` runs the same cases over any provider.

The column *runtime* stands for tests that are about no transport: what the runtime does by itself is the same on each. The
other columns are providers; *inbox* is the SDK's template. **pass**: proved on every entry that has what the clause is about, or on the
entries named. *lacks ...*: no entry of that provider has it. A dot: no case of the kit is about the clause.

)";

std::string joined(const std::set<std::string>& texts) {
    std::string made;
    for (const auto& text : texts) {
        made += (made.empty() ? "" : ", ") + (text.empty() ? "other" : text);
    }
    return made;
}

std::string lacking_words(const finding& one) {
    std::set<std::string> first_lines;
    for (const auto& text : one.lacking) {
        first_lines.insert(text.substr(0, text.find('\n')));
    }
    std::string made;
    for (const auto& text : first_lines) {
        made += (made.empty() ? "" : "; ") + text;
    }
    return made;
}

std::string cell(const finding& one) {
    if (!one.failed.empty()) {
        return "**fails**";
    }
    if (!one.passed.empty()) {
        const bool everywhere = one.lacking.empty() || (one.passed.size() == 1 && one.passed.contains(""));
        return everywhere ? "pass" : "pass: " + joined(one.passed);
    }
    if (!one.lacking.empty()) {
        return "lacks " + lacking_words(one);
    }
    return one.machine.empty() ? "." : "?";
}

bool is_proved(const clause& one, const evidence& found) {
    return std::ranges::any_of(
        found.columns(), [&](const std::string& column) { return !found.of(one.id, column).passed.empty(); });
}

std::vector<std::string> columns_of(const evidence& found) {
    auto columns = found.columns();
    std::erase(columns, "inbox-c"); // the same template in another language
    std::sort(columns.begin() + 1, columns.end());
    return columns;
}

std::vector<std::string> groups_of(const std::vector<clause>& clauses) {
    std::vector<std::string> groups;
    for (const auto& one : clauses) {
        if (groups.empty() || groups.back() != one.group()) {
            groups.push_back(one.group());
        }
    }
    return groups;
}

std::string row(const std::vector<std::string>& cells) {
    std::string made = "|";
    for (const auto& text : cells) {
        made += " " + text + " |";
    }
    return made + "\n";
}

std::string ruler(std::size_t columns) {
    std::string made = "|";
    for (std::size_t i = 0; i < columns; ++i) {
        made += "---|";
    }
    return made + "\n";
}

// Of how many clauses of the group something was found in that column that passed.
std::string totals(const std::vector<clause>& clauses, const evidence& found) {
    const auto columns = columns_of(found);
    std::vector<std::string> names{"group", "clauses", "proved", "apart", "open"};
    names.insert(names.end(), columns.begin(), columns.end());
    std::string made = row(names) + ruler(names.size());
    for (const auto& group : groups_of(clauses)) {
        std::map<std::string, int> count;
        for (const auto& one : clauses) {
            if (one.group() != group) {
                continue;
            }
            ++count["clauses"];
            count["proved"] += is_proved(one, found) ? 1 : 0;
            count["apart"] += one.apart.empty() ? 0 : 1;
            count["open"] += one.open ? 1 : 0;
            for (const auto& column : columns) {
                count[column] += found.of(one.id, column).passed.empty() ? 0 : 1;
            }
        }
        std::vector<std::string> cells{group};
        for (std::size_t i = 1; i < names.size(); ++i) {
            cells.push_back(std::to_string(count[names[i]]));
        }
        made += row(cells);
    }
    return made + "\n";
}

std::vector<std::string> cells_of(const clause& one, const evidence& found) {
    std::vector<std::string> cells{one.id, one.words};
    for (const auto& column : columns_of(found)) {
        cells.push_back(cell(found.of(one.id, column)));
    }
    if (!one.apart.empty()) {
        cells[2] = "apart: " + one.apart;
    } else if (one.open) {
        cells[2] = "**open**";
    }
    return cells;
}

std::vector<std::string> split_row(const std::string& line) {
    std::vector<std::string> cells;
    for (std::size_t from = 2; from < line.size();) {
        const auto to = std::min(line.find(" |", from), line.size());
        cells.push_back(line.substr(from, to - from));
        from = to + 3;
    }
    return cells;
}

std::map<std::string, std::vector<std::string>> rows_of(const std::string& page) {
    std::map<std::string, std::vector<std::string>> rows;
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("| ")) {
            auto cells = split_row(line);
            const auto id = cells.front();
            if (id.find('-') != std::string::npos) {
                rows[id] = std::move(cells);
            }
        }
    }
    return rows;
}

} // namespace

std::string page_of(const std::vector<clause>& clauses, const evidence& found) {
    std::string made = head + totals(clauses, found);
    std::vector<std::string> names{"clause", "what"};
    const auto columns = columns_of(found);
    names.insert(names.end(), columns.begin(), columns.end());
    for (const auto& group : groups_of(clauses)) {
        made += fmt::format("## {}\n\n", group) + row(names) + ruler(names.size());
        for (const auto& one : clauses) {
            if (one.group() == group) {
                made += row(cells_of(one, found));
            }
        }
        made += "\n";
    }
    made.pop_back();
    return made;
}

std::string complaints(const std::vector<clause>& clauses, const evidence& found) {
    std::string made;
    for (const auto& one : clauses) {
        for (const auto& column : found.columns()) {
            for (const auto& name : found.of(one.id, column).failed) {
                made += fmt::format("{}: {} fails over {}\n", one.id, name, column);
            }
        }
        const bool proved = is_proved(one, found);
        if (!proved && one.apart.empty() && !one.open) {
            made += fmt::format("{}: no test proves it, and clauses.yaml has no reason for that\n", one.id);
        } else if (proved && one.open) {
            made += fmt::format("{}: is proved, and clauses.yaml still lists it as open\n", one.id);
        }
    }
    return made;
}

std::string differences(const std::string& page, const std::vector<clause>& clauses, const evidence& found) {
    const auto old = rows_of(page);
    std::string made;
    for (const auto& one : clauses) {
        const auto now = cells_of(one, found);
        const auto before = old.find(one.id);
        if (before == old.end() || before->second.size() != now.size()) {
            made += fmt::format("{}: the page has no such row, or other columns\n", one.id);
            continue;
        }
        for (std::size_t i = 0; i < now.size(); ++i) {
            if (now[i] != before->second[i] && now[i] != "?") {
                made += fmt::format("{}: '{}' is '{}' now\n", one.id, before->second[i], now[i]);
            }
        }
    }
    return made;
}

} // namespace joinleaf::check
