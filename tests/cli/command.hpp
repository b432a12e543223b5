// SPDX-License-Identifier: Apache-2.0
//
// Programs that a test runs: with their own files for input, output and messages, with a deadline, ended with the test.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

namespace joinleaf::test {

// A folder that goes with the test.
class scratch {
  public:
    scratch();
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    ~scratch();

    [[nodiscard]] std::string path(const std::string& file) const { return (folder_ / file).string(); }
    // Writes a file and answers its path.
    std::string write(const std::string& file, const std::string& text) const;

  private:
    std::filesystem::path folder_;
};

[[nodiscard]] std::string read_file(const std::string& path);

// A running or finished program.
class command {
  public:
    using environment = std::map<std::string, std::string>;

    // Starts a program. Of this process's environment only PATH and the sanitizers' options go along, and the folder of the built
    // providers; `more` comes on top.
    command(const scratch& in, std::vector<std::string> words, const std::string& input = "",
            const environment& more = {});
    command(const command&) = delete;
    command& operator=(const command&) = delete;
    ~command(); // kills what still runs

    // Waits for the end. The exit status; -1 when the time is over, 128 + n when signal n ended it.
    int wait(std::chrono::seconds time = std::chrono::seconds(30));

    // Waits until the messages hold the text. False when the program ended or the time is over without it.
    bool wait_for_message(const std::string& text, std::chrono::seconds time = std::chrono::seconds(20));

    void kill(int signal);

    [[nodiscard]] std::string output() const { return read_file(output_); }
    [[nodiscard]] std::string messages() const { return read_file(messages_); }

  private:
    bool reap();

    std::string output_;
    std::string messages_;
    pid_t pid_ = -1;
    int status_ = -1;
};

// The command `joinleaf` with these arguments.
std::vector<std::string> joinleaf(std::vector<std::string> arguments);

// The example program `distribute` with these arguments.
std::vector<std::string> distribute(std::vector<std::string> arguments);

// What stands between `before` and the next `after` in the text; empty when there is no such place.
[[nodiscard]] std::string between(const std::string& text, const std::string& before,
                                  const std::string& after);

} // namespace joinleaf::test
