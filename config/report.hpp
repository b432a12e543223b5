// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/position.hpp"
#include "config/yaml_document.hpp"

#include <string>
#include <vector>

namespace joinleaf::config {

/// Collects the problems of one file.
class report {
  public:
    explicit report(std::string file) : file_(std::move(file)) {}

    const std::string& file() const { return file_; }
    position at(const yaml_node& node) const { return {file_, node.line, node.column}; }

    void add(position where, std::string message) {
        problems_.push_back({std::move(where), std::move(message)});
    }
    void add(const yaml_node& node, std::string message) { add(at(node), std::move(message)); }

    /// What was collected, which it no longer has afterwards.
    std::vector<problem> take() { return std::move(problems_); }

  private:
    std::string file_;
    std::vector<problem> problems_;
};

} // namespace joinleaf::config
