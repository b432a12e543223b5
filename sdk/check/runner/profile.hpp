// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace joinleaf::check {

// A profile: what the kit cannot know of a provider, as YAML with the keys
//   options: {KEY: VALUE}   options that are in force in each case, unless the configuration gives others
//   tuning: {TEXT: TEXT}    what stands for options of joinleaf's own providers that some cases ask for, e.g.
//                           "join_timeout: 300ms": "patience: 300ms"
// All values are text. Throws std::runtime_error with FILE:LINE:COL and the reason.
nlohmann::json read_profile(const std::string& file);

} // namespace joinleaf::check
