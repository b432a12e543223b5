// SPDX-License-Identifier: Apache-2.0
// `joinleaf conformance`: the cases of the conformance kit over one provider.
#pragma once

#include "result.hpp"

#include <string>
#include <vector>

namespace joinleaf::cli {

struct conformance_options {
    std::string config;
    std::string provider; // of the configuration, or a library by name or path
    std::string profile;  // file; empty: the kit's own for that library, if it has one
    std::string json;     // file for the report; empty: none, "-": standard output instead of the text
    std::vector<std::string> filters;
    double timeout = 60; // seconds for each case
    unsigned jobs = 0;   // 0: one a processor
    unsigned group = 1;  // cases that share a process
    bool list = false;
    bool verbose = false;
};

/// Runs the cases and writes the report to standard output. status::negative where a case fails, crashes or hangs, and
/// where the provider is refused.
result<void> conformance(const conformance_options& options);

} // namespace joinleaf::cli
