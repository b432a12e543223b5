// SPDX-License-Identifier: Apache-2.0
//
// Changing the catalog: what the calls WSC* and their relatives in ext.h do, by drop-ins of the configuration (CT-20 ...
// CT-32). Each answers 0 or the code of the call; explanation() has the sentence. All are [any].
#pragma once

#include "config/config.hpp"
#include "runtime/catalog/catalog.hpp"

#include "joinleaf/provider.h"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace joinleaf::catalog {

// The configuration that is changed.
struct configuration_place {
    std::function<config::result<config::configuration>()> read;
    std::string first; // the file to begin where there is only the built-in text; empty: none may be begun
};

// What WSCInstallProvider and WSCUpdateProvider are given.
struct installation {
    GUID id{};
    std::string path;
    std::span<const WSAPROTOCOL_INFOW> infos;
};

// What jl_install_provider is given. An empty name is made of the library's.
struct named_installation {
    std::string name;
    std::string path;
    std::vector<config::option> options;
};

// 0 or WSAEINVAL: whether an installer's path can be loaded from, and its infos describe base entries. This catalog has
// no layers and so no chains (CT-26).
int check(const installation& asked);

int install(const configuration_place& place, const installation& asked);
int install(const configuration_place& place, const named_installation& asked);
int update(const configuration_place& place, const installation& asked);

int deinstall(const configuration_place& place, const GUID& id);
int deinstall(const configuration_place& place, const std::string& name);

// `fresh` makes the catalog of what is read under the lock.
using catalog_maker = std::function<std::shared_ptr<const catalog>(const config::configuration&)>;
int write_order(const configuration_place& place, std::span<const DWORD> ids, const catalog_maker& fresh);

// Providers, or PROVIDER/ENTRY; what is not named follows. WSAEINVAL: no such provider, or one twice.
int write_order(const configuration_place& place, const std::vector<std::string>& items);

// The provider with this id as the configuration has it, in whichever state; null: none.
const config::provider* find_provider(const config::configuration& all, const GUID& id);

} // namespace joinleaf::catalog
