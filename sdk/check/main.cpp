// SPDX-License-Identifier: Apache-2.0
//
// joinleaf-check: the cases of the conformance kit as one program, which `joinleaf conformance` runs in child processes. Run by hand
// it is an ordinary GoogleTest program over the providers that JOINLEAF_PROVIDER_PATH leads to.
#include "footprint.hpp"
#include "progress.hpp"
#include "subject_reader.hpp"

#include <gtest/gtest.h>

#include <sys/prctl.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <thread>

namespace {

int run(int count, char** words) {
    // A runner that is gone has nobody to report to.
    if (joinleaf::check::has_runner()) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    if (const auto refusal = joinleaf::check::find_subject(); !refusal.empty()) {
        std::fprintf(stderr, "%s\n", refusal.c_str());
        return joinleaf::check::cannot_start;
    }
    ::testing::InitGoogleTest(&count, words);
    if (!GTEST_FLAG_GET(list_tests) && joinleaf::check::has_runner()) {
        // A sanitizer begins a thread of its own with the first one, which is not a case's.
        std::thread([] {}).join();
        joinleaf::check::report_progress();
        joinleaf::check::watch_footprint();
    }
    return RUN_ALL_TESTS();
}

} // namespace

int main(int count, char** words) {
    try {
        return run(count, words);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "joinleaf-check: %s\n", error.what());
        return joinleaf::check::cannot_start;
    }
}
