// SPDX-License-Identifier: Apache-2.0
#include "footprint.hpp"

#include "violations.hpp"

#include "tests/support/waiting.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <climits>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>

#include <unistd.h>

namespace joinleaf::check {
namespace {

using descriptors = std::map<std::string, std::string>; // number to what it is

descriptors open_descriptors() {
    descriptors found;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", ignored)) {
        // The one that lists the folder is gone when its target is asked for, or names the folder.
        const auto target = std::filesystem::read_symlink(entry.path(), ignored).string();
        if (!ignored && !target.ends_with("/fd")) {
            found[entry.path().filename()] = target;
        }
    }
    return found;
}

std::size_t thread_count() {
    std::error_code ignored;
    const std::filesystem::directory_iterator tasks("/proc/self/task", ignored);
    return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

// Libraries stay mapped, and librdmacm keeps the devices that it has seen for as long as it is: of each the node and one
// descriptor for its events.
void forgive_devices(descriptors& left) {
    const auto nodes = std::erase_if(
        left, [](const auto& each) { return each.second.starts_with("/dev/infiniband/uverbs"); });
    for (std::size_t i = 0; i < nodes; ++i) {
        const auto found = std::ranges::find_if(
            left, [](const auto& each) { return each.second == "anon_inode:[infinibandevent]"; });
        if (found != left.end()) {
            left.erase(found);
        }
    }
}

// Empty, or what was left behind.
std::string left_behind(const descriptors& before, std::size_t threads_before) {
    std::string text;
    auto now_open = open_descriptors();
    std::erase_if(now_open, [&](const auto& each) { return before.contains(each.first); });
    forgive_devices(now_open);
    for (const auto& [number, target] : now_open) {
        text += "\n  descriptor " + number + " " + target;
    }
    if (const auto now = thread_count(); now > threads_before) {
        text += "\n  threads: " + std::to_string(now - threads_before);
    }
    return text;
}

// Besides what is left behind: what the observer saw while the case ran.
class footprint_watch : public ::testing::EmptyTestEventListener {
    void OnTestStart(const ::testing::TestInfo& /*info*/) override {
        descriptors_ = open_descriptors();
        threads_ = thread_count();
    }
    void OnTestEnd(const ::testing::TestInfo& info) override {
        for (const auto& sentence : take_violations()) {
            ADD_FAILURE() << sentence;
        }
        if (info.result()->Failed() || info.result()->Skipped()) {
            return; // the reason is told, and such a case may end anywhere
        }
        std::string left;
        // Closing may finish on a loop of the runtime.
        test::eventually([&] { return (left = left_behind(descriptors_, threads_)).empty(); },
                         std::chrono::seconds(5));
        if (!left.empty()) {
            ADD_FAILURE() << "LC-20: the case has left behind:" << left;
        }
    }

    descriptors descriptors_;
    std::size_t threads_ = 0;
};

} // namespace

void watch_footprint() {
    ::testing::UnitTest::GetInstance()->listeners().Append(new footprint_watch);
}

} // namespace joinleaf::check
