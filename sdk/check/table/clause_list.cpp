// SPDX-License-Identifier: Apache-2.0
#include "clause_list.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <stdexcept>

namespace joinleaf::check {
namespace {

class reader {
  public:
    explicit reader(const std::string& file) : file_(file) {}

    std::vector<clause> read() {
        const auto root = YAML::LoadFile(file_);
        for (const auto& item : root["clauses"]) {
            clauses_.push_back({item.first.as<std::string>(), item.second.as<std::string>(), ""});
        }
        for (const auto& item : root["apart"]) {
            find(item.first).apart = item.second.as<std::string>();
        }
        for (const auto& item : root["open"]) {
            auto& one = find(item);
            if (!one.apart.empty()) {
                refuse(item, one.id + " is both apart and open");
            }
            one.open = true;
        }
        return std::move(clauses_);
    }

  private:
    [[noreturn]] void refuse(const YAML::Node& where, const std::string& reason) const {
        throw std::runtime_error(
            fmt::format("{}:{}:{}: {}", file_, where.Mark().line + 1, where.Mark().column + 1, reason));
    }
    clause& find(const YAML::Node& id) {
        const auto found = std::ranges::find(clauses_, id.as<std::string>(), &clause::id);
        if (found == clauses_.end()) {
            refuse(id, id.as<std::string>() + " is no clause of the list");
        }
        return *found;
    }

    const std::string& file_;
    std::vector<clause> clauses_;
};

} // namespace

std::vector<clause> read_clauses(const std::string& file) {
    try {
        return reader(file).read();
    } catch (const YAML::Exception& error) {
        throw std::runtime_error(fmt::format("{}: {}", file, error.what()));
    }
}

} // namespace joinleaf::check
