// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "runtime/catalog/entry.hpp"
#include "runtime/catalog/provider.hpp"
#include "runtime/catalog/selection.hpp"

#include "joinleaf/provider.h"

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace joinleaf::catalog {

// How one candidate does in a choice.
struct candidate {
    const entry* which = nullptr; // NULL: a refused or disabled provider, or an entry that `match` takes away
    const provider* owner = nullptr;
    std::string entry_name; // empty for a provider that is refused or disabled
    bool fits = false;
    // The first condition that fails, empty where it fits: state, type, family, protocol, role, flags, or
    // "match." with one of these when the provider could, but its configuration does not let it.
    std::string condition;
    std::string asked;
    std::string offered;
    std::string where; // FILE:LINE:COL of the item or of its `match`, or the environment variable
    // What sockets of an entry that fits meet with here and now: keys and sentences of its provider.
    std::vector<std::pair<std::string, std::string>> facts;
};

// A choice with its reasons.
struct decision {
    const entry* chosen = nullptr;
    int error = 0;                     // 0 where an entry was chosen
    std::vector<candidate> candidates; // in catalog order
    std::string sentence;              // for a person; where nothing fits, with one line for each candidate
};

// What can be opened, and which entry a call gets. Fixed once it is made: every const function is [any].
class catalog {
  public:
    // Loads and starts what the configuration names and enables, in its order. A provider that cannot be
    // taken is refused with a reason and logged as a warning, the others go on. host must stay valid for the
    // life of the process. [init]
    catalog(const config::configuration& configuration, const jl_host& host);

    // Destroys the instances, the latest first. Every socket is closed by then; libraries stay mapped. [init]
    ~catalog();

    catalog(const catalog&) = delete;
    catalog& operator=(const catalog&) = delete;

    // In catalog order (CT-09), also the hidden ones (CT-06).
    std::span<const entry> entries() const { return entries_; }

    // All items of the configuration, also the refused and the disabled ones.
    std::span<const provider> providers() const { return providers_; }

    // NULL: no entry has this id. [any]
    const entry* find(DWORD id) const;

    // The first entry that fits, in catalog order, behind `after` where that is given (CT-50). NULL: error is
    // the code of CT-46, CT-48 or CT-49. [any]
    const entry* choose(const query& asked, int& error, const entry* after = nullptr) const;

    // The same choice with the reason of every candidate. [any]
    decision explain(const query& asked) const;

    // The configuration that the catalog was made of.
    const config::configuration& configuration() const { return configuration_; }

    // As catalog_json() in report.hpp, with the configuration this catalog was made of. [any]
    std::string json() const;

  private:
    void add_entries(const provider& owner);
    void put_in_order();
    DWORD free_id(const provider& owner, const jl_protocol& row) const;
    int failure(const query& asked) const;

    config::configuration configuration_;
    std::vector<provider> providers_;
    std::vector<entry> entries_;
};

} // namespace joinleaf::catalog
