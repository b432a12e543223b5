// SPDX-License-Identifier: Apache-2.0
// A root and a leaf in one io_context, with asio.hpp and the program's own Boost.
#include <joinleaf/asio.hpp>

#include <boost/asio/io_context.hpp>

#include <array>
#include <iostream>

int main() try {
    const joinleaf::runtime runtime;
    boost::asio::io_context context;
    joinleaf::asio::socket root(context, joinleaf::root::listen({"127.0.0.1", 0}).value());
    const auto at = root.get().local().value();
    joinleaf::asio::socket leaf(context, joinleaf::leaf::open(at).value());
    joinleaf::asio::socket branch(context.get_executor());
    std::array<char, 100> room{};
    const auto show = [&](boost::system::error_code failed, std::size_t size) {
        std::cout << (failed ? failed.message() : std::string(room.data(), size)) << "\n";
    };
    const auto send = [&](boost::system::error_code, joinleaf::asio::socket admitted) {
        branch = std::move(admitted);
        root.async_send(boost::asio::buffer("heard", 5), [](boost::system::error_code, std::size_t) {});
    };
    root.async_accept(send);
    leaf.async_join(at, [&](boost::system::error_code, const joinleaf::asio::joined_socket&) {
        leaf.async_receive(boost::asio::buffer(room), show);
    });
    context.run();
} catch (const std::exception& failed) {
    std::cerr << failed.what() << "\n";
    return 1;
}
