// SPDX-License-Identifier: Apache-2.0
// The commands that change the configuration. Each acts on the file of --config, else on what the search order finds,
// and says on standard output what came of it.
#pragma once

#include "result.hpp"

#include <string>
#include <vector>

namespace joinleaf::cli {

struct installation {
    std::string library;              ///< a path, or the bare name of a library on the provider path
    std::string name;                 ///< empty: made of the library's
    std::vector<std::string> options; ///< KEY=VALUE
};

/// `joinleaf install LIBRARY`. status::negative where it is refused, or where the library cannot be loaded: then it is
/// installed all the same, and the sentence says so.
result<void> install_provider(const std::string& config, const installation& asked);

/// `joinleaf remove NAME`.
result<void> remove_provider(const std::string& config, const std::string& name);

/// `joinleaf order [NAME | NAME/ENTRY]...`. Without names: back to the order of the files.
result<void> order_providers(const std::string& config, const std::vector<std::string>& items);

} // namespace joinleaf::cli
