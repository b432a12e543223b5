// SPDX-License-Identifier: Apache-2.0
//
// What the tests came to, gathered by clause.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace joinleaf::check {

// What was found out about one clause over one provider, or over the runtime alone.
struct finding {
    std::set<std::string> passed;  // entries; "" where there is none to name
    std::set<std::string> failed;  // cases
    std::set<std::string> lacking; // why entries were skipped
    std::set<std::string> machine; // the same, where it is this machine that lacks something
};

// The column of tests that are about no provider.
inline const std::string runtime_column = "runtime";

class evidence {
  public:
    // A report of `joinleaf conformance --json`; the provider is a column of its own.
    void add_report(const std::string& file);

    // What `ctest --output-junit` wrote: the other tests of the tree, by the clauses in their names.
    void add_junit(const std::string& file);

    [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
    [[nodiscard]] const finding& of(const std::string& clause, const std::string& column) const;

  private:
    finding& at(const std::string& clause, const std::string& column);

    std::vector<std::string> columns_{runtime_column};
    std::map<std::string, std::map<std::string, finding>> findings_;
};

} // namespace joinleaf::check
