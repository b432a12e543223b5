// SPDX-License-Identifier: Apache-2.0
// One program, any transport: a root sends a file or a live feed to any number of leaves. Which transport carries it
// is in joinleaf's configuration alone; see tcp.yaml and udp.yaml beside this folder.
#include "options.hpp"

#include <cstdio>
#include <exception>

int main(int count, char** words) {
    const distribute::options given = distribute::parse(count, words);
    try {
        return given.role == distribute::role::root ? distribute::run_root(given)
                                                    : distribute::run_leaf(given);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", given.name.c_str(), error.what());
        return distribute::failed;
    }
}
