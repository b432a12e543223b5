// SPDX-License-Identifier: Apache-2.0
// Where what was received goes: standard output, or a file that appears under its name only when it is whole.
#pragma once

#include "result.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace joinleaf::cli {

class sink {
  public:
    /// path empty or "-": standard output. Else bytes go to PATH.part. status::session where that cannot be written.
    static result<sink> open(const std::string& path);

    sink(sink&& other) noexcept;
    sink& operator=(sink&&) = delete;
    ~sink();

    /// Writes everything; a reader of a pipe that went away is a failure, not a signal.
    result<void> write(std::span<const std::byte> bytes);

    /// Gives the file its name. Without this call what was written stays in PATH.part; nothing
    /// written leaves nothing behind.
    result<void> keep();

    /// The name that what was written has until it is kept; empty for standard output.
    std::string partial_name() const;

    bool written() const { return written_; }

  private:
    sink(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}

    int descriptor_;
    std::string path_; // empty: standard output
    bool written_ = false;
};

} // namespace joinleaf::cli
