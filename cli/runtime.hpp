// SPDX-License-Identifier: Apache-2.0
// The runtime as the command sees it: started once, asked by JSON.
#pragma once

#include "result.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace joinleaf::cli {

/// Holds one start of the runtime; the last one to go closes every socket.
class runtime {
  public:
    /// file empty: the search order of the configuration. status::configuration with the sentence of the reader.
    static result<runtime> start(const std::string& file);

    /// The same with the YAML text itself; name stands for the file in messages.
    static result<runtime> start_text(const std::string& text, const std::string& name);

    runtime(runtime&& other) noexcept;
    runtime& operator=(runtime&&) = delete;
    runtime(const runtime&) = delete;
    runtime& operator=(const runtime&) = delete;
    ~runtime();

  private:
    runtime() = default;
    bool held_ = true;
};

/// What jl_catalog_json answers. Needs a started runtime.
result<nlohmann::json> read_catalog();

/// What jl_explain_json answers. Needs a started runtime.
result<nlohmann::json> read_decision(int family, int type, int protocol, unsigned flags);

/// What jl_check_json answers; file empty: the search order. Needs no runtime.
result<nlohmann::json> read_check(const std::string& file);

/// "WSAECONNREFUSED: ..." with the sentence behind it where there is one.
std::string describe_error(int code);

/// A failure that says what was attempted and why the last call on this thread failed.
tl::unexpected<failure> fail_with_last_error(status code, const std::string& attempt);

/// A text member of a JSON object; empty where it is absent, null or no text.
std::string text_of(const nlohmann::json& object, const char* key);

/// An array member of a JSON object; an empty array where it is absent or something else.
const nlohmann::json& list_of(const nlohmann::json& object, const char* key);

} // namespace joinleaf::cli
