// SPDX-License-Identifier: Apache-2.0
//
// The configuration of a joinleaf process: which providers there are, in which order, with which settings.
// Everything here is a value: nothing is cached, no function keeps a reference to its arguments.
#pragma once

#include "config/nearest.hpp"
#include "config/position.hpp"
#include "config/units.hpp"

#include <tl/expected.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace joinleaf::config {

/// One `options:` line of a provider. The values are the words of the file, untyped: the provider's own option table
/// says what they mean.
struct option {
    std::string key;
    std::vector<std::string> values; ///< exactly one unless `is_list`; a list may be empty
    bool is_list = false;
    position where;       ///< of the key
    position value_where; ///< of the value (of the list's opening when it is a list)

    bool operator==(const option&) const = default;
};

/// Narrows what a provider offers. An empty vector narrows nothing; the words are known to be valid and unique.
struct match {
    std::vector<std::string> family;   ///< inet, inet6, any
    std::vector<std::string> type;     ///< stream, dgram, raw, rdm, seqpacket
    std::vector<std::string> protocol; ///< tcp, udp, rm, or a decimal number from 0 to 255
    std::vector<std::string> flags;    ///< c_root, c_leaf, d_root, d_leaf
    position where;                    ///< of the map; nowhere when the file has none

    bool operator==(const match&) const = default;
};

/// One item of `entries:`, a protocol entry by what it serves.
struct entry_name {
    std::string family;   ///< inet, inet6, or a number
    std::string type;     ///< stream, dgram, raw, rdm, seqpacket, or a number
    std::string protocol; ///< tcp, udp, rm, or a number from 0 to 255

    /// `inet/dgram/udp`. [any]
    std::string text() const { return family + "/" + type + "/" + protocol; }

    bool operator==(const entry_name&) const = default;
};

/// What the admission control of a provider may give away.
struct qos_rule {
    /// What happens to a flow that does not fit: it is refused, or it goes on without a reservation.
    enum class unsatisfied { fail, best_effort };

    std::optional<std::uint64_t> capacity_bits_per_second; ///< greater than 0; nothing means no limit
    unsatisfied on_unsatisfied = unsatisfied::fail;
    position where; ///< of the map; nowhere when the file has none

    bool operator==(const qos_rule&) const = default;
};

/// One entry of `providers:`.
struct provider {
    std::string name; ///< [A-Za-z0-9_.-]+, at most 64 characters, unique in the configuration
    std::string library; ///< a bare name, looked up on the provider path, or an absolute path (it has a '/'); a path
                         ///< that begins with %NAME% or ${NAME} keeps its variables until it is loaded
    std::string id; ///< ProviderId as 36 characters in lower case; empty: made of the name
    bool enabled = true;
    config::match match;
    std::vector<entry_name> entries; ///< what is installed of the library's entries; empty: all
    std::vector<option> options;     ///< in file order, keys unique
    qos_rule qos;
    position where;         ///< of the entry
    position name_where;    ///< of the name
    position library_where; ///< of the library
    position enabled_where; ///< what set `enabled`: the file, or JOINLEAF_PROVIDERS; nowhere for the default

    bool operator==(const provider&) const = default;
};

/// One item of `order:`: a provider, or one entry of it.
struct order_item {
    std::string provider;
    std::string entry; ///< empty: all entries of the provider that have no place of their own
    position where;

    bool operator==(const order_item&) const = default;
};

/// An item of `include:` that ends in a pattern: a folder for drop-ins.
struct drop_in_pattern {
    std::string folder;  ///< as seen from the working folder, like the names in `files`
    std::string pattern; ///< of file names, for fnmatch

    bool operator==(const drop_in_pattern&) const = default;
};

/// `reactor:`, the threads that serve events.
struct reactor {
    unsigned threads = 1;             ///< 1 to 256
    std::chrono::nanoseconds spin{0}; ///< how long a thread polls before it sleeps, 0 to 1 s
    std::vector<int> cpus;            ///< 0 to 1023, unique; empty: wherever the kernel likes

    bool operator==(const reactor&) const = default;
};

/// `statistics:`, what a running process shows of its sockets to the command `joinleaf stats`.
struct statistics {
    bool publish = false;
    std::string folder; ///< absolute; empty: statistics_folder()

    bool operator==(const statistics&) const = default;
};

/// A whole configuration, includes and all.
struct configuration {
    config::reactor reactor;
    config::statistics statistics;
    std::vector<provider> providers; ///< file order: the file's own, then its includes'; also the disabled ones
    std::vector<order_item> order;   ///< of the file read last that has one; empty: as the providers come
    std::vector<std::string> files;        ///< every file read, in order
    std::vector<drop_in_pattern> drop_ins; ///< in the order read

    bool operator==(const configuration&) const = default;
};

/// A value, or every problem that was found, in the order of the files, lines and columns. Never an empty list.
template <class T> using result = tl::expected<T, std::vector<problem>>;

/// Reads a file and what it includes. Never throws for anything a file may hold. [any]
result<configuration> load_file(const std::string& path);

/// Reads a text as if it were the content of the file `name`: positions carry that name, and a relative include or
/// library starts in its folder. Nothing is read from `name` itself. [any]
result<configuration> parse_text(std::string_view text, const std::string& name);

/// Where the configuration of this process comes from. The member `kind` hides the type's name, which is then spelt
/// `enum source::kind`; its values are `source::kind::user` and so on.
struct source {
    enum class kind {
        environment, ///< JOINLEAF_CONFIG
        user,        ///< $XDG_CONFIG_HOME/joinleaf/joinleaf.yaml, or in ~/.config
        system,      ///< /etc/joinleaf/joinleaf.yaml
        built_in     ///< default_text()
    } kind;
    std::string path; ///< of the file; "built-in" for the built-in text
};

/// The file that an installation begins where there is none: $XDG_CONFIG_HOME/joinleaf/joinleaf.yaml, for the
/// superuser /etc/joinleaf/joinleaf.yaml, else the one in ~/.config. Empty: there is no home. [any]
std::string first_file();

/// The first of the sources above that is there. A file named by JOINLEAF_CONFIG is taken whether it exists or not: a
/// wrong name is an error of load(), never a silent fall back. In a set-user-id process no environment variable is
/// read. [any]
source find_source();

/// Where processes publish their statistics unless the file says otherwise: $XDG_RUNTIME_DIR/joinleaf, for the
/// superuser /run/joinleaf, else /tmp/joinleaf-UID. In a set-user-id process no environment variable is read. [any]
std::string statistics_folder();

/// Reads what find_source() names, then applies JOINLEAF_PROVIDERS: `a,b` leaves enabled only these, `^a,b` all but
/// these; the rest stay in the configuration with `enabled` false and `enabled_where` in the variable. The variable
/// only narrows: it does not enable what the file disables. An unknown name is a problem whose position has the
/// variable's name as its file. [any]
result<configuration> load();

/// The text of default.yaml, compiled in. Valid for the life of the process. [any]
std::string_view default_text();

} // namespace joinleaf::config
