// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/catalog/refusal.hpp"

#include "joinleaf/provider.h"

#include <tl/expected.hpp>

#include <string>
#include <vector>

namespace joinleaf::catalog {

// A loaded file with its entry symbol. It lives, and stays mapped, until the process ends.
struct library {
    std::string path; // canonical
    decltype(&jl_provider_startup) startup = nullptr;
};

// Where a bare name is looked for, first come first served: the folders of JOINLEAF_PROVIDER_PATH (not in a
// set-user-id process), then the compiled-in ones. `origin` says which. [any]
struct search_folder {
    std::string path;
    std::string origin;
};
std::vector<search_folder> search_folders();

// The canonical path of a library as the configuration names it: a bare NAME is joinleaf-NAME.so in the first
// search folder that has it, anything with a '/' is a path. The refusal lists what was tried. [any]
tl::expected<std::string, refusal> find_library(const std::string& name);

// Maps the file with all its symbols resolved and none of them visible to other libraries, and takes the
// entry symbol from this very file. One file is opened once, however often it is asked for. [any]
tl::expected<const library*, refusal> open_library(const std::string& path);

} // namespace joinleaf::catalog
