// SPDX-License-Identifier: Apache-2.0
//
// Runs the cases of the conformance kit over one provider, in child processes.
#pragma once

#include "outcome.hpp"

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace joinleaf::check {

// What to run, and how.
struct request {
    std::string program; // path of joinleaf-check
    std::string subject; // JSON: the provider, see subject_reader.hpp
    // The provider's library, where the subject names the observer; empty: the subject is the provider itself.
    std::string observed{};
    // Shell patterns on the names of cases; a case is run that one of them fits.
    std::vector<std::string> filters{"*"};
    std::chrono::milliseconds timeout{60'000}; // of each case
    unsigned jobs = 1;                         // children at a time
    unsigned group = 1; // at most so many cases of one suite share a child, until one of them fails
};

// Thrown where no case can be listed or run: the library does not load, the program is missing.
struct refusal : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The names of the cases that fit, in the order of the program. Throws refusal.
std::vector<std::string> list_cases(const request& what);

// Runs them; `told` hears of each when it ends, one at a time, from several threads. The outcomes, in the order of the names. Throws
// refusal.
std::vector<outcome> run_cases(const request& what, const std::vector<std::string>& names,
                               const std::function<void(const outcome&)>& told);

} // namespace joinleaf::check
