// SPDX-License-Identifier: Apache-2.0
#include "questions.hpp"

#include "runtime.hpp"

#include <fmt/format.h>

namespace joinleaf::cli {

namespace {

// As compilers do it, so that editors find the place.
void print_problems(const nlohmann::json& problems) {
    for (const nlohmann::json& problem : problems) {
        const std::string where = text_of(problem, "where");
        fmt::print("{}{}{}\n", where, where.empty() ? "" : ": ", text_of(problem, "message"));
    }
}

void print_summary(const nlohmann::json& answer) {
    for (const nlohmann::json& file : list_of(answer, "files")) {
        fmt::print("{}: good\n", file.is_string() ? file.get<std::string>() : file.dump());
    }
    for (const nlohmann::json& provider : list_of(answer, "providers")) {
        fmt::print("  {} from {}{}\n", text_of(provider, "name"), text_of(provider, "library"),
                   provider.value("enabled", true) ? "" : " (disabled)");
    }
}

} // namespace

result<void> check(const std::string& file, bool json) {
    const result<nlohmann::json> answer = read_check(file);
    if (!answer) {
        return tl::unexpected(answer.error());
    }
    const nlohmann::json& problems = list_of(*answer, "problems");
    if (json) {
        fmt::print("{}\n", answer->dump(2));
    } else if (problems.empty()) {
        print_summary(*answer);
    } else {
        print_problems(problems);
    }
    return problems.empty() ? result<void>() : fail(status::negative, "");
}

} // namespace joinleaf::cli
