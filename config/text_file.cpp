// SPDX-License-Identifier: Apache-2.0
#include "config/text_file.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace joinleaf::config {
namespace {

class descriptor {
  public:
    explicit descriptor(int fd) : fd_(fd) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    int get() const { return fd_; }

  private:
    int fd_;
};

std::string reason(std::string_view verb, int error) {
    if (error == ENOENT)
        return "does not exist";
    return fmt::format("cannot be {}: {}", verb, std::generic_category().message(error));
}

std::string_view kind_of_file(mode_t mode) {
    switch (mode & static_cast<mode_t>(S_IFMT)) {
    case S_IFDIR: return "a folder";
    case S_IFIFO: return "a FIFO";
    case S_IFSOCK: return "a socket";
    case S_IFCHR: return "a character device";
    case S_IFBLK: return "a block device";
    default: return "something else";
    }
}

std::string not_regular(mode_t mode) {
    return fmt::format("is {}, not a regular file", kind_of_file(mode));
}

tl::expected<std::string, std::string> read_all(int fd, std::size_t most) {
    std::string text;
    std::array<char, 65536> buffer{};
    for (;;) {
        const auto got = ::read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return tl::unexpected(reason("read", errno));
        if (got == 0)
            return text;
        text.append(buffer.data(), static_cast<std::size_t>(got));
        if (text.size() > most)
            return tl::unexpected(
                fmt::format("is larger than {} bytes, the limit for a configuration file", most));
    }
}

} // namespace

tl::expected<text_file, std::string> read_text_file(const std::string& path, std::size_t most) {
    struct stat status {};
    // Looked at before it is opened, because opening a device may already do something.
    if (::stat(path.c_str(), &status) != 0)
        return tl::unexpected(reason("opened", errno));
    if (!S_ISREG(status.st_mode))
        return tl::unexpected(not_regular(status.st_mode));
    // O_NONBLOCK: should a FIFO have taken its place, opening it would wait for a writer.
    const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (file.get() < 0)
        return tl::unexpected(reason("opened", errno));
    if (::fstat(file.get(), &status) != 0)
        return tl::unexpected(reason("examined", errno));
    if (!S_ISREG(status.st_mode))
        return tl::unexpected(not_regular(status.st_mode));
    auto text = read_all(file.get(), most);
    if (!text)
        return tl::unexpected(std::move(text).error());
    return text_file{*std::move(text), {status.st_dev, status.st_ino}};
}

tl::expected<file_identity, std::string> identify(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        return tl::unexpected(reason("examined", errno));
    return file_identity{status.st_dev, status.st_ino};
}

} // namespace joinleaf::config
