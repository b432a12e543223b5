// SPDX-License-Identifier: Apache-2.0
#include "verbs/estate.hpp"

#include <utility>

namespace joinleaf::rdma::verbs {
namespace {

// A peer that lives takes a control message within a few round trips.
constexpr std::chrono::seconds patience{1};
constexpr std::chrono::milliseconds pause{1};

} // namespace

void estate::sweep() {
    std::erase_if(lingering, [](const auto& each) { return !each->is_draining(); });
}

executor::~executor() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !running_; });
    lock.unlock();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void executor::take(std::unique_ptr<estate> left) {
    const std::lock_guard hold(mutex_);
    charges_.push_back({std::move(left), std::chrono::steady_clock::now() + patience});
    if (!std::exchange(running_, true)) {
        if (thread_.joinable()) {
            thread_.join();
        }
        thread_ = std::thread([this] { run(); });
    }
}

void executor::run() {
    std::unique_lock lock(mutex_);
    while (!charges_.empty()) {
        const auto now = std::chrono::steady_clock::now();
        std::list<charge> over;
        for (auto each = charges_.begin(); each != charges_.end();) {
            const auto current = each++;
            current->what->means->poll(nullptr);
            current->what->sweep();
            if (current->what->lingering.empty() || now >= current->until) {
                over.splice(over.end(), charges_, current);
            }
        }
        lock.unlock();
        over.clear(); // closing connections takes its time
        std::this_thread::sleep_for(pause);
        lock.lock();
    }
    running_ = false;
    changed_.notify_all();
}

} // namespace joinleaf::rdma::verbs
