// SPDX-License-Identifier: Apache-2.0
//
// A host that writes down what the provider tells it.
#pragma once

#include <joinleaf/provider.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace joinleaf::udp_mcast::test {

struct told {
    std::map<std::uint64_t, std::vector<std::int32_t>> outcomes; // by op
    int closed = 0;
    std::vector<std::string> explanations;
    std::vector<std::string> logs;
};

// What has been told since the last `forget`.
told& heard();
void forget();

// The table that a provider is given.
const jl_host& fake_host();

// The provider, started once with that table.
const jl_provider& provider_table();

// The value of one option as the runtime would hand it over.
struct option_value {
    std::string text;
    std::int64_t number = 0;
    std::vector<std::string> list;
};

// An instance with the options given, by key; the others have their defaults.
class yaml_entry {
  public:
    explicit yaml_entry(std::map<std::string, option_value> options = {});
    yaml_entry(const yaml_entry&) = delete;
    yaml_entry& operator=(const yaml_entry&) = delete;
    ~yaml_entry();

    [[nodiscard]] std::int32_t code() const { return code_; }
    [[nodiscard]] jl_instance* get() const { return instance_; }

  private:
    struct row {
        jl_value value;
        std::string text, where;
        std::vector<const char*> list;
    };
    std::map<std::string, option_value> options_;
    std::vector<row> rows_;
    std::vector<const jl_value*> values_;
    jl_create create_{};
    jl_instance* instance_ = nullptr;
    std::int32_t code_ = 0;
};

} // namespace joinleaf::udp_mcast::test
