// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/address.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

namespace joinleaf::test {

// A TCP listener of the kernel's own, whose backlog takes connections without a descriptor of this process.
class kernel_listener {
  public:
    explicit kernel_listener(int family)
        : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)), name_(loopback(family)) {
        socklen_t length = sizeof name_.storage;
        EXPECT_EQ(0, ::bind(fd_, name_.get(), static_cast<socklen_t>(name_.length)));
        EXPECT_EQ(0, ::listen(fd_, 4));
        EXPECT_EQ(0, ::getsockname(fd_, name_.get(), &length));
    }
    kernel_listener(const kernel_listener&) = delete;
    kernel_listener& operator=(const kernel_listener&) = delete;
    ~kernel_listener() { ::close(fd_); }
    [[nodiscard]] const address& name() const { return name_; }

  private:
    int fd_;
    address name_;
};

} // namespace joinleaf::test
