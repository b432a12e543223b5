// SPDX-License-Identifier: Apache-2.0
//
// Changes a configuration by files of its own in the folder of the configuration's drop-ins. Files that somebody else
// wrote are never rewritten; a drop-in that holds nothing but one provider is taken away with that provider.
#pragma once

#include "config/config.hpp"
#include "config/writable_folder.hpp"

#include <tl/expected.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace joinleaf::config {

/// What went wrong when nothing was changed; the message is a sentence that names the file.
using edit_result = tl::expected<void, write_failure>;

/// One change of a configuration, from reading it to having written it, with the lock of the folder that new files
/// go to. Used by one thread.
class drop_in_editor {
  public:
    using reader = std::function<result<configuration>()>;

    /// Takes the lock, then reads with `read`, which is also asked afterwards whether a change is good. `begin` says what
    /// happens where there is no file, only the built-in text: the file of that name becomes a copy of it with a folder
    /// for drop-ins; empty: there is nothing to write to. [any]
    static tl::expected<drop_in_editor, write_failure> open(reader read, const std::string& begin);

    /// The configuration as it is under the lock.
    const configuration& now() const { return now_; }

    /// A name that no provider has: `wanted`, or with a number behind it.
    std::string free_name(const std::string& wanted) const;

    /// Adds a provider in a new file, read after all that are there.
    edit_result add(const provider& item);

    /// Replaces the file of a provider that an editor wrote.
    edit_result replace(const provider& current, const provider& item);

    /// Takes a provider away, and its places in an order that an editor wrote.
    edit_result remove(const provider& current);

    /// Puts an order in force.
    edit_result set_order(const std::vector<order_item>& order);

  private:
    drop_in_editor(reader read, configuration now, std::optional<writable_folder> folder);

    edit_result write(const std::string& name, const std::string& text);
    edit_result check(const std::string& name, const std::string& before,
                      const std::vector<order_item>* order);
    tl::expected<std::string, write_failure> new_file(const std::string& ending) const;
    std::string order_file() const;
    void forget_in_order(const std::string& name);

    reader read_;
    configuration now_;
    std::optional<writable_folder> folder_; // none: no pattern takes new files
};

} // namespace joinleaf::config
