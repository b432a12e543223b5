// SPDX-License-Identifier: Apache-2.0
//
// The started library, for as long as an object lives.
#pragma once

#include "result.hpp"

#include <string>
#include <utility>

namespace joinleaf {

// One counted start-up (WSAStartup), ended by its destructor; the last one that ends closes every socket
// (ST-09 ... ST-11), so it has to outlive them. Move-only.
class runtime {
  public:
    // With the configuration of the search order, JOINLEAF_CONFIG first. Throws failure: WSAEINVAL (the file is
    // refused; the explanation has FILE:LINE:COL). [any]
    runtime() : runtime(start().value()) {}

    // The same without an exception. [any]
    [[nodiscard]] static result<runtime> start() { return counted(jl_start(nullptr)); }
    // With one file as configuration. WSAEINVAL also where another one is in force. [any]
    [[nodiscard]] static result<runtime> start(const std::string& file) {
        return counted(jl_start(file.c_str()));
    }
    // With the YAML text itself; name stands for the file in messages. [any]
    [[nodiscard]] static result<runtime> start_text(const std::string& yaml,
                                                    const std::string& name = "text") {
        return counted(jl_start_text(yaml.c_str(), name.c_str()));
    }

    runtime(runtime&& other) noexcept : counted_(std::exchange(other.counted_, false)) {}
    runtime& operator=(runtime&& other) noexcept {
        std::swap(counted_, other.counted_);
        return *this;
    }
    ~runtime() {
        if (counted_) {
            WSACleanup();
        }
    }

  private:
    explicit runtime(bool counted) noexcept : counted_(counted) {}
    [[nodiscard]] static result<runtime> counted(int code) {
        if (code != 0) {
            return error(code, last_explanation());
        }
        return runtime(true);
    }

    bool counted_;
};

} // namespace joinleaf
