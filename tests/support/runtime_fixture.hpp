// SPDX-License-Identifier: Apache-2.0
//
// A started runtime for each test: the configuration as text, the providers of this build, nothing from the
// machine.
#pragma once

#include "tests/support/subject.hpp"

#include <joinleaf/ext.h>

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <utility>

namespace joinleaf::test {

// Options of the two transports as YAML flow mappings' contents, for tests that need others than the usual
// ones.
struct transport_options {
    std::string udp = "interface: lo";
    std::string tcp = "join_timeout: 30s";
};

inline std::string configuration_item(const std::string& name, const std::string& library,
                                      const std::string& options) {
    return "  - name: " + name + "\n    library: \"" + library + "\"\n    options: {" + options + "}\n";
}

// The options of the subject: those that it was given, but for those that the case gives itself.
inline std::string subject_options(const std::string& of_the_case) {
    std::string all = of_the_case;
    for (const auto& [key, value] : the_subject().options) {
        if (of_the_case.find(key + ":") == std::string::npos) {
            all += (all.empty() ? "" : ", ") + key + ": " + value;
        }
    }
    return all;
}

// What the subject has in place of options of our own providers. A case that cannot have them does not apply.
inline std::string tuned_options(const transport_options& asked) {
    const transport_options usual;
    std::string all;
    for (const auto& [text, untouched] : {std::pair(asked.udp, usual.udp), std::pair(asked.tcp, usual.tcp)}) {
        if (text == untouched) {
            continue;
        }
        const auto found = the_subject().tuning.find(text);
        if (found == the_subject().tuning.end()) {
            not_applicable("a profile of the provider with a tuning for '" + text + "'");
        }
        all += (all.empty() ? "" : ", ") + found->second;
    }
    return subject_options(all);
}

// The subject first, so that ordinary sockets are its own where it has them; else udp-mcast. All others by their names on
// the provider path.
inline std::string configuration(const transport_options& options = {}) {
    const auto& one = the_subject();
    const std::string head = "version: 1\nproviders:\n";
    const auto lan = configuration_item("lan", "udp-mcast", options.udp);
    const auto tree = configuration_item("tree", "tcp-root", options.tcp);
    if (one.name.empty()) {
        return head + lan + tree;
    }
    if (one.library_name == "udp-mcast") {
        return head + configuration_item(one.name, one.library, subject_options(options.udp)) + tree;
    }
    if (one.library_name == "tcp-root") {
        return head + configuration_item(one.name, one.library, subject_options(options.tcp)) + lan;
    }
    return head + configuration_item(one.name, one.library, tuned_options(options)) +
           configuration_item("kit-lan", "udp-mcast", "interface: lo") +
           configuration_item("kit-tree", "tcp-root", "join_timeout: 30s");
}

// Providers come from this build and from nowhere else, where the program says which it is; no variable of the
// developer's shell has a say.
inline void use_providers_of_this_build() {
#ifdef JOINLEAF_TEST_PROVIDERS
    ::setenv("JOINLEAF_PROVIDER_PATH", JOINLEAF_TEST_PROVIDERS, 1);
#endif
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
