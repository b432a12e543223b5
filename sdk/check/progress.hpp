// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace joinleaf::check {

// Whether a runner wants to hear of each case: JOINLEAF_CHECK_REPORT is the number of a descriptor.
bool has_runner();

// Tells the runner of each case, as a line of JSON when it starts and one when it ends: {"start": NAME} and {"end": NAME,
// "outcome": "pass" | "warn" | "fail" | "skip", "text": ...}. Nothing where there is no runner.
void report_progress();

} // namespace joinleaf::check
