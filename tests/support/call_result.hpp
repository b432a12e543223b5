// SPDX-License-Identifier: Apache-2.0
//
// What a call answered, as an assertion that reads the last error on the spot.
#pragma once

#include <joinleaf/ext.h>

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace joinleaf::test {

// "WSAEINVAL (10022)" and, after a colon, the sentence behind the last failure of this thread if there is
// one.
inline std::string code_name(int code) {
    return std::string(jl_error_name(code)) + " (" + std::to_string(code) + ")";
}

inline std::string last_failure() {
    char sentence[512] = "";
    const auto length = jl_last_explanation(sentence, sizeof sentence);
    return code_name(WSAGetLastError()) + (length == 0 ? "" : std::string(": ") + sentence);
}

inline bool failed(int returned) {
    return returned == SOCKET_ERROR;
}
inline bool failed(SOCKET returned) {
    return returned == INVALID_SOCKET;
}

// The call succeeded: EXPECT_TRUE(worked(jl_bind(...))).
template <class Returned>::testing::AssertionResult worked(Returned returned) {
    if (failed(returned)) {
        return ::testing::AssertionFailure() << "the call failed with " << last_failure();
    }
    return ::testing::AssertionSuccess();
}

// The call failed, and with one of these codes. A function is not called before its arguments are: the last
// error is the call's own.
template <class Returned>
::testing::AssertionResult refused(Returned returned, std::initializer_list<int> allowed) {
    if (!failed(returned)) {
        return ::testing::AssertionFailure() << "the call succeeded with " << returned;
    }
    for (const int code : allowed) {
        if (WSAGetLastError() == code) {
            return ::testing::AssertionSuccess();
        }
    }
    auto failure = ::testing::AssertionFailure() << "the call failed with " << last_failure() << ", expected";
    for (const int code : allowed) {
        failure << " " << code_name(code);
    }
    return failure;
}

template <class Returned>::testing::AssertionResult refused(Returned returned, int code) {
    return refused(returned, {code});
}

} // namespace joinleaf::test
