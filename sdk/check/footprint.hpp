// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace joinleaf::check {

// From now on a case fails that leaves a descriptor or a thread behind (LC-20), and one during which the provider breaks an
// obligation at the border to the runtime.
void watch_footprint();

} // namespace joinleaf::check
