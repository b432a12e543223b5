// SPDX-License-Identifier: Apache-2.0
// Where a leaf puts what comes.
#pragma once

#include "sha256.hpp"

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <span>
#include <string>

namespace distribute {

class output {
  public:
    virtual ~output() = default;
    virtual void put(std::uint64_t position, std::span<const std::byte> bytes) = 0;
    /// SHA-256 of what is there now; the last call.
    virtual std::string sha256() = 0;
};

/// A file: each piece goes where it belongs, a lost one leaves a hole. The SHA-256 is that of the file as written.
std::unique_ptr<output> file_output(const std::string& path);

/// Lines in the order in which they come; path empty: only counted. The SHA-256 is that of what came.
std::unique_ptr<output> feed_output(const std::string& path);

} // namespace distribute
