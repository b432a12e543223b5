// SPDX-License-Identifier: Apache-2.0
// Says something to a group and hears it, with joinleaf.hpp and nothing else.
#include <joinleaf/joinleaf.hpp>

#include <iostream>

namespace {

joinleaf::task<std::string> echo(joinleaf::async_socket& group) {
    (co_await group.send("heard")).value();
    std::array<char, 100> room{};
    const auto size = (co_await group.receive(room)).value();
    co_return std::string(room.data(), size);
}

} // namespace

int main() try {
    const joinleaf::runtime runtime;
    joinleaf::loop loop;
    joinleaf::async_socket group(loop, joinleaf::group::join({"239.255.33.2", 5077}).value());
    std::cout << loop.run(echo(group)) << "\n";
} catch (const joinleaf::failure& failed) {
    std::cerr << failed.what() << "\n";
    return 1;
}
