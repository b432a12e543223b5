// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace joinleaf::test {

namespace {

using clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds glance{5}; // between two looks at a condition that has no descriptor

std::string next_name() {
    static std::atomic<int> count{0};
    return "run" + std::to_string(count.fetch_add(1));
}

std::vector<std::string> environment_of(const command::environment& more) {
    command::environment all{{"JOINLEAF_PROVIDER_PATH", JOINLEAF_TEST_PROVIDERS},
                             {"XDG_CONFIG_HOME", "/nonexistent"}};
    for (const char* kept : {"PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"}) {
        if (const char* value = std::getenv(kept)) {
            all[kept] = value;
        }
    }
    for (const auto& [name, value] : more) {
        all[name] = value;
    }
    std::vector<std::string> lines;
    for (const auto& [name, value] : all) {
        lines.push_back(name);
        lines.back().append("=").append(value);
    }
    return lines;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> all;
    all.reserve(texts.size() + 1);
    for (auto& text : texts) {
        all.push_back(text.data());
    }
    all.push_back(nullptr);
    return all;
}

} // namespace

scratch::scratch() {
    auto pattern = (std::filesystem::temp_directory_path() / "joinleaf-cli-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        throw std::runtime_error("no folder for the test");
    }
    folder_ = pattern;
}

scratch::~scratch() {
    std::filesystem::remove_all(folder_);
}

std::string scratch::write(const std::string& file, const std::string& text) const {
    std::ofstream(path(file), std::ios::binary) << text;
    return path(file);
}

std::string read_file(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

command::command(const scratch& in, std::vector<std::string> words, const std::string& input,
                 const environment& more) {
    const auto name = next_name();
    const auto given = in.write(name + ".in", input);
    output_ = in.path(name + ".out");
    messages_ = in.path(name + ".err");
    auto lines = environment_of(more);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, given.c_str(), O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, output_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, messages_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int error = posix_spawnp(&pid_, words.front().c_str(), &actions, nullptr, pointers(words).data(),
                                   pointers(lines).data());
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        throw std::runtime_error("cannot start " + words.front());
    }
}

command::~command() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
}

bool command::reap() {
    int status = 0;
    if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) {
        return pid_ <= 0;
    }
    pid_ = -1;
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
}

int command::wait(std::chrono::seconds time) {
    const auto end = clock::now() + time;
    while (!reap() && clock::now() < end) {
        std::this_thread::sleep_for(glance);
    }
    return status_;
}

bool command::wait_for_message(const std::string& text, std::chrono::seconds time) {
    const auto end = clock::now() + time;
    while (clock::now() < end) {
        const bool over = reap(); // before the look: what it wrote last counts
        if (messages().find(text) != std::string::npos) {
            return true;
        }
        if (over) {
            return false;
        }
        std::this_thread::sleep_for(glance);
    }
    return false;
}

void command::kill(int signal) {
    if (pid_ > 0) {
        ::kill(pid_, signal);
    }
}

std::vector<std::string> joinleaf(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), JOINLEAF_TEST_COMMAND);
    return arguments;
}

std::vector<std::string> distribute(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), JOINLEAF_TEST_DISTRIBUTE);
    return arguments;
}

std::string between(const std::string& text, const std::string& before, const std::string& after) {
    const auto start = text.find(before);
    if (start == std::string::npos) {
        return {};
    }
    const auto from = start + before.size();
    const auto end = text.find(after, from);
    return end == std::string::npos ? std::string() : text.substr(from, end - from);
}

} // namespace joinleaf::test
