// SPDX-License-Identifier: Apache-2.0
//
// A member of a session, led through its standard input; what happens to it goes to the standard output, a
// line each.
//
//   session_member PLAN FAMILY root               makes a root: "listening PORT"; "leaf" for each admitted
//   session_member PLAN FAMILY asks HOST PORT     a leaf that asks: "joined"
//   session_member PLAN FAMILY waits              a leaf that is invited: "listening PORT", then "joined"
//   session_member PLAN FAMILY joins GROUP PORT   a member without a root: "joined"
//   session_member PLAN FAMILY shares GROUP PORT  the same, bound by the join: "joined", then "on PORT", its own
//   session_member PLAN FAMILY alone GROUP PORT   the same with the option `reuse` off
//
// Then "got TEXT" for each message, "ended CODE" when receiving ends. It obeys "send TEXT" and "leave", and
// leaves when its input ends.
#include "tests/support/owned.hpp"
#include "tests/support/session.hpp"

#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

namespace joinleaf::test {
namespace {

void say(const std::string& line) {
    std::cout << line << std::endl;
}

[[noreturn]] void give_up(const char* what) {
    say(std::string("failed ") + what + " " + last_failure());
    std::_Exit(1);
}

class member_process {
  public:
    member_process(const transport& which, std::vector<std::string> words)
        : words_(std::move(words)), family_(which.family) {
        const auto found = find_entry(which);
        if (!found) {
            give_up("to find its protocol entry");
        }
        entry_ = *found;
        rooted_ = which.kind == plan::rooted;
    }

    void take_part() {
        const std::string& part = words_.at(0);
        if (part == "root") {
            listener_ = make(root_flags | (rooted_ ? WSA_FLAG_MULTIPOINT_D_ROOT : WSA_FLAG_MULTIPOINT_D_LEAF));
            listen();
            data_ = listener_.get();
        } else if (part == "waits") {
            listener_ = make(leaf_flags);
            listen();
        } else if (part == "asks") {
            join(make(leaf_flags), make_address(words_.at(1), port()));
        } else if (part == "shares" || part == "alone") {
            join(make(leaf_flags), make_address(words_.at(1), port()));
            say("on " + std::to_string(local_name(data_).port()));
        } else {
            auto s = make(leaf_flags);
            const auto group = make_address(words_.at(1), port());
            if (!set_flag(s.get(), SOL_SOCKET, SO_REUSEADDR, 1) ||
                bind_to(s.get(), any_address(family_, group.port())) != 0) {
                give_up("to bind");
            }
            join(std::move(s), group);
        }
    }

    // Serves input, listener and data until it is told to leave or its input ends.
    void serve() {
        for (;;) {
            pollfd all[3] = {{0, POLLIN, 0}, {fd_of(listener_.get()), POLLIN, 0}, {fd_of(data_), POLLIN, 0}};
            if (data_ == listener_.get()) {
                all[2].fd = -1;
            }
            ::poll(all, 3, -1);
            if (all[0].revents != 0 && !obey()) {
                return;
            }
            if (all[1].revents != 0) {
                admit();
            }
            if (all[2].revents != 0 || (all[1].revents != 0 && data_ == listener_.get())) {
                receive();
            }
        }
    }

  private:
    static int fd_of(SOCKET s) { return s == INVALID_SOCKET ? -1 : static_cast<int>(s); }
    [[nodiscard]] std::uint16_t port() const { return static_cast<std::uint16_t>(std::stoi(words_.at(2))); }

    owned_socket make(DWORD flags) {
        owned_socket made(
            WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &entry_, 0, flags));
        if (!made) {
            give_up("to make a socket");
        }
        return made;
    }
    void listen() {
        // As a server does whose port is to be free again when it has died.
        const bool shared = static_cast<bool>(set_flag(listener_.get(), SOL_SOCKET, SO_REUSEADDR, 1));
        if (!shared || !listen_on_loopback(listener_.get(), family_, 64) ||
            !set_nonblocking(listener_.get())) {
            give_up("to listen");
        }
        say("listening " + std::to_string(local_name(listener_.get()).port()));
    }
    void join(owned_socket s, const address& name) {
        if (plain_join(s.get(), name) == INVALID_SOCKET) {
            give_up("to join");
        }
        joined(std::move(s));
    }
    void joined(owned_socket s) {
        if (!set_nonblocking(s.get())) {
            give_up("to become nonblocking");
        }
        data_ = s.get();
        sockets_.push_back(std::move(s));
        say("joined");
    }
    void admit() {
        for (;;) {
            owned_socket admitted(jl_accept(listener_.get(), nullptr, nullptr));
            if (!admitted) {
                return;
            }
            if (data_ == listener_.get()) {
                sockets_.push_back(std::move(admitted));
                say("leaf");
            } else {
                joined(std::move(admitted));
            }
        }
    }
    void receive() {
        while (const auto text = receive_text(data_)) {
            say("got " + *text);
        }
        if (const int code = WSAGetLastError(); code != WSAEWOULDBLOCK && code != WSAENOTCONN) {
            say("ended " + std::to_string(code));
            data_ = data_ == listener_.get() ? data_ : INVALID_SOCKET;
        }
    }
    bool obey() {
        std::string line;
        if (!std::getline(std::cin, line) || line == "leave") {
            return false;
        }
        if (line == "deaf to this host") {
            DWORD bytes = 0;
            BOOL off = FALSE;
            say(WSAIoctl(data_, SIO_MULTIPOINT_LOOPBACK, &off, sizeof off, nullptr, 0, &bytes, nullptr,
                         nullptr) == 0
                    ? "deaf"
                    : "hears " + last_failure());
        }
        if (line.starts_with("send ") && send_text(data_, line.substr(5)) == SOCKET_ERROR) {
            say("failed to send " + last_failure());
        }
        return true;
    }

    std::vector<std::string> words_;
    int family_;
    bool rooted_ = false;
    WSAPROTOCOL_INFOW entry_{};
    owned_socket listener_;
    std::vector<owned_socket> sockets_;
    SOCKET data_ = INVALID_SOCKET;
};

int run(const std::vector<std::string>& words) {
    std::cin.rdbuf()->pubsetbuf(nullptr, 0); // poll on the descriptor must not miss what a buffer holds
    std::ios::sync_with_stdio(false);
    const plan kind = words.at(0) == "rooted"    ? plan::rooted
                      : words.at(0) == "relayed" ? plan::relayed
                                                 : plan::nonrooted;
    transport_options options;
    if (words.at(2) == "alone") {
        options.udp += ", reuse: false";
    }
    if (!start_runtime(configuration(options))) {
        give_up("to start");
    }
    {
        member_process self({"process", kind, words.at(1) == "6" ? AF_INET6 : AF_INET},
                            {words.begin() + 2, words.end()});
        self.take_part();
        self.serve();
    }
    return WSACleanup() == 0 ? 0 : 1;
}

} // namespace
} // namespace joinleaf::test

int main(int argc, char** argv) {
    if (argc < 4) {
        std::cerr << "usage: session_member rooted|relayed|nonrooted 4|6 root | asks HOST PORT | waits | "
                     "joins|shares|alone GROUP PORT\n";
        return 2;
    }
    return joinleaf::test::run({argv + 1, argv + argc});
}
