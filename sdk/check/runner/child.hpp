// SPDX-License-Identifier: Apache-2.0
//
// A child process of the runner, with everything it says and a deadline for it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace joinleaf::check {

// What to start: its variables are set beside those of this process.
struct command {
    std::vector<std::string> words; // the first is the program's path
    std::vector<std::pair<std::string, std::string>> variables{};
    std::size_t output_kept = 64U << 10; // bytes of what it says; the beginning of more is forgotten
};

class child {
  public:
    // Starts it in a process group of its own. Its report comes by the descriptor that JOINLEAF_CHECK_REPORT names. Throws
    // std::system_error.
    explicit child(command what);
    child(const child&) = delete;
    child& operator=(const child&) = delete;
    // Ends it and all it has started.
    ~child();

    // The next line of its report; nothing when it has closed the report, or when the time is over: is_over tells.
    std::optional<std::string> next_line(std::chrono::steady_clock::time_point deadline);
    [[nodiscard]] bool is_over() const noexcept { return over_; }

    // Waits until it has ended, or ends it at the deadline. The status of waitpid.
    int wait(std::chrono::steady_clock::time_point deadline);
    void kill() const noexcept;

    // The end of what it wrote to its standard output and error.
    [[nodiscard]] const std::string& output() const noexcept { return output_; }

  private:
    bool listen(std::chrono::steady_clock::time_point deadline);
    bool take(int& fd, std::string& into);

    pid_t pid_ = -1;
    int report_ = -1;
    int words_ = -1;
    bool over_ = false;
    std::string pending_;
    std::string output_;
    std::size_t output_kept_;
};

} // namespace joinleaf::check
