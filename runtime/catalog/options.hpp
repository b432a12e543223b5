// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "runtime/catalog/option_value.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace joinleaf::catalog {

// The options of one provider instance, and the argument of `create` made of them. Every pointer that the
// instance is given stays valid as long as this object; it is never copied or moved.
class options {
  public:
    options(const options&) = delete;
    options& operator=(const options&) = delete;

    // One value per row of the table, in its order.
    std::span<const jl_value* const> values() const { return rows_; }
    const jl_create& arguments() const { return arguments_; }

  private:
    friend config::result<std::unique_ptr<options>> bind_options(const std::string& name,
                                                                 std::span<const jl_option* const> table,
                                                                 std::span<const config::option> given);

    // What a jl_value points to.
    struct storage {
        jl_value row{};
        option_value value;
        std::string where;
        std::vector<const char*> list;
    };

    explicit options(std::string name) : name_(std::move(name)) {}
    void keep(option_value value, const std::string& where, bool given);
    void finish();

    std::string name_;
    std::vector<std::unique_ptr<storage>> kept_;
    std::vector<const jl_value*> rows_;
    jl_create arguments_{};
};

// Gives each row of a provider's option table its value: the one the configuration gives, else the default of
// the table, which is known to be good. Else every problem, each with its place. [any]
config::result<std::unique_ptr<options>> bind_options(const std::string& name,
                                                      std::span<const jl_option* const> table,
                                                      std::span<const config::option> given);

} // namespace joinleaf::catalog
