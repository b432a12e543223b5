// SPDX-License-Identifier: Apache-2.0
//
// A started runtime for each test: the configuration as text, the providers of this build, nothing from the
// machine.
#pragma once

#include "tests/support/call_result.hpp"

#include <joinleaf/ext.h>

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace joinleaf::test {

// Options of the two transports as YAML flow mappings' contents, for tests that need others than the usual
// ones.
struct transport_options {
    std::string udp = "interface: lo";
    std::string tcp = "join_timeout: 30s";
};

// udp-mcast first, so that ordinary datagram sockets are its own; both providers by their names on the
// provider path.
inline std::string configuration(const transport_options& options = {}) {
    return "version: 1\n"
           "providers:\n"
           "  - name: lan\n"
           "    library: udp-mcast\n"
           "    options: {" +
           options.udp +
           "}\n"
           "  - name: tree\n"
           "    library: tcp-root\n"
           "    options: {" +
           options.tcp + "}\n";
}

// Providers come from this build and from nowhere else; no variable of the developer's shell has a say.
inline void use_providers_of_this_build() {
    ::setenv("JOINLEAF_PROVIDER_PATH", JOINLEAF_TEST_PROVIDERS, 1);
    ::unsetenv("JOINLEAF_CONFIG");
    ::unsetenv("JOINLEAF_PROVIDERS");
}

inline ::testing::AssertionResult start_runtime(const std::string& yaml) {
    use_providers_of_this_build();
    if (const int code = jl_start_text(yaml.c_str(), "test.yaml"); code != 0) {
        char sentence[512] = "";
        jl_last_explanation(sentence, sizeof sentence);
        return ::testing::AssertionFailure()
               << "the runtime does not start: " << code_name(code) << ": " << sentence;
    }
    return ::testing::AssertionSuccess();
}

// Ends every start-up that is still counted; how many there were.
inline int end_runtime() {
    int ended = 0;
    while (WSACleanup() == 0) {
        ++ended;
    }
    return ended;
}

// What a fixture of any kind derives from: a test that leaves the runtime counted wrongly fails.
class runtime_guard {
  protected:
    void start(const transport_options& options = {}) { ASSERT_TRUE(start_runtime(configuration(options))); }
    void restart(const transport_options& options) {
        end_runtime();
        start(options);
    }
    static void end() { EXPECT_LE(end_runtime(), 1) << "the test started the runtime and did not end it"; }
};

class runtime_test : public ::testing::Test, protected runtime_guard {
  protected:
    void SetUp() override { start(); }
    void TearDown() override { end(); }
};

} // namespace joinleaf::test
