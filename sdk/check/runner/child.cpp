// SPDX-License-Identifier: Apache-2.0
#include "child.hpp"

#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

extern char** environ;

namespace joinleaf::check {
namespace {

using clock = std::chrono::steady_clock;

constexpr int report_in_child = 3;

[[noreturn]] void fail(int error, const char* what) {
    throw std::system_error(error, std::generic_category(), what);
}

struct pipe_ends {
    int read = -1;
    int write = -1;

    pipe_ends() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
            fail(errno, "cannot make a pipe");
        }
        read = ends[0];
        // Out of the way of the numbers that the child uses.
        write = ::fcntl(ends[1], F_DUPFD_CLOEXEC, report_in_child + 1);
        ::close(ends[1]);
    }
    pipe_ends(const pipe_ends&) = delete;
    pipe_ends& operator=(const pipe_ends&) = delete;
    ~pipe_ends() {
        ::close(read);
        ::close(write);
    }
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> made;
    made.reserve(texts.size() + 1);
    for (auto& text : texts) {
        made.push_back(text.data());
    }
    made.push_back(nullptr);
    return made;
}

std::vector<std::string> environment(const command& what) {
    std::vector<std::string> all;
    for (char** one = environ; *one != nullptr; ++one) {
        const std::string text = *one;
        const auto replaced = std::ranges::any_of(
            what.variables, [&](const auto& variable) { return text.starts_with(variable.first + '='); });
        if (!replaced) {
            all.push_back(text);
        }
    }
    for (const auto& [name, value] : what.variables) {
        all.push_back(name);
        all.back().append("=").append(value);
    }
    return all;
}

pid_t start(command& what, const pipe_ends& report, const pipe_ends& words) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, words.write, 1);
    ::posix_spawn_file_actions_adddup2(&actions, words.write, 2);
    ::posix_spawn_file_actions_adddup2(&actions, report.write, report_in_child);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    what.variables.emplace_back("JOINLEAF_CHECK_REPORT", std::to_string(report_in_child));
    auto variables = environment(what);
    pid_t pid = -1;
    const int error = ::posix_spawn(&pid, what.words.front().c_str(), &actions, &attributes,
                                    pointers(what.words).data(), pointers(variables).data());
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        fail(error, ("cannot start " + what.words.front()).c_str());
    }
    return pid;
}

int milliseconds_to(clock::time_point deadline) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - clock::now()).count();
    return static_cast<int>(std::clamp<decltype(left)>(left + 1, 0, 60'000));
}

} // namespace

child::child(command what) : output_kept_(what.output_kept) {
    pipe_ends report;
    pipe_ends words;
    pid_ = start(what, report, words);
    report_ = std::exchange(report.read, -1);
    words_ = std::exchange(words.read, -1);
}

child::~child() {
    if (pid_ > 0) {
        kill();
        ::waitpid(pid_, nullptr, 0);
    }
    ::close(report_);
    ::close(words_);
}

void child::kill() const noexcept {
    if (pid_ > 0) {
        ::kill(-pid_, SIGKILL);
    }
}

// Appends what is there; at the end of the pipe the descriptor is closed and becomes -1.
bool child::take(int& fd, std::string& into) {
    std::array<char, 4096> part{};
    const auto got = ::read(fd, part.data(), part.size());
    if (got <= 0) {
        ::close(std::exchange(fd, -1));
        return false;
    }
    into.append(part.data(), static_cast<std::size_t>(got));
    return true;
}

// Waits until one of its pipes has something; false: the time is over, or both have ended.
bool child::listen(clock::time_point deadline) {
    std::array<pollfd, 2> pipes{{{report_, POLLIN, 0}, {words_, POLLIN, 0}}};
    if (report_ < 0 && words_ < 0) {
        return false;
    }
    const int ready = ::poll(pipes.data(), pipes.size(), milliseconds_to(deadline));
    if (ready <= 0) {
        return clock::now() < deadline;
    }
    if (pipes[1].revents != 0 && take(words_, output_) && output_.size() > output_kept_) {
        output_.erase(0, output_.size() - output_kept_);
    }
    if (pipes[0].revents != 0) {
        take(report_, pending_);
    }
    return true;
}

std::optional<std::string> child::next_line(clock::time_point deadline) {
    for (;;) {
        if (const auto end = pending_.find('\n'); end != std::string::npos) {
            auto line = pending_.substr(0, end);
            pending_.erase(0, end + 1);
            return line;
        }
        if (report_ < 0) {
            over_ = true;
            return std::nullopt;
        }
        if (!listen(deadline)) {
            return std::nullopt;
        }
    }
}

int child::wait(clock::time_point deadline) {
    while (words_ >= 0 && listen(deadline)) {}
    if (words_ >= 0) {
        kill(); // something of it still holds the pipe, or it hangs
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    ::kill(-std::exchange(pid_, -1), SIGKILL); // what it has started and left behind
    return status;
}

} // namespace joinleaf::check
