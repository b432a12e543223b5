// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/descriptor.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace joinleaf::dispatch {

descriptor& descriptor::operator=(descriptor&& other) noexcept {
    if (this != &other) {
        descriptor old(std::exchange(fd_, std::exchange(other.fd_, -1)));
    }
    return *this;
}

descriptor::~descriptor() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

descriptor above_standard_streams(descriptor made) noexcept {
    if (made && made.get() < 3) {
        return descriptor(::fcntl(made.get(), F_DUPFD_CLOEXEC, 3));
    }
    return made;
}

descriptor make_eventfd() noexcept {
    return above_standard_streams(descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)));
}

void raise(const descriptor& eventfd) noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(eventfd.get(), &one, sizeof one);
}

void lower(const descriptor& eventfd) noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(eventfd.get(), &count, sizeof count);
}

} // namespace joinleaf::dispatch
