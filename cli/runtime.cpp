// SPDX-License-Identifier: Apache-2.0
#include "runtime.hpp"

#include <joinleaf/ext.h>

#include <fmt/format.h>

#include <memory>
#include <string_view>
#include <utility>

namespace joinleaf::cli {

namespace {

std::string last_explanation() {
    std::string text(jl_last_explanation(nullptr, 0), '\0');
    if (!text.empty()) {
        jl_last_explanation(text.data(), text.size() + 1); // data() has room for the closing zero
    }
    return text;
}

failure refused(int code) {
    std::string sentence = last_explanation();
    return {status::configuration, sentence.empty() ? describe_error(code) : std::move(sentence)};
}

result<nlohmann::json> parsed(char* answer, const char* what) {
    const std::unique_ptr<char, decltype(&jl_free)> text(answer, &jl_free);
    if (!text) {
        return fail_with_last_error(status::configuration, what);
    }
    nlohmann::json value = nlohmann::json::parse(text.get(), nullptr, false);
    if (value.is_discarded()) {
        return fail(status::configuration, fmt::format("{}: the answer is not JSON", what));
    }
    return value;
}

} // namespace

result<runtime> runtime::start(const std::string& file) {
    if (const int code = jl_start(file.empty() ? nullptr : file.c_str()); code != 0) {
        return tl::unexpected(refused(code));
    }
    return runtime();
}

result<runtime> runtime::start_text(const std::string& text, const std::string& name) {
    if (const int code = jl_start_text(text.c_str(), name.c_str()); code != 0) {
        return tl::unexpected(refused(code));
    }
    return runtime();
}

runtime::runtime(runtime&& other) noexcept : held_(std::exchange(other.held_, false)) {}

runtime::~runtime() {
    if (held_) {
        WSACleanup();
    }
}

result<nlohmann::json> read_catalog() {
    return parsed(jl_catalog_json(), "cannot read the catalog");
}

result<nlohmann::json> read_decision(int family, int type, int protocol, unsigned flags) {
    return parsed(jl_explain_json(family, type, protocol, flags), "cannot ask the catalog");
}

result<nlohmann::json> read_check(const std::string& file) {
    return parsed(jl_check_json(file.empty() ? nullptr : file.c_str()), "cannot check the configuration");
}

std::string describe_error(int code) {
    return fmt::format("{}: {}", jl_error_name(code), jl_error_text(code));
}

tl::unexpected<failure> fail_with_last_error(status code, const std::string& attempt) {
    const int error = WSAGetLastError();
    const std::string sentence = last_explanation();
    if (sentence.empty()) {
        return fail(code, fmt::format("{}: {}", attempt, describe_error(error)));
    }
    return fail(code, fmt::format("{}: {} ({})", attempt, sentence, jl_error_name(error)));
}

std::string text_of(const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const nlohmann::json& list_of(const nlohmann::json& object, const char* key) {
    static const nlohmann::json empty = nlohmann::json::array();
    const auto found = object.find(key);
    return found != object.end() && found->is_array() ? *found : empty;
}

} // namespace joinleaf::cli
