// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "runtime/catalog/description.hpp"
#include "runtime/catalog/narrowing.hpp"
#include "runtime/catalog/options.hpp"
#include "runtime/qos/ledger.hpp"

#include "joinleaf/provider.h"

#include <memory>
#include <string>

namespace joinleaf::catalog {

// One item of `providers:`, in whichever state it came out.
struct provider {
    std::string name;         // as configured, unique
    std::string library;      // as configured: a bare name or a path
    std::string library_name; // what the library calls itself; it and the next three are empty until known
    std::string library_path;
    std::string version;
    std::string summary;
    config::position where;          // of the item
    config::position disabled_where; // disabled only: of the key or the variable that does it
    config::match match;
    std::vector<config::entry_name> entries; // what is installed of the library's; empty: all
    config::qos_rule qos;
    std::shared_ptr<qos::ledger> capacity; // what its flows have reserved of qos.capacity; never null
    GUID id{};                             // ProviderId: as configured, or made of the configured name

    enum class state { loaded, refused, disabled } state = state::disabled;
    std::string reason;   // refused and disabled: one sentence
    int refusal_code = 0; // refused: the answer when only this provider would have fitted (CT-48)

    const jl_provider* table = nullptr; // when the library was accepted, also when create refused afterwards
    jl_instance* instance = nullptr; // when loaded; a provider without anything to keep may have left it NULL
    narrowing limits;                // `match` in numbers
    std::unique_ptr<catalog::options> options; // when bound without a problem; the instance borrows from it
    std::shared_ptr<const description> facts;  // holds `table`
};

} // namespace joinleaf::catalog
