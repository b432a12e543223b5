// SPDX-License-Identifier: Apache-2.0
//
// A child process with its standard input and output, read line by line with a deadline.
#pragma once

#include "tests/support/waiting.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <utility>
#include <vector>

extern char** environ;

namespace joinleaf::test {

class child_process {
  public:
    explicit child_process(std::vector<std::string> command) {
        int to_child[2] = {-1, -1};
        int from_child[2] = {-1, -1};
        if (::pipe2(to_child, O_CLOEXEC) != 0 || ::pipe2(from_child, O_CLOEXEC) != 0) {
            return;
        }
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, to_child[0], 0);
        ::posix_spawn_file_actions_adddup2(&actions, from_child[1], 1);
        std::vector<char*> arguments;
        arguments.reserve(command.size() + 1);
        for (auto& word : command) {
            arguments.push_back(word.data());
        }
        arguments.push_back(nullptr);
        if (::posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ) != 0) {
            pid_ = -1;
        }
        ::posix_spawn_file_actions_destroy(&actions);
        ::close(to_child[0]);
        ::close(from_child[1]);
        in_ = to_child[1];
        out_ = from_child[0];
    }
    child_process(child_process&& other) noexcept
        : pid_(std::exchange(other.pid_, -1)),
          in_(std::exchange(other.in_, -1)),
          out_(std::exchange(other.out_, -1)),
          pending_(std::move(other.pending_)) {}
    child_process& operator=(child_process&& other) noexcept {
        std::swap(pid_, other.pid_);
        std::swap(in_, other.in_);
        std::swap(out_, other.out_);
        std::swap(pending_, other.pending_);
        return *this;
    }
    // Ends the child if it is still there; nothing of it stays behind.
    ~child_process() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            wait();
        }
        ::close(in_);
        ::close(out_);
    }

    void say(const std::string& line) const {
        const auto whole = line + "\n";
        [[maybe_unused]] const auto written = ::write(in_, whole.data(), whole.size());
    }
    // The next line; "(nothing)" when the time is over or the output has ended.
    std::string line(std::chrono::milliseconds limit = patience) {
        const auto end = clock::now() + limit;
        for (;;) {
            if (const auto at = pending_.find('\n'); at != std::string::npos) {
                auto found = pending_.substr(0, at);
                pending_.erase(0, at + 1);
                return found;
            }
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - clock::now());
            char part[4096];
            if (left.count() < 0 || poll_for(out_, POLLIN, left) == 0) {
                return "(nothing)";
            }
            const auto got = ::read(out_, part, sizeof part);
            if (got <= 0) {
                return "(nothing)";
            }
            pending_.append(part, static_cast<std::size_t>(got));
        }
    }
    void kill() const { ::kill(pid_, SIGKILL); }
    // The status with which the child ended, or minus the signal.
    int wait() {
        int status = 0;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

  private:
    pid_t pid_ = -1;
    int in_ = -1;
    int out_ = -1;
    std::string pending_;
};

} // namespace joinleaf::test
