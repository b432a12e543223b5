// SPDX-License-Identifier: Apache-2.0
//
// Two sockets that hear each other, over every protocol entry and at every place that a socket can have in a
// session: for rules that hold everywhere.
#pragma once

#include "tests/support/session_fixture.hpp"

namespace joinleaf::test {

// What the watched socket is.
enum class seat { stream, datagram, member, leaf, root };

struct link_plan {
    transport over;
    seat watched;
    way built = way::ask;
};

inline std::ostream& operator<<(std::ostream& out, const link_plan& what) {
    out << what.over.name;
    switch (what.watched) {
    case seat::leaf: return out << (what.built == way::invite ? "_invited_leaf" : "_asking_leaf");
    case seat::root: return out << "_root";
    case seat::member: return out << "_member";
    case seat::datagram: return out << "_ordinary";
    case seat::stream: break;
    }
    return out;
}

inline std::vector<link_plan> link_plans() {
    std::vector<link_plan> plans;
    for (const auto& over : all_transports()) {
        switch (over.kind) {
        case plan::stream: plans.push_back({over, seat::stream}); break;
        case plan::nonrooted:
            plans.push_back({over, seat::datagram});
            plans.push_back({over, seat::member});
            break;
        case plan::rooted:
        case plan::relayed:
            plans.push_back({over, seat::leaf, way::invite});
            plans.push_back({over, seat::leaf, way::ask});
            plans.push_back({over, seat::root});
            break;
        }
    }
    return plans;
}

// Of those, the ones whose watched socket has a connection that a peer can end.
inline std::vector<link_plan> connection_plans() {
    std::vector<link_plan> plans;
    for (const auto& one : link_plans()) {
        if (one.watched == seat::stream || one.watched == seat::leaf) {
            plans.push_back(one);
        }
    }
    return plans;
}

struct link_plan_name {
    template <class Info> std::string operator()(const Info& info) const {
        std::ostringstream out;
        out << info.param;
        return out.str();
    }
};

class link_test : public ::testing::TestWithParam<link_plan>, protected session_guard {
  protected:
    void SetUp() override {
        if (const auto lacking = prepare(GetParam().over); !lacking.empty()) {
            GTEST_SKIP() << lacking;
        }
        switch (GetParam().watched) {
        case seat::stream: link_streams(); break;
        case seat::datagram: link_datagrams(); break;
        case seat::member: link_members(); break;
        case seat::leaf:
        case seat::root: link_session(); break;
        }
    }
    void TearDown() override {
        watched_.close();
        peer_.close();
        branch_.close();
        door_.close();
        end();
    }

    // The socket whose events are looked at.
    [[nodiscard]] SOCKET watched() const { return watched_.get(); }
    [[nodiscard]] SOCKET peer() const { return peer_.get(); }
    [[nodiscard]] bool connected() const {
        return GetParam().watched == seat::stream || GetParam().watched == seat::leaf;
    }
    [[nodiscard]] bool datagrams() const { return which().kind == plan::nonrooted; }

    // The peer says something to the watched socket.
    void tell(const std::string& text = "x") const {
        ASSERT_EQ(static_cast<int>(text.size()), send_text(peer(), text)) << last_failure();
    }
    // Ends the connection at the peer's side, as its part in it ends it.
    void close_peer() { EXPECT_EQ(0, branch_ ? branch_.close() : peer_.close()); }
    [[nodiscard]] SOCKET closing_end() const { return branch_ ? branch_.get() : peer_.get(); }

    owned_socket watched_;
    owned_socket peer_;
    owned_socket branch_; // the root's socket for the watched leaf
    owned_socket door_;

  private:
    void link_streams() {
        auto listener = make_ordinary();
        ASSERT_TRUE(listen_on_loopback(listener.get(), family()));
        watched_ = make_ordinary();
        const auto to = local_name(listener.get());
        ASSERT_TRUE(worked(jl_connect(watched(), to.get(), to.length)));
        peer_ = admit(listener.get());
    }
    void link_datagrams() {
        watched_ = make_ordinary();
        peer_ = make_ordinary();
        ASSERT_TRUE(worked(bind_to(watched(), loopback(family()))));
        ASSERT_TRUE(worked(bind_to(peer(), loopback(family()))));
        for (const auto& [from, to] : {std::pair(watched(), peer()), std::pair(peer(), watched())}) {
            const auto name = local_name(to);
            ASSERT_TRUE(worked(jl_connect(from, name.get(), name.length)));
        }
    }
    void link_members() {
        const auto group = fresh_group(family());
        for (auto* const one : {&watched_, &peer_}) {
            *one = make_leaf();
            ASSERT_TRUE(set_flag(one->get(), SOL_SOCKET, SO_REUSEADDR, 1));
            ASSERT_TRUE(worked(bind_to(one->get(), any_address(family(), group.port()))));
            // One's own sends do not come back, so that what is heard comes from the peer.
            BOOL loop = one == &peer_ ? FALSE : TRUE;
            DWORD bytes = 0;
            ASSERT_TRUE(worked(WSAIoctl(one->get(), SIO_MULTIPOINT_LOOPBACK, &loop, sizeof loop, nullptr, 0,
                                        &bytes, nullptr, nullptr)));
            ASSERT_EQ(one->get(), plain_join(one->get(), group)) << last_failure();
        }
    }
    void link_session() {
        auto root = make_listening_root();
        auto made = add(root.get(), GetParam().built);
        door_ = std::move(made.door);
        if (GetParam().watched == seat::leaf) {
            watched_ = std::move(made.leaf);
            branch_ = std::move(made.branch);
            peer_ = std::move(root);
        } else {
            watched_ = std::move(root);
            peer_ = std::move(made.leaf);
            door_ = std::move(made.branch);
        }
    }
};

} // namespace joinleaf::test
