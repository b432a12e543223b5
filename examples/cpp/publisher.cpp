// SPDX-License-Identifier: Apache-2.0
// cpp-publisher ADDRESS: sends each line of standard input to everyone in the group, e.g. 239.255.1.2:5000.
#include <joinleaf/joinleaf.hpp>

#include <iostream>
#include <string>

int main(int count, char** words) try {
    if (count != 2) {
        std::cerr << "usage: cpp-publisher ADDRESS\n";
        return 2;
    }
    const joinleaf::runtime runtime;
    const auto group =
        joinleaf::group::join(joinleaf::address::parse(words[1]).value(), joinleaf::direction::send).value();
    for (std::string line; std::getline(std::cin, line);) {
        group.send(line).value();
    }
} catch (const joinleaf::failure& failed) {
    std::cerr << "cpp-publisher: " << failed.reason().message() << "\n";
    return 1;
}
