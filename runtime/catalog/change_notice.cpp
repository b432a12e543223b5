// SPDX-License-Identifier: Apache-2.0
#include "runtime/catalog/change_notice.hpp"

#include <vector>

#include <poll.h>
#include <sys/eventfd.h>

#include "runtime/dispatch/waiter.hpp"

namespace joinleaf::catalog {
namespace {

// All that were made; those whose handles are closed go with the next one.
struct made_notices {
    std::mutex mutex;
    std::vector<std::weak_ptr<change_notice>> all;

    void add(const std::shared_ptr<change_notice>& one) {
        const std::lock_guard hold(mutex);
        std::erase_if(all, [](const auto& other) { return other.expired(); });
        all.push_back(one);
    }
    std::vector<std::weak_ptr<change_notice>> take() {
        const std::lock_guard hold(mutex);
        return std::exchange(all, {});
    }
};

made_notices& made() {
    static auto& one = *new made_notices; // handles may outlive main()
    return one;
}

} // namespace

change_notice::change_notice(dispatch::descriptor eventfd) noexcept : handle_object(std::move(eventfd)) {}

tl::expected<std::shared_ptr<change_notice>, int> change_notice::begin(dispatch::loop& on,
                                                                       const config::configuration& watched,
                                                                       const std::string& first) {
    auto files = config::change_watch::begin(watched, first);
    auto one = std::make_shared<change_notice>(dispatch::make_eventfd());
    if (!files || !one->look_out(on, std::move(files))) {
        return tl::unexpected(WSA_NOT_ENOUGH_MEMORY);
    }
    made().add(one);
    if (!publish_handle(one)) {
        one->end(true);
        return tl::unexpected(WSA_NOT_ENOUGH_MEMORY);
    }
    return one;
}

// The watch keeps this object until it is removed.
bool change_notice::look_out(dispatch::loop& on, std::unique_ptr<config::change_watch> files) {
    const std::lock_guard hold(lock_);
    auto self = std::make_unique<std::shared_ptr<change_notice>>(shared_from_this());
    watch_ = on.add(files->descriptor(), dispatch::condition_in, on_watch, self.get());
    if (watch_ == nullptr) {
        return false;
    }
    static_cast<void>(self.release());
    files_ = std::move(files);
    return true;
}

void change_notice::on_watch(void* context, std::uint32_t /*ready*/) {
    const auto self = *static_cast<std::shared_ptr<change_notice>*>(context);
    self->note();
}

void change_notice::note() {
    dispatch::finished_operations finished(nullptr);
    const std::lock_guard hold(lock_);
    if (!files_ || !files_->take()) {
        return;
    }
    if (!pending_.empty()) {
        while (auto* const one = pending_.pop()) {
            finished.add(*one);
        }
        return;
    }
    changed_ = true;
    ::eventfd_write(fd(), 1);
}

bool change_notice::take_change() {
    if (!std::exchange(changed_, false)) {
        return false;
    }
    eventfd_t count = 0;
    ::eventfd_read(fd(), &count);
    return true;
}

int change_notice::start(dispatch::operation& one) {
    dispatch::finished_operations finished(nullptr);
    const std::lock_guard hold(lock_);
    if (!files_) {
        return WSA_INVALID_HANDLE;
    }
    one.begin();
    if (take_change()) {
        finished.add(one);
        return 0;
    }
    pending_.push(one);
    return WSA_IO_PENDING;
}

int change_notice::wait() {
    const pollfd changed{fd(), POLLIN, 0};
    for (;;) {
        {
            const std::lock_guard hold(lock_);
            if (!files_) {
                return WSA_OPERATION_ABORTED;
            }
            if (take_change()) {
                return 0;
            }
        }
        dispatch::waiter::of_thread().wait({&changed, 1}, {});
    }
}

void change_notice::end(bool quiet) {
    dispatch::finished_operations finished(nullptr, quiet);
    const std::lock_guard hold(lock_);
    if (auto* const watch = std::exchange(watch_, nullptr); watch != nullptr) {
        watch->owner->remove(
            watch, [](void* self) { delete static_cast<std::shared_ptr<change_notice>*>(self); },
            watch->context);
    }
    files_.reset();
    while (auto* const one = pending_.pop()) {
        one->code = WSA_OPERATION_ABORTED;
        finished.add(*one);
    }
    ::eventfd_write(fd(), 1); // whoever waits looks again
}

void change_notice::end_all() {
    for (const auto& one : made().take()) {
        if (const auto still = one.lock()) {
            still->end(true);
        }
    }
}

} // namespace joinleaf::catalog
