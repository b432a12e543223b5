// SPDX-License-Identifier: Apache-2.0
// cpp-asio-root ADDRESS: a root in Boost.Asio coroutines. It admits every leaf that asks under a name, tells all of
// them who comes and who leaves, and passes on what one says. SIGINT or SIGTERM ends the session.
#include <joinleaf/asio.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <csignal>
#include <iostream>
#include <string>

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// One thread runs the context, so that nothing here is locked.
class meeting {
  public:
    meeting(asio::io_context& context, joinleaf::root root) : root_(context, std::move(root)) {
        std::cout << "listening at " << root_.get().local().value().text() << std::endl;
    }

    asio::awaitable<void> admit() {
        for (;;) {
            std::string name;
            error_code failed;
            auto branch = co_await root_.async_accept(
                [&name](joinleaf::request& asked) noexcept {
                    name = asked.data();
                    return name.empty() ? joinleaf::verdict::reject : joinleaf::verdict::accept;
                },
                asio::redirect_error(asio::use_awaitable, failed));
            if (!failed) {
                asio::co_spawn(root_.get_executor(), accompany(std::move(branch), name), asio::detached);
            } else if (failed != boost::system::errc::connection_refused) { // more than a leaf without a name
                co_return;
            }
        }
    }

    asio::awaitable<void> pass_on() {
        std::array<char, 65536> room{};
        error_code failed;
        for (;;) {
            const auto size = co_await root_.async_receive(asio::buffer(room),
                                                           asio::redirect_error(asio::use_awaitable, failed));
            if (failed) {
                co_return;
            }
            co_await tell("one says: " + std::string(room.data(), size));
        }
    }

    void end() { root_.close(); }

  private:
    // The branch is the root's socket for one leaf; it tells when that leaf leaves.
    asio::awaitable<void> accompany(joinleaf::asio::socket branch, std::string name) {
        co_await tell(name + " is here");
        error_code failed;
        co_await branch.async_wait_closed(asio::redirect_error(asio::use_awaitable, failed));
        if (root_.is_open()) {
            co_await tell(name + " has left");
        }
    }

    asio::awaitable<void> tell(std::string text) {
        std::cout << text << std::endl;
        error_code nobody_there; // the last leaf may just have left
        co_await root_.async_send(asio::buffer(text), asio::redirect_error(asio::use_awaitable, nobody_there));
    }

    joinleaf::asio::socket root_;
};

} // namespace

int main(int count, char** words) try {
    if (count != 2) {
        std::cerr << "usage: cpp-asio-root ADDRESS\n";
        return 2;
    }
    const joinleaf::runtime runtime;
    asio::io_context context;
    meeting room(context, joinleaf::root::listen(joinleaf::address::parse(words[1]).value()).value());
    asio::co_spawn(context, room.admit(), asio::detached);
    asio::co_spawn(context, room.pass_on(), asio::detached);
    asio::signal_set stop(context, SIGINT, SIGTERM);
    stop.async_wait([&room](error_code, int) { room.end(); });
    context.run();
} catch (const std::exception& failed) {
    std::cerr << "cpp-asio-root: " << failed.what() << "\n";
    return 1;
}
