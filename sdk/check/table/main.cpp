// SPDX-License-Identifier: Apache-2.0
//
// conformance-table page CLAUSES JUNIT REPORTS    writes docs/conformance.md to standard output
// conformance-table check CLAUSES JUNIT REPORTS PAGE    says in what PAGE is not current
// conformance-table names CLAUSES    reads names of tests from standard input: each clause has one, each id is a clause's
// JUNIT is what ctest --output-junit wrote, REPORTS the folder of the kit's reports.
#include "page.hpp"

#include "sdk/check/runner/outcome.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <stdexcept>

namespace {

using namespace joinleaf::check;

evidence gather(const std::string& junit, const std::string& reports) {
    evidence found;
    found.add_junit(junit);
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(reports)) {
        if (entry.path().extension() == ".json") {
            files.push_back(entry.path());
        }
    }
    std::ranges::sort(files);
    for (const auto& file : files) {
        found.add_report(file);
    }
    return found;
}

int tell(const std::string& wrong) {
    fmt::print(stderr, "{}", wrong);
    return wrong.empty() ? 0 : 1;
}

int write_page(std::span<char*> words) {
    const auto clauses = read_clauses(words[0]);
    const auto found = gather(words[1], words[2]);
    fmt::print("{}", page_of(clauses, found));
    return tell(complaints(clauses, found));
}

int check_page(std::span<char*> words) {
    const auto clauses = read_clauses(words[0]);
    const auto found = gather(words[1], words[2]);
    std::ifstream in(words[3]);
    const std::string page{std::istreambuf_iterator<char>(in), {}};
    const auto stale = differences(page, clauses, found);
    return tell(
        complaints(clauses, found) +
        (stale.empty() ? "" : stale + words[3] + " is not current: ./run conformance writes it anew\n"));
}

// Prose of names: an id that is no clause is a misprint, or a clause that the list has not.
int check_names(std::span<char*> words) {
    const auto clauses = read_clauses(words[0]);
    std::set<std::string> named;
    std::string wrong;
    for (std::string line; std::getline(std::cin, line);) {
        for (const auto& id : clauses_of(line)) {
            const bool foreign = id.starts_with("D-") || id.starts_with("JLP-") || id.starts_with("RM-");
            if (!foreign && std::ranges::find(clauses, id, &clause::id) == clauses.end()) {
                wrong += fmt::format("{}: {} is no clause of the list\n", line, id);
            }
            named.insert(id);
        }
    }
    for (const auto& one : clauses) {
        const bool has = named.contains(one.id);
        if (!has && one.apart.empty() && !one.open) {
            wrong += fmt::format("{}: no test bears it, and clauses.yaml has no reason for that: {}\n",
                                 one.id, one.words);
        } else if (has && one.open) {
            wrong += fmt::format("{}: a test bears it, and clauses.yaml still lists it as open\n", one.id);
        }
    }
    return tell(wrong);
}

int run(std::span<char*> words) {
    const std::string what = words.size() < 2 ? "" : words[1];
    if (what == "page" && words.size() == 5) {
        return write_page(words.subspan(2));
    }
    if (what == "check" && words.size() == 6) {
        return check_page(words.subspan(2));
    }
    if (what == "names" && words.size() == 3) {
        return check_names(words.subspan(2));
    }
    throw std::runtime_error(
        "usage: conformance-table page CLAUSES JUNIT REPORTS | check CLAUSES JUNIT REPORTS "
        "PAGE | names CLAUSES");
}

} // namespace

int main(int count, char** words) {
    try {
        return run({words, static_cast<std::size_t>(count)});
    } catch (const std::exception& error) {
        fmt::print(stderr, "conformance-table: {}\n", error.what());
        return 2;
    }
}
