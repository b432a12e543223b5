// SPDX-License-Identifier: Apache-2.0
#include "sink.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace joinleaf::cli {

namespace {

tl::unexpected<failure> cannot_write(const std::string& path) {
    const std::string name = path.empty() ? "standard output" : fmt::format("'{}'", path);
    return fail(status::session, fmt::format("cannot write {}: {}", name, std::strerror(errno)));
}

} // namespace

result<sink> sink::open(const std::string& path) {
    if (path.empty() || path == "-") {
        return sink(STDOUT_FILENO, "");
    }
    sink made(-1, path);
    made.descriptor_ = ::open(made.partial_name().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (made.descriptor_ < 0) {
        return cannot_write(made.partial_name());
    }
    return made;
}

sink::sink(sink&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      written_(other.written_) {}

sink::~sink() {
    if (descriptor_ >= 0 && !path_.empty()) {
        ::close(descriptor_);
        if (!written_) {
            std::remove(partial_name().c_str());
        }
    }
}

result<void> sink::write(std::span<const std::byte> bytes) {
    written_ = written_ || !bytes.empty();
    while (!bytes.empty()) {
        const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
        if (count < 0 && errno != EINTR) {
            return cannot_write(partial_name());
        }
        bytes = bytes.subspan(count < 0 ? 0 : static_cast<std::size_t>(count));
    }
    return {};
}

result<void> sink::keep() {
    if (path_.empty()) {
        return {};
    }
    const std::string partial = partial_name();
    if (::close(std::exchange(descriptor_, -1)) != 0 || std::rename(partial.c_str(), path_.c_str()) != 0) {
        return cannot_write(path_);
    }
    path_.clear();
    return {};
}

std::string sink::partial_name() const {
    return path_.empty() ? std::string() : path_ + ".part";
}

} // namespace joinleaf::cli
