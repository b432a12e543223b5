// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"

#include <optional>
#include <string>

namespace joinleaf::config {

/// What find_source() looks at: environment variables (nothing: unset, or not to be read) and the system's file.
struct surroundings {
    std::optional<std::string> joinleaf_config;
    std::optional<std::string> xdg_config_home;
    std::optional<std::string> home;
    std::string system_file = "/etc/joinleaf/joinleaf.yaml";
};

/// The surroundings of this process. In a set-user-id process no variable is there. [any]
surroundings look_around();

/// find_source() in given surroundings. [any]
source find_source_in(const surroundings& around);

/// first_file() in given surroundings. [any]
std::string first_file_in(const surroundings& around, bool superuser);

/// An environment variable that is set, not empty and may be read: none may in a set-user-id process. [any]
std::optional<std::string> variable(const char* name);

} // namespace joinleaf::config
