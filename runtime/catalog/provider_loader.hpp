// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "runtime/catalog/provider.hpp"

#include "joinleaf/provider.h"

#include <map>
#include <memory>
#include <string>

namespace joinleaf::catalog {

// Takes the items of one configuration from their words to a running instance. A library that several items
// name is started once.
class provider_loader {
  public:
    explicit provider_loader(const jl_host& host) : host_(host) {}

    // Fills a new provider, which then stays where it is. A refusal is in it, and is logged. [init]
    void load(const config::provider& item, provider& made);

  private:
    using started = tl::expected<std::shared_ptr<const description>, refusal>;

    const started& start(const std::string& path);
    tl::expected<void, refusal> take(const config::provider& item, provider& made);
    static tl::expected<void, refusal> bind(const config::provider& item, provider& made);
    static tl::expected<void, refusal> create(provider& made);

    const jl_host& host_;
    std::map<std::string, started> started_;
};

} // namespace joinleaf::catalog
