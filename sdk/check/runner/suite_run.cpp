// SPDX-License-Identifier: Apache-2.0
#include "suite_run.hpp"

#include "child.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fnmatch.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace joinleaf::check {
namespace {

using clock = std::chrono::steady_clock;
using batch = std::deque<std::string>;
using listener = std::function<void(const outcome&)>;

constexpr std::size_t quoted_lines = 40;
constexpr std::size_t list_room = 64U << 20; // bytes of names

// GoogleTest's name of a parametrised case begins with the name of its instantiation, which says nothing to a reader.
std::string shown_name(const std::string& full) {
    const auto slash = full.find('/');
    return slash < full.find('.') ? full.substr(slash + 1) : full;
}

bool is_wanted(const request& what, const std::string& name) {
    return std::ranges::any_of(what.filters, [&](const std::string& pattern) {
        return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
    });
}

command make_command(const request& what, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), what.program);
    command made{std::move(arguments), {{"JOINLEAF_CHECK_SUBJECT", what.subject}, {"GTEST_COLOR", "no"}}};
    if (!what.observed.empty()) {
        made.variables.emplace_back("JOINLEAF_CHECK_OBSERVED", what.observed);
    }
    return made;
}

std::string last_lines(std::string text) {
    while (!text.empty() && text.back() == '\n') {
        text.pop_back();
    }
    std::size_t at = text.size();
    for (std::size_t lines = 0; lines < quoted_lines && at != std::string::npos && at > 0; ++lines) {
        at = text.rfind('\n', at - 1);
    }
    return at == std::string::npos || at == 0 ? text : "..." + text.substr(at);
}

std::string death_of(int status) {
    if (WIFSIGNALED(status)) {
        return fmt::format("ended by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
    }
    return fmt::format("ended with status {}", WEXITSTATUS(status));
}

// Names out of --gtest_list_tests: a suite at the margin, its cases below, with a remark on the parameter behind.
std::vector<std::string> parse_list(const std::string& text) {
    std::vector<std::string> names;
    std::string suite;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        line.erase(std::min(line.find("  #"), line.size()));
        if (line.starts_with("  ")) {
            names.push_back(suite + line.substr(2));
        } else {
            suite = line;
        }
    }
    return names;
}

// The cases of one child after the other.
class batch_run {
  public:
    batch_run(const request& what, batch names, const listener& told)
        : what_(what), left_(std::move(names)), told_(told) {}

    void run() {
        while (!left_.empty()) {
            run_child();
        }
    }

  private:
    void run_child() {
        std::string filter;
        for (const auto& name : left_) {
            filter += (filter.empty() ? "" : ":") + std::string("*/") + name;
        }
        child running(make_command(what_, {"--gtest_brief=1", "--gtest_filter=" + filter}));
        current_.clear();
        began_ = clock::now();
        while (const auto line = running.next_line(began_ + what_.timeout)) {
            if (!follow(nlohmann::json::parse(*line))) {
                return; // a failed case may have left anything behind; the others get a process of their own
            }
        }
        if (!running.is_over()) {
            running.kill();
            running.wait(clock::now() + what_.timeout);
            end(verdict::timeout,
                fmt::format("nothing for {} ms\n{}", what_.timeout.count(), last_lines(running.output())));
            return;
        }
        bury(running);
    }

    // One line of the report; false: the child is not to go on.
    bool follow(const nlohmann::json& line) {
        if (line.contains("start")) {
            current_ = shown_name(line.at("start").get<std::string>());
            began_ = clock::now();
            return true;
        }
        const auto& word = line.at("outcome").get_ref<const std::string&>();
        const auto what = word == "pass"   ? verdict::pass
                          : word == "warn" ? verdict::warn
                          : word == "skip" ? verdict::skip
                                           : verdict::fail;
        end(what, line.value("text", ""));
        return what != verdict::fail;
    }

    // The child has ended by itself.
    void bury(child& dead) {
        const int status = dead.wait(clock::now() + what_.timeout);
        if (status == 0 && left_.empty() && current_.empty()) {
            return;
        }
        const auto text = death_of(status) + "\n" + last_lines(dead.output());
        if (!current_.empty()) {
            end(WIFSIGNALED(status) ? verdict::crash : verdict::fail, text);
        } else if (left_.empty()) {
            // All cases were good; what is wrong is found at the end, a leak of memory for one.
            told_({last_ + " (at exit)", WIFSIGNALED(status) ? verdict::crash : verdict::fail, text, {}});
        } else {
            throw refusal(text);
        }
    }

    void end(verdict what, std::string text) {
        // Without a current case it is the start of the program that hangs: the first case has it.
        last_ = current_.empty() ? left_.front() : current_;
        const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - began_);
        std::erase(left_, last_);
        current_.clear();
        began_ = clock::now();
        told_({last_, what, std::move(text), took});
    }

    const request& what_;
    batch left_;
    const listener& told_;
    std::string current_;
    std::string last_;
    clock::time_point began_;
};

std::string suite_of(const std::string& name) {
    return name.substr(0, name.find('.'));
}

std::deque<batch> make_batches(const std::vector<std::string>& names, unsigned group) {
    std::deque<batch> batches;
    for (const auto& name : names) {
        const bool joins = !batches.empty() && batches.back().size() < group &&
                           suite_of(batches.back().front()) == suite_of(name);
        if (!joins) {
            batches.emplace_back();
        }
        batches.back().push_back(name);
    }
    return batches;
}

} // namespace

std::vector<std::string> list_cases(const request& what) {
    auto asking = make_command(what, {"--gtest_list_tests", "--gtest_filter=*/*"});
    asking.output_kept = list_room;
    child listing(std::move(asking));
    const int status = listing.wait(clock::now() + what.timeout);
    if (status != 0) {
        throw refusal(WIFSIGNALED(status)
                          ? "loading the provider: " + death_of(status) + "\n" + last_lines(listing.output())
                          : last_lines(listing.output()));
    }
    std::vector<std::string> names;
    for (const auto& full : parse_list(listing.output())) {
        if (const auto name = shown_name(full); full != name && is_wanted(what, name)) {
            names.push_back(name);
        }
    }
    return names;
}

std::vector<outcome> run_cases(const request& what, const std::vector<std::string>& names,
                               const listener& told) {
    auto batches = make_batches(names, std::max(1U, what.group));
    std::map<std::string, outcome> outcomes;
    std::vector<outcome> beside; // what belongs to a child and not to a case
    std::mutex lock;
    std::exception_ptr error;
    const listener note = [&](const outcome& one) {
        const std::lock_guard held(lock);
        told(one);
        if (std::ranges::find(names, one.name) == names.end()) {
            beside.push_back(one);
        } else {
            outcomes[one.name] = one;
        }
    };
    const auto next = [&]() -> batch {
        const std::lock_guard held(lock);
        if (batches.empty() || error) {
            return {};
        }
        auto first = std::move(batches.front());
        batches.pop_front();
        return first;
    };
    const auto work = [&] {
        try {
            for (auto mine = next(); !mine.empty(); mine = next()) {
                batch_run(what, std::move(mine), note).run();
            }
        } catch (...) {
            const std::lock_guard held(lock);
            error = std::current_exception();
        }
    };
    {
        std::vector<std::jthread> workers;
        for (unsigned i = 1; i < what.jobs; ++i) {
            workers.emplace_back(work);
        }
        work();
    }
    if (error) {
        std::rethrow_exception(error);
    }
    std::vector<outcome> ordered;
    for (const auto& name : names) {
        ordered.push_back(outcomes.at(name));
    }
    ordered.insert(ordered.end(), beside.begin(), beside.end());
    return ordered;
}

} // namespace joinleaf::check
