// SPDX-License-Identifier: Apache-2.0
#include "publication.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace joinleaf::cli {
namespace {

constexpr std::string_view suffix = ".sock";

// A process that is stopped, or too busy to answer, does not hold up the rest for longer.
constexpr timeval patience{5, 0};

std::optional<int> process_of(std::string_view name) {
    if (!name.ends_with(suffix)) {
        return std::nullopt;
    }
    name.remove_suffix(suffix.size());
    int number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    return error == std::errc{} && end == name.data() + name.size() && number > 0 ? std::optional(number)
                                                                                  : std::nullopt;
}

class connection {
  public:
    connection() : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience); // of connect
    }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection() { ::close(fd_); }

    // 0 or an errno.
    int open(const std::string& path) const {
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        if (path.size() >= sizeof name.sun_path) {
            return ENAMETOOLONG;
        }
        path.copy(name.sun_path, path.size());
        return ::connect(fd_, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 ? 0 : errno;
    }

    // Everything up to the end; an errno where that does not come.
    int read(std::string& text) const {
        std::array<char, 65536> part{};
        for (;;) {
            const ssize_t n = ::recv(fd_, part.data(), part.size(), 0);
            if (n <= 0) {
                return n == 0 ? 0 : errno;
            }
            text.append(part.data(), static_cast<std::size_t>(n));
        }
    }

  private:
    int fd_;
};

tl::unexpected<failure> no_answer(int process, const std::string& path, int error) {
    if (error == ENOENT || error == ECONNREFUSED) {
        return fail(status::negative, fmt::format("process {} publishes nothing at {}", process, path));
    }
    return fail(status::session, fmt::format("process {} cannot be asked at {}: {}", process, path,
                                             error == EAGAIN ? "it does not answer" : std::strerror(error)));
}

} // namespace

result<std::vector<int>> publishing_processes(const std::string& folder) {
    std::vector<int> found;
    std::error_code error;
    for (auto each = std::filesystem::directory_iterator(folder, error);
         !error && each != std::filesystem::directory_iterator(); each.increment(error)) {
        if (const auto process = process_of(each->path().filename().string())) {
            found.push_back(*process);
        }
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        return fail(status::session, fmt::format("the folder {} cannot be read: {}", folder, error.message()));
    }
    std::ranges::sort(found);
    return found;
}

result<nlohmann::json> read_publication(const std::string& folder, int process) {
    const std::string path = fmt::format("{}/{}{}", folder, process, suffix);
    const connection to;
    if (const int error = to.open(path); error != 0) {
        return no_answer(process, path, error);
    }
    std::string text;
    if (const int error = to.read(text); error != 0) {
        return no_answer(process, path, error);
    }
    auto answer = nlohmann::json::parse(text, nullptr, false);
    if (!answer.is_object() || !answer.contains("sockets")) {
        return fail(status::session, fmt::format("what answers at {} is no joinleaf process", path));
    }
    return answer;
}

} // namespace joinleaf::cli
