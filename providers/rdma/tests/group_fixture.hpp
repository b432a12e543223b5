// SPDX-License-Identifier: Apache-2.0
//
// Sockets of sessions without a root, with blocking calls around them.
#pragma once

#include "group_socket.hpp"
#include "session_fixture.hpp"

#include <optional>
#include <string>

namespace joinleaf::rdma::test {

// What a receive gave.
struct item {
    int code = 0;
    std::string text;
    std::uint32_t gap = 0;
    std::uint32_t flags = 0;
    address from;
};

class GroupSession : public Session {
  protected:
    node make() {
        return node([&](jl_handle* handle) {
            auto made = std::make_shared<group_socket>(handle, std::make_shared<settings>(limits_), family());
            EXPECT_TRUE(made->open(way()));
            return made;
        });
    }
    static address fresh_session() {
        static std::uint16_t port = 7000;
        return address::parse("239.1.2.3").with_port(++port);
    }
    node member(const address& session, std::uint32_t direction = JL_BOTH) {
        node made = make();
        made.start_join(session, nullptr, {}, 0, direction);
        const auto outcome = made.outcome();
        EXPECT_EQ(0, outcome.code) << outcome.sentence;
        return made;
    }
    // Members with own sends left out.
    node quiet_member(const address& session) {
        node made = member(session);
        set_loopback(made, 0);
        return made;
    }
    static void set_loopback(node& s, std::int32_t on) {
        std::uint32_t bytes = 4711;
        EXPECT_EQ(0, s.get()->ioctl(SIO_MULTIPOINT_LOOPBACK, &on, sizeof on, nullptr, 0, &bytes));
        EXPECT_EQ(0U, bytes);
    }
    static int send_to(node& s, const address& to, const std::string& text) {
        iovec part{const_cast<char*>(text.data()), text.size()};
        address copy = to;
        jl_msg message{};
        message.iov = &part;
        message.iov_count = 1;
        message.addr = copy.raw();
        message.addr_len = copy.size;
        std::uint32_t done = 0;
        return s.get()->tx(&message, 1, &done);
    }
    static item try_take(node& s, std::size_t room = 1 << 17, std::uint32_t flags = 0) {
        item out;
        out.text.resize(room);
        iovec part{out.text.data(), out.text.size()};
        out.from.size = address::room;
        jl_msg message{};
        message.iov = &part;
        message.iov_count = 1;
        message.flags = flags;
        message.addr = out.from.raw();
        message.addr_len = address::room;
        std::uint32_t done = 0;
        std::uint32_t left = 0;
        out.code = s.get()->rx(&message, 1, &done, &left);
        out.text.resize(out.code == 0 ? message.size : 0);
        out.flags = message.flags;
        out.gap = message.gap;
        out.from.size = message.addr_len;
        return out;
    }
    // The next that comes, within the deadline.
    static item take(node& s) {
        const auto until = std::chrono::steady_clock::now() + deadline;
        for (;;) {
            const item out = try_take(s);
            std::int32_t code = 0;
            if (out.code != WSAEWOULDBLOCK || std::chrono::steady_clock::now() > until) {
                return out;
            }
            if (s.get()->arm(JL_IN, &code) == JL_ARMED) {
                std::this_thread::sleep_for(1ms);
            }
        }
    }
    // Until the loop has found no room for so many.
    static void wait_dropped(node& s, std::uint64_t count) {
        wait_until([&] { return s.stats().dropped_messages >= count; });
        EXPECT_EQ(count, s.stats().dropped_messages);
    }
    template <class Change> void change(const Change& what) {
        const std::lock_guard hold(net_.mutex);
        what(net_.now);
    }
};

} // namespace joinleaf::rdma::test
