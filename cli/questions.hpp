// SPDX-License-Identifier: Apache-2.0
// The commands that ask and change nothing. Each writes its answer to standard output.
#pragma once

#include "result.hpp"

#include <string>

namespace joinleaf::cli {

/// `joinleaf providers`: every provider and its entries. config empty: the search order.
result<void> show_providers(const std::string& config, bool json);

/// `joinleaf options PROVIDER`: its option table. The provider is one of the configuration, or a library by name or
/// path. status::negative where it is neither.
result<void> show_options(const std::string& config, const std::string& provider, bool json);

/// `joinleaf check [FILE]`. status::negative with an empty text where the file has problems.
result<void> check(const std::string& file, bool json);

struct question {
    std::string family = "any";
    std::string type = "any";
    std::string protocol = "any";
    std::string flags;
};

/// `joinleaf explain`. status::negative with an empty text where nothing fits.
result<void> explain(const std::string& config, const question& asked, bool json);

} // namespace joinleaf::cli
