// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace distribute {

enum class role { root, leaf };
enum class mode { file, feed };

/// The command line.
struct options {
    distribute::role role = role::root;
    distribute::mode mode = mode::file;
    std::string file; ///< root: what to send; leaf: where to write it, empty for a feed that is only counted
    std::string name; ///< of this process, for the meeting and for the root
    std::string address;    ///< empty: root chooses, leaf asks the meeting
    std::string meeting;    ///< folder; empty: none
    std::size_t leaves = 1; ///< root: how many to wait for
    std::uint64_t messages =
        0;               ///< root, feed: how many to send, from the top again if need be; 0: each line once
    double rate = 0;     ///< root: bytes a second of a file, messages a second of a feed; 0: the default
    double lead_in = 2;  ///< root without a meeting, nonrooted control: seconds to announce before sending
    double timeout = 30; ///< seconds of waiting for one another, and of silence
};

/// Reads the command line; answers --help and ends the process with status 2 for anything wrong.
options parse(int count, char** words);

/// How the program ends.
enum exit_status : int { complete = 0, failed = 1, usage = 2, incomplete = 3 };

/// The two roles; each returns the status to exit with.
int run_root(const options& given);
int run_leaf(const options& given);

} // namespace distribute
