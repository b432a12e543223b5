// SPDX-License-Identifier: Apache-2.0
//
// Folders, files, environment variables that last for one test, and matchers for problems.
#pragma once

#include "config/config.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace joinleaf::config::test {

/// The path of a file of fixtures/.
inline std::string fixture(const std::string& name) {
    return std::string(JOINLEAF_CONFIG_FIXTURES) + "/" + name;
}

/// A folder of its own for each test, removed at the end.
class folder {
  public:
    folder() {
        std::string name = (std::filesystem::temp_directory_path() / "joinleaf-config-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr)
            throw std::runtime_error("mkdtemp " + name);
        path_ = name;
    }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;
    ~folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    std::string path(std::string_view name) const { return (path_ / name).string(); }

    /// Writes a file, and the folders above it; answers its path.
    std::string write(std::string_view name, std::string_view text) const {
        const auto file = path_ / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream out(file, std::ios::binary);
        out << text;
        out.close();
        if (!out)
            throw std::runtime_error("cannot write " + file.string());
        return file.string();
    }

  private:
    std::filesystem::path path_;
};

/// Sets or unsets an environment variable until the end of the test.
class environment_variable {
  public:
    environment_variable(const char* name, const std::optional<std::string>& value) : name_(name) {
        if (const char* const before = std::getenv(name))
            before_ = before;
        set(value);
    }
    environment_variable(const environment_variable&) = delete;
    environment_variable& operator=(const environment_variable&) = delete;
    ~environment_variable() { set(before_); }

  private:
    void set(const std::optional<std::string>& value) {
        if (value)
            ::setenv(name_, value->c_str(), 1);
        else
            ::unsetenv(name_);
    }

    const char* name_;
    std::optional<std::string> before_;
};

/// The problems of a configuration as text, one each; empty when there are none.
inline std::vector<std::string> texts(const result<configuration>& loaded) {
    std::vector<std::string> out;
    if (!loaded) {
        for (const auto& each : loaded.error())
            out.push_back(each.text());
    }
    return out;
}

/// Whether a problem's text is at `where`, and its message holds all of `parts`.
inline testing::Matcher<std::string> says(const std::string& where, const std::vector<std::string>& parts) {
    std::vector<testing::Matcher<std::string>> all{testing::StartsWith(where + ": ")};
    for (const auto& part : parts)
        all.push_back(testing::HasSubstr(part));
    return testing::AllOfArray(all);
}

inline std::string read_whole(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in)
        throw std::runtime_error("cannot read " + path);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline std::string repeat(std::string_view part, std::size_t times) {
    std::string out;
    out.reserve(part.size() * times);
    for (std::size_t i = 0; i < times; ++i)
        out += part;
    return out;
}

} // namespace joinleaf::config::test
