// SPDX-License-Identifier: Apache-2.0
//
// YAML text -> a tree of words, lists and maps with their places. The part of YAML that a configuration needs and no
// more: no anchors, no aliases, no tags, one document. yaml-cpp reads it; none of its types and exceptions leave here.
#pragma once

#include "config/position.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace joinleaf::config {

struct yaml_entry;

/// One value of a document.
struct yaml_node {
    enum class kind { nothing, text, list, map };

    kind what = kind::nothing;
    bool quoted = false; ///< text in quotes, or a block of text: never a number, a truth value or nothing
    int line = 1;
    int column = 1;
    std::string text;                ///< of a text
    std::vector<yaml_node> items;    ///< of a list
    std::vector<yaml_entry> entries; ///< of a map, in file order, keys unique
};

struct yaml_entry {
    yaml_node key; ///< always a text
    yaml_node value;
};

/// What parse_yaml() made of a text. With problems the root holds what could be read before and between them.
struct yaml_document {
    yaml_node root;        ///< `nothing` for an empty text
    bool complete = false; ///< false: the text broke off at a syntax error or a limit
    std::size_t nodes = 0; ///< how many nodes the text has
    std::vector<problem> problems;
};

/// Reads `text`, which check_text() found nothing wrong with. More than `most_nodes` nodes are a problem, as is a depth
/// beyond limits::depth; neither is kept in memory. Never throws for anything the text holds. [any]
yaml_document parse_yaml(std::string_view text, const std::string& file, std::size_t most_nodes);

} // namespace joinleaf::config
