// SPDX-License-Identifier: Apache-2.0
//
// What a call came to: a value, or an error with its Winsock code, name, sentence and explanation.
#pragma once

#include "winsock.hpp"

#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

namespace joinleaf {

// The sentence behind the last failure on this thread (jl_last_explanation); empty: nothing more to say. [any]
[[nodiscard]] inline std::string last_explanation() {
    std::string sentence(jl_last_explanation(nullptr, 0), '\0');
    if (!sentence.empty()) {
        jl_last_explanation(sentence.data(), sentence.size() + 1);
    }
    return sentence;
}

// Winsock's codes for std::error_code. A code equals the std::errc of the same meaning:
// code == std::errc::connection_refused. [any]
[[nodiscard]] inline const std::error_category& winsock_category() noexcept;

// Why a call failed. A value like others; threads share one as they share an int.
class error {
  public:
    // code: a WSA* number. explanation: which setting, file or device it was, or nothing.
    explicit error(int code, std::string explanation = {}) noexcept
        : code_(code), explanation_(std::move(explanation)) {}

    // What the calling thread's last call failed with. [any]
    [[nodiscard]] static error last() { return error(WSAGetLastError(), last_explanation()); }

    [[nodiscard]] int code() const noexcept { return code_; }
    // "WSAECONNREFUSED"
    [[nodiscard]] const char* name() const noexcept { return jl_error_name(code_); }
    // One sentence for the code.
    [[nodiscard]] const char* text() const noexcept { return jl_error_text(code_); }
    // What is known beyond the code; often empty.
    [[nodiscard]] const std::string& explanation() const noexcept { return explanation_; }
    // All of it, for people.
    [[nodiscard]] std::string message() const {
        auto whole = std::string(name()) + ": " + text();
        return explanation_.empty() ? whole : whole + " (" + explanation_ + ")";
    }
    // A nonblocking call found nothing to do now.
    [[nodiscard]] bool would_block() const noexcept { return code_ == WSAEWOULDBLOCK; }
    // The other end has said all it had to say (IO-12).
    [[nodiscard]] bool is_end() const noexcept { return code_ == WSAEDISCON; }
    // An asynchronous operation that was cancelled, or whose socket was closed.
    [[nodiscard]] bool is_cancelled() const noexcept { return code_ == WSA_OPERATION_ABORTED; }

    [[nodiscard]] std::error_code as_error_code() const noexcept { return {code_, winsock_category()}; }

    friend bool operator==(const error& one, int code) noexcept { return one.code_ == code; }

  private:
    int code_;
    std::string explanation_;
};

// What result::value throws: an error as an exception. what() has its whole message.
class failure : public std::system_error {
  public:
    explicit failure(error reason) : std::system_error(base(reason)), reason_(std::move(reason)) {}
    [[nodiscard]] const error& reason() const noexcept { return reason_; }

  private:
    [[nodiscard]] static std::system_error base(const error& reason) {
        return reason.explanation().empty() ? std::system_error(reason.as_error_code())
                                            : std::system_error(reason.as_error_code(), reason.explanation());
    }

    error reason_;
};

// A value or an error. Looking at the one that is not there is a fault of the program, except by value(), which
// throws failure.
template <class T> class [[nodiscard]] result {
  public:
    using value_type = T;

    result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
    result(joinleaf::error reason) : content_(std::in_place_index<1>, std::move(reason)) {}

    [[nodiscard]] bool has_value() const noexcept { return content_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    [[nodiscard]] T& operator*() & noexcept { return *std::get_if<0>(&content_); }
    [[nodiscard]] const T& operator*() const& noexcept { return *std::get_if<0>(&content_); }
    [[nodiscard]] T&& operator*() && noexcept { return std::move(*std::get_if<0>(&content_)); }
    [[nodiscard]] T* operator->() noexcept { return std::get_if<0>(&content_); }
    [[nodiscard]] const T* operator->() const noexcept { return std::get_if<0>(&content_); }

    [[nodiscard]] const joinleaf::error& error() const& noexcept { return *std::get_if<1>(&content_); }
    [[nodiscard]] joinleaf::error&& error() && noexcept { return std::move(*std::get_if<1>(&content_)); }
    // 0, or the code of the error.
    [[nodiscard]] int code() const noexcept { return has_value() ? 0 : error().code(); }

    // The value may be left where it is: it was a call whose outcome alone counts.
    T& value() & {
        check();
        return **this;
    }
    const T& value() const& {
        check();
        return **this;
    }
    T value() && {
        check();
        return std::move(*std::get_if<0>(&content_));
    }
    [[nodiscard]] T value_or(T otherwise) && {
        return has_value() ? std::move(*std::get_if<0>(&content_)) : std::move(otherwise);
    }

  private:
    void check() const {
        if (!has_value()) {
            throw failure(error());
        }
    }

    std::variant<T, joinleaf::error> content_;
};

// Success without a value, or an error.
template <> class [[nodiscard]] result<void> {
  public:
    using value_type = void;

    result() noexcept = default;
    result(joinleaf::error reason) : reason_(std::move(reason)) {}

    [[nodiscard]] bool has_value() const noexcept { return !reason_.has_value(); }
    explicit operator bool() const noexcept { return has_value(); }
    [[nodiscard]] const joinleaf::error& error() const noexcept { return *reason_; }
    [[nodiscard]] int code() const noexcept { return has_value() ? 0 : reason_->code(); }
    void value() const {
        if (reason_) {
            throw failure(*reason_);
        }
    }

  private:
    std::optional<joinleaf::error> reason_;
};

namespace detail {

// The condition of <system_error> that says the same as a Winsock code.
[[nodiscard]] inline std::optional<std::errc> portable_condition(int code) noexcept {
    switch (code) {
    case WSA_OPERATION_ABORTED: return std::errc::operation_canceled;
    case WSA_NOT_ENOUGH_MEMORY: return std::errc::not_enough_memory;
    case WSAEINTR: return std::errc::interrupted;
    case WSAEACCES: return std::errc::permission_denied;
    case WSAEFAULT: return std::errc::bad_address;
    case WSAEINVAL: return std::errc::invalid_argument;
    case WSAEMFILE: return std::errc::too_many_files_open;
    case WSAEWOULDBLOCK: return std::errc::operation_would_block;
    case WSAEINPROGRESS: return std::errc::operation_in_progress;
    case WSAEALREADY: return std::errc::connection_already_in_progress;
    case WSAENOTSOCK: return std::errc::not_a_socket;
    case WSAEDESTADDRREQ: return std::errc::destination_address_required;
    case WSAEMSGSIZE: return std::errc::message_size;
    case WSAEPROTOTYPE: return std::errc::wrong_protocol_type;
    case WSAENOPROTOOPT: return std::errc::no_protocol_option;
    case WSAEPROTONOSUPPORT: return std::errc::protocol_not_supported;
    case WSAEOPNOTSUPP: return std::errc::operation_not_supported;
    case WSAEAFNOSUPPORT: return std::errc::address_family_not_supported;
    case WSAEADDRINUSE: return std::errc::address_in_use;
    case WSAEADDRNOTAVAIL: return std::errc::address_not_available;
    case WSAENETDOWN: return std::errc::network_down;
    case WSAENETUNREACH: return std::errc::network_unreachable;
    case WSAENETRESET: return std::errc::network_reset;
    case WSAECONNABORTED: return std::errc::connection_aborted;
    case WSAECONNRESET: return std::errc::connection_reset;
    case WSAENOBUFS: return std::errc::no_buffer_space;
    case WSAEISCONN: return std::errc::already_connected;
    case WSAENOTCONN: return std::errc::not_connected;
    case WSAETIMEDOUT: return std::errc::timed_out;
    case WSAECONNREFUSED: return std::errc::connection_refused;
    case WSAEHOSTUNREACH: return std::errc::host_unreachable;
    default: return std::nullopt;
    }
}

class winsock_codes : public std::error_category {
  public:
    [[nodiscard]] const char* name() const noexcept override { return "winsock"; }
    [[nodiscard]] std::string message(int code) const override {
        return std::string(jl_error_name(code)) + ": " + jl_error_text(code);
    }
    [[nodiscard]] std::error_condition default_error_condition(int code) const noexcept override {
        const auto same = portable_condition(code);
        return same ? std::make_error_condition(*same) : std::error_condition(code, *this);
    }
};

// 0 and SOCKET_ERROR as a result.
[[nodiscard]] inline result<void> outcome(int returned) {
    return returned == SOCKET_ERROR ? result<void>(error::last()) : result<void>();
}

} // namespace detail

inline const std::error_category& winsock_category() noexcept {
    static const detail::winsock_codes codes;
    return codes;
}

} // namespace joinleaf
