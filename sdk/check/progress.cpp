// SPDX-License-Identifier: Apache-2.0
#include "progress.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

namespace joinleaf::check {
namespace {

int report_descriptor() {
    const char* const number = std::getenv("JOINLEAF_CHECK_REPORT");
    return number == nullptr ? -1 : std::atoi(number);
}

std::string name_of(const ::testing::TestInfo& info) {
    return std::string(info.test_suite_name()) + "." + info.name();
}

std::string place_of(const ::testing::TestPartResult& part) {
    const char* const path = part.file_name();
    if (path == nullptr) {
        return "";
    }
    const char* const slash = std::strrchr(path, '/');
    return std::string(slash == nullptr ? path : slash + 1) + ":" + std::to_string(part.line_number()) + ": ";
}

std::string parts_of(const ::testing::TestResult& result, bool skipped) {
    std::string text;
    for (int i = 0; i < result.total_part_count(); ++i) {
        const auto& part = result.GetTestPartResult(i);
        if (skipped ? part.skipped() : part.failed()) {
            text += (text.empty() ? "" : "\n") + (skipped ? "" : place_of(part)) + part.message();
        }
    }
    // GoogleTest puts a line of its own before what a skip says.
    return skipped && text.starts_with("Skipped\n") ? text.substr(8) : text;
}

std::string warnings_of(const ::testing::TestResult& result) {
    std::string text;
    for (int i = 0; i < result.test_property_count(); ++i) {
        if (std::strcmp(result.GetTestProperty(i).key(), "warning") == 0) {
            text += result.GetTestProperty(i).value();
        }
    }
    return text;
}

nlohmann::json end_of(const ::testing::TestInfo& info) {
    const auto& result = *info.result();
    nlohmann::json line{{"end", name_of(info)}};
    if (result.Failed()) {
        line.update({{"outcome", "fail"}, {"text", parts_of(result, false)}});
    } else if (result.Skipped()) {
        line.update({{"outcome", "skip"}, {"text", parts_of(result, true)}});
    } else {
        const auto remark = warnings_of(result);
        line.update({{"outcome", remark.empty() ? "pass" : "warn"}, {"text", remark}});
    }
    return line;
}

class reporter : public ::testing::EmptyTestEventListener {
  public:
    explicit reporter(int fd) : fd_(fd) {
        ::fcntl(fd, F_SETFD, FD_CLOEXEC); // what a case starts has no business with it
    }

  private:
    void OnTestStart(const ::testing::TestInfo& info) override { say({{"start", name_of(info)}}); }
    void OnTestEnd(const ::testing::TestInfo& info) override { say(end_of(info)); }

    void say(const nlohmann::json& line) const {
        const auto text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
        for (std::size_t sent = 0; sent < text.size();) {
            const auto now = ::write(fd_, text.data() + sent, text.size() - sent);
            if (now <= 0) {
                std::_Exit(1); // the runner has gone
            }
            sent += static_cast<std::size_t>(now);
        }
    }
    int fd_;
};

} // namespace

bool has_runner() {
    return report_descriptor() >= 0;
}

void report_progress() {
    if (has_runner()) {
        // Last of the listeners, which makes it the first to hear of an end: the footprint, added later, comes before it.
        ::testing::UnitTest::GetInstance()->listeners().Append(new reporter(report_descriptor()));
    }
}

} // namespace joinleaf::check
