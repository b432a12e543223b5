// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace joinleaf::config {

/// Looks out for changes of the files that a configuration is made of, and of the folders where further ones may
/// appear; what is not there yet is waited for in the nearest folder that is. Used by one thread at a time.
class change_watch {
  public:
    /// Of the files and patterns of `watched`, and of `first`, which would take their place (empty: none would). Null:
    /// the system has no room for another watch. [any]
    static std::unique_ptr<change_watch> begin(const configuration& watched, const std::string& first);

    change_watch(const change_watch&) = delete;
    change_watch& operator=(const change_watch&) = delete;
    ~change_watch();

    /// Readable when something may have changed.
    int descriptor() const { return notifier_; }

    /// Takes what has been noted so far; whether any of it is a change.
    bool take();

  private:
    struct interest {
        std::string folder;  // where the name is looked for
        std::string pattern; // of the name, for fnmatch unless it is literal
        bool literal = true;
    };

    change_watch(int notifier, std::vector<interest> interests);
    void look_out();
    void look_out_for(const interest& wanted);
    bool concerns(int watch, const std::string& name, unsigned mask);

    int notifier_;
    std::vector<interest> interests_;
    std::multimap<int, interest> watches_; // by watch descriptor; a folder that is missing: its nearest one, with
                                           // the first missing name
};

} // namespace joinleaf::config
