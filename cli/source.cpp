// SPDX-License-Identifier: Apache-2.0
#include "source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace joinleaf::cli {

namespace {

constexpr std::size_t buffer_size = 256 * 1024;

} // namespace

source::source(int descriptor, bool owned, std::string name, std::optional<std::uint64_t> size)
    : descriptor_(descriptor), owned_(owned), name_(std::move(name)), size_(size), buffer_(buffer_size) {}

source::source(source&& other) noexcept
    : descriptor_(other.descriptor_),
      owned_(std::exchange(other.owned_, false)),
      name_(std::move(other.name_)),
      size_(other.size_),
      buffer_(std::move(other.buffer_)),
      begin_(other.begin_),
      end_(other.end_),
      at_end_(other.at_end_) {}

source::~source() {
    if (owned_) {
        ::close(descriptor_);
    }
}

result<source> source::open(const std::string& path) {
    const bool standard = path.empty() || path == "-";
    const int descriptor = standard ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return fail(status::session, fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
    }
    source made(descriptor, !standard, standard ? "" : std::filesystem::path(path).filename().string(),
                std::nullopt);
    struct stat facts {};
    if (fstat(descriptor, &facts) != 0 || S_ISDIR(facts.st_mode)) {
        return fail(status::session, fmt::format("cannot read '{}': it is a folder", path));
    }
    if (S_ISREG(facts.st_mode)) {
        const off_t offset = lseek(descriptor, 0, SEEK_CUR); // standard input may have been read from before
        made.size_ =
            static_cast<std::uint64_t>(std::max<off_t>(0, facts.st_size - std::max<off_t>(0, offset)));
    }
    return made;
}

result<source::piece> source::next(std::size_t most, std::chrono::milliseconds time) {
    if (begin_ == end_) {
        const result<state> filled = fill(time);
        if (!filled || *filled != state::data) {
            return filled.map([](state found) { return piece{found, {}, false}; });
        }
    }
    return piece{state::data, take(std::min(most, end_ - begin_), 0), false};
}

result<source::piece> source::next_line(std::size_t most, std::chrono::milliseconds time) {
    while (true) {
        const auto first = buffer_.begin() + static_cast<std::ptrdiff_t>(begin_);
        const auto last = buffer_.begin() + static_cast<std::ptrdiff_t>(end_);
        const auto found = std::find(first, last, std::byte{'\n'});
        const auto length = static_cast<std::size_t>(found - first);
        if (length > most) {
            return piece{state::data, take(most, 0), false};
        }
        if (found != last) {
            return piece{state::data, take(length, 1), true};
        }
        const result<state> filled = fill(time);
        if (!filled) {
            return tl::unexpected(filled.error());
        }
        if (*filled == state::end && begin_ != end_) {
            return piece{state::data, take(end_ - begin_, 0), true};
        }
        if (*filled != state::data) {
            return piece{*filled, {}, false};
        }
    }
}

result<source::state> source::fill(std::chrono::milliseconds time) {
    if (at_end_) {
        return state::end;
    }
    pollfd entry{descriptor_, POLLIN, 0};
    if (poll(&entry, 1, static_cast<int>(time.count())) == 0) {
        return state::idle;
    }
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
    const ssize_t count = read(descriptor_, buffer_.data() + end_, buffer_.size() - end_);
    if (count < 0) {
        if (errno == EINTR || errno == EAGAIN) {
            return state::idle;
        }
        return fail(status::session,
                    fmt::format("cannot read {}: {}", name_.empty() ? "standard input" : name_,
                                std::strerror(errno)));
    }
    end_ += static_cast<std::size_t>(count);
    at_end_ = count == 0;
    return at_end_ ? state::end : state::data;
}

std::span<const std::byte> source::take(std::size_t count, std::size_t skip) {
    const auto bytes = std::span<const std::byte>(buffer_).subspan(begin_, count);
    begin_ += count + skip;
    return bytes;
}

} // namespace joinleaf::cli
