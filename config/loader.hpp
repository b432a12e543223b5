// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "config/file_reader.hpp"
#include "config/text_file.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace joinleaf::config {

/// Reads one configuration: a main file and what it includes. Used once, by one thread. It goes on after a problem, so
/// that one run tells all of them, and stops reading further files when a limit is reached.
class loader {
  public:
    /// Reads the main file.
    void read_file(const std::string& path);

    /// Reads the main file's text; `name` is taken for its path.
    void read_text(std::string_view text, const std::string& name);

    /// What was read, or everything that is wrong with it.
    result<configuration> finish();

  private:
    struct open_file {
        std::string name;
        std::optional<file_identity> identity; // none when the text did not come from a file
    };

    void read_content(std::string_view text, const open_file& file, file_role role);
    void add_providers(std::vector<provider> providers);
    void check_id(const provider& each);
    void follow(const include_item& item, const std::string& file);
    void read_drop_in(const std::string& path, const position& where);
    bool is_readable_now(const std::string& path, const file_identity& identity, const position& where);
    std::string chain_to(const file_identity& identity, const std::string& path) const;
    bool takes_too_much(std::size_t bytes, const position& where);
    void sort_problems();

    configuration out_;
    std::vector<problem> problems_;
    std::vector<open_file> chain_;               // from the main file down to the one being read
    std::map<file_identity, position> included_; // each drop-in, and where it was included
    std::map<std::string, position> provider_names_;
    std::map<std::string, position> provider_ids_;
    std::size_t bytes_ = 0;
    std::size_t nodes_ = 0;
    bool exhausted_ = false; // a limit of the whole configuration was reached and reported
};

} // namespace joinleaf::config
