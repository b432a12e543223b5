// SPDX-License-Identifier: Apache-2.0
//
// Typed looks at one value of a document. Each function answers nothing, and reports what was found and what is
// allowed, when the value is of another kind. `what` names the value in messages by its path, such as `reactor.spin`.
#pragma once

#include "config/report.hpp"
#include "config/yaml_document.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace joinleaf::config {

/// `a list`, `a map`, `nothing`, `text "x"`: the kind of a value, for messages.
std::string describe(const yaml_node& value);

/// Reports `WHAT: expected EXPECTED, found ...`.
void report_kind(const yaml_node& value, std::string_view what, std::string_view expected, report& out);

std::optional<std::string> read_text(const yaml_node& value, std::string_view what, std::string_view expected,
                                     report& out);
std::optional<bool> read_truth(const yaml_node& value, std::string_view what, report& out);
std::optional<std::uint64_t> read_number(const yaml_node& value, std::string_view what, std::uint64_t least,
                                         std::uint64_t most, report& out);

/// One of `allowed`, as a plain or quoted text.
std::optional<std::string> read_word(const yaml_node& value, std::string_view what,
                                     std::span<const std::string_view> allowed, report& out);

/// The items of a list; nothing (and a report) when it is no list.
const std::vector<yaml_node>* read_list(const yaml_node& value, std::string_view what,
                                        std::string_view expected, report& out);

/// A map whose keys are known beforehand.
class map_reader {
  public:
    /// Reports a value that is no map, and each key that is not among `allowed`. `value` outlives the reader.
    map_reader(const yaml_node& value, std::string_view what, std::span<const std::string_view> allowed,
               report& out);

    /// False when the value is no map; then every find() answers nothing.
    explicit operator bool() const { return value_.what == yaml_node::kind::map; }

    /// The value of a key. Nothing when the key is not there, or when it has no value, which is reported.
    const yaml_node* find(std::string_view key) const;

    /// Like find(), and reports a key that is not there.
    const yaml_node* require(std::string_view key, std::string_view expected) const;

  private:
    const yaml_entry* entry(std::string_view key) const;

    const yaml_node& value_;
    std::string what_;
    report& out_;
};

} // namespace joinleaf::config
