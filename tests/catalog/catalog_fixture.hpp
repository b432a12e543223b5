// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "runtime/catalog/catalog.hpp"
#include "runtime/explanation.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace joinleaf::catalog_test {

// What the plugins told the host, in order.
inline std::vector<std::string>& notes() {
    static std::vector<std::string> lines;
    return lines;
}

// A host that serves what the plugins of these tests call.
inline const jl_host& test_host() {
    static const jl_host host = [] {
        jl_host table{};
        table.struct_size = sizeof table;
        table.abi = JL_ABI_VERSION;
        table.log = [](std::uint32_t, const char* text) { notes().emplace_back(text); };
        table.explain = [](const char* sentence) { set_explanation(sentence); };
        return table;
    }();
    return host;
}

inline config::configuration configuration_of(const std::string& yaml) {
    auto read = config::parse_text(yaml, "/etc/test.yaml");
    if (!read) {
        throw std::invalid_argument(read.error().front().text());
    }
    return *std::move(read);
}

// The catalog of one configuration text; `providers` is the part below `version: 1`.
class catalog_fixture : public testing::Test {
  protected:
    catalog_fixture() {
        ::setenv("JOINLEAF_PROVIDER_PATH", CATALOG_PLUGIN_FOLDER, 1);
        notes().clear();
    }
    ~catalog_fixture() override { ::unsetenv("JOINLEAF_PROVIDER_PATH"); }

    catalog::catalog& load(const std::string& providers) {
        made_ = std::make_unique<catalog::catalog>(configuration_of("version: 1\n" + providers), test_host());
        return *made_;
    }

    // One item that names the library, and what comes of it.
    const catalog::provider& load_one(const std::string& library, const std::string& more = "") {
        return load(fmt::format("providers:\n  - name: x\n    library: {}\n{}", library, more))
            .providers()
            .front();
    }

    const catalog::catalog& made() const { return *made_; }
    void unload() { made_.reset(); }

    static std::string plugin(const std::string& name) {
        return fmt::format("{}/joinleaf-{}.so", CATALOG_PLUGIN_FOLDER, name);
    }

  private:
    std::unique_ptr<catalog::catalog> made_;
};

// The two providers most tests use: rooted first, then nonrooted datagrams.
inline const char* const both = "providers:\n"
                                "  - {name: tree, library: rooted}\n"
                                "  - {name: lan, library: mcast}\n";

} // namespace joinleaf::catalog_test
