// SPDX-License-Identifier: Apache-2.0
//
// Many leaves of a rooted session in one process, each of which must hear consecutive numbers.
//
//   session_crowd 4|6 HOST PORT COUNT     joins so many leaves that ask, then says "joined"
//
// When all have heard "end" it says "right FIRST END": the number that all began with at the latest, and the one
// behind the last. A leaf that hears anything else makes it say what, and end.
#include "tests/support/owned.hpp"
#include "tests/support/session.hpp"

#include <algorithm>
#include <charconv>
#include <iostream>
#include <string>
#include <vector>

namespace joinleaf::test {
namespace {

[[noreturn]] void give_up(const std::string& what) {
    std::cout << "wrong: " << what << std::endl;
    std::_Exit(1);
}

// One leaf and the number that it has to hear next.
struct listener {
    owned_socket socket;
    long first = -1;
    long next = -1;
    bool over = false;

    void hear(const std::string& text) {
        if (text == "end") {
            over = true;
            return;
        }
        long number = -1;
        std::from_chars(text.data(), text.data() + text.size(), number);
        if (first < 0) {
            first = next = number;
        }
        if (number != next) {
            give_up("heard '" + text + "' instead of " + std::to_string(next));
        }
        ++next;
    }

    // What is there now.
    void listen() {
        while (!over) {
            const auto text = receive_text(socket.get(), 256);
            if (text) {
                hear(*text);
            } else if (WSAGetLastError() == WSAEWOULDBLOCK) {
                return;
            } else {
                give_up("a leaf that had heard up to " + std::to_string(next) + ": " + last_failure());
            }
        }
    }
};

std::vector<listener> join_all(const std::vector<std::string>& words) {
    const transport which{"crowd", plan::rooted, words.at(0) == "6" ? AF_INET6 : AF_INET};
    auto entry = find_entry(which);
    if (!entry) {
        give_up("no such entry");
    }
    const auto root = make_address(words.at(1), static_cast<std::uint16_t>(std::stoi(words.at(2))));
    std::vector<listener> all(static_cast<std::size_t>(std::stoi(words.at(3))));
    for (listener& each : all) {
        each.socket = owned_socket(
            WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &*entry, 0, leaf_flags));
        if (plain_join(each.socket.get(), root) == INVALID_SOCKET || !set_nonblocking(each.socket.get())) {
            give_up("to join: " + last_failure());
        }
    }
    return all;
}

void listen_to_the_end(std::vector<listener>& all) {
    std::vector<pollfd> fds;
    for (const listener& each : all) {
        fds.push_back({static_cast<int>(each.socket.get()), POLLIN, 0});
    }
    while (!std::ranges::all_of(all, &listener::over)) {
        ::poll(fds.data(), fds.size(), -1);
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (fds[i].revents != 0) {
                all[i].listen();
                fds[i].fd = all[i].over ? -1 : fds[i].fd;
            }
        }
    }
}

int run(const std::vector<std::string>& words) {
    if (!start_runtime(configuration())) {
        give_up("to start");
    }
    {
        auto all = join_all(words);
        std::cout << "joined" << std::endl;
        listen_to_the_end(all);
        long first = -1;
        for (const listener& each : all) {
            first = std::max(first, each.first);
            if (each.next != all.front().next) {
                give_up("the leaves have not heard the same end");
            }
        }
        std::cout << "right " << first << " " << all.front().next << std::endl;
    }
    return WSACleanup() == 0 ? 0 : 1;
}

} // namespace
} // namespace joinleaf::test

int main(int argc, char** argv) {
    if (argc != 5) {
        std::cerr << "usage: session_crowd 4|6 HOST PORT COUNT\n";
        return 2;
    }
    return joinleaf::test::run({argv + 1, argv + argc});
}
