// SPDX-License-Identifier: Apache-2.0
#include "config/source.hpp"

#include <cstdlib>

#include <sys/stat.h>
#include <unistd.h>

namespace joinleaf::config {
namespace {

// A link to nowhere counts as there: somebody meant a file, and load() says what is wrong with it.
bool is_there(const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
}

// The XDG base directory specification has a relative XDG_CONFIG_HOME ignored.
std::optional<std::string> user_file(const surroundings& around) {
    if (around.xdg_config_home && around.xdg_config_home->starts_with('/'))
        return *around.xdg_config_home + "/joinleaf/joinleaf.yaml";
    if (around.home && around.home->starts_with('/'))
        return *around.home + "/.config/joinleaf/joinleaf.yaml";
    return std::nullopt;
}

} // namespace

std::optional<std::string> variable(const char* name) {
    const char* const value = ::secure_getenv(name);
    if (value == nullptr || *value == '\0')
        return std::nullopt;
    return value;
}

surroundings look_around() {
    surroundings around;
    around.joinleaf_config = variable("JOINLEAF_CONFIG");
    around.xdg_config_home = variable("XDG_CONFIG_HOME");
    around.home = variable("HOME");
    return around;
}

source find_source_in(const surroundings& around) {
    if (around.joinleaf_config)
        return {source::kind::environment, *around.joinleaf_config};
    if (const auto path = user_file(around); path && is_there(*path))
        return {source::kind::user, *path};
    if (is_there(around.system_file))
        return {source::kind::system, around.system_file};
    return {source::kind::built_in, "built-in"};
}

std::string first_file_in(const surroundings& around, bool superuser) {
    if (superuser && !around.xdg_config_home)
        return around.system_file;
    return user_file(around).value_or(std::string());
}

std::string statistics_folder() {
    if (const auto folder = variable("XDG_RUNTIME_DIR"); folder && folder->starts_with('/'))
        return *folder + "/joinleaf";
    return ::geteuid() == 0 ? "/run/joinleaf" : "/tmp/joinleaf-" + std::to_string(::geteuid());
}

std::string first_file() {
    return first_file_in(look_around(), ::geteuid() == 0);
}

source find_source() {
    return find_source_in(look_around());
}

} // namespace joinleaf::config
