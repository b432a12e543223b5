// SPDX-License-Identifier: Apache-2.0
//
// Sessions with a root, over every transport that has one and built in both ways.
#pragma once

#include "tests/support/event_watch.hpp"
#include "tests/support/session.hpp"

#include <tuple>

namespace joinleaf::test {

struct session_plan {
    transport over;
    way built;
};

inline std::ostream& operator<<(std::ostream& out, const session_plan& what) {
    return out << what.over.name << (what.built == way::invite ? "_invited" : "_asked");
}

inline std::vector<session_plan> session_plans(std::initializer_list<plan> kinds) {
    std::vector<session_plan> plans;
    for (const auto& over : transports_of(kinds)) {
        plans.push_back({over, way::invite});
        plans.push_back({over, way::ask});
    }
    return plans;
}

struct session_plan_name {
    template <class Info> std::string operator()(const Info& info) const {
        std::ostringstream out;
        out << info.param;
        return out.str();
    }
};

// What tests of rooted sessions share.
class session_guard : protected transport_guard {
  protected:
    // A c_root bound to the loopback address; listening, so that leaves may ask.
    [[nodiscard]] owned_socket make_listening_root() {
        auto root = make_root();
        EXPECT_TRUE(listen_on_loopback(root.get(), family()));
        return root;
    }
    [[nodiscard]] owned_socket make_listening_leaf() {
        auto leaf = make_leaf();
        EXPECT_TRUE(listen_on_loopback(leaf.get(), family()));
        return leaf;
    }
    // The next request of a listener, admitted; the wait has a deadline in both modes.
    [[nodiscard]] static owned_socket admit(SOCKET listener) {
        if (!readable(static_cast<int>(listener))) {
            ADD_FAILURE() << "no request arrives";
            return {}; // a blocking accept would never come back
        }
        SOCKET admitted = INVALID_SOCKET;
        const bool done = eventually([&] {
            admitted = jl_accept(listener, nullptr, nullptr);
            return admitted != INVALID_SOCKET || WSAGetLastError() != WSAEWOULDBLOCK;
        });
        EXPECT_TRUE(done && admitted != INVALID_SOCKET) << last_failure();
        return owned_socket(admitted);
    }

    // Adds a leaf to a blocking root, by invitation.
    [[nodiscard]] member invite(SOCKET root, const join_request& extra = {}) {
        need(way::invite);
        member made;
        made.door = make_listening_leaf();
        join_request asked = extra;
        asked.name = local_name(made.door.get());
        auto joining = join_in_background(root, asked);
        made.leaf = admit(made.door.get());
        const auto outcome = result_of(joining, "WSAJoinLeaf on the root");
        EXPECT_EQ(0, outcome.error) << code_name(outcome.error);
        made.branch = owned_socket(outcome.socket);
        return made;
    }

    // Adds a leaf that asks the listening root.
    [[nodiscard]] member ask(SOCKET root, const join_request& extra = {}) {
        need(way::ask);
        member made;
        made.leaf = make_leaf();
        join_request asked = extra;
        asked.name = local_name(root);
        auto joining = join_in_background(made.leaf.get(), asked);
        made.branch = admit(root);
        const auto outcome = result_of(joining, "WSAJoinLeaf on the leaf");
        EXPECT_EQ(0, outcome.error) << code_name(outcome.error);
        EXPECT_EQ(made.leaf.get(), outcome.socket);
        return made;
    }

    // The case does not apply where the entry's sessions are not built that way.
    void need(way built) const {
        if (built == way::invite ? !which().invites : !which().asks) {
            not_applicable(built == way::invite ? "JL_CAN_INVITE" : "JL_CAN_ASK");
        }
    }

    // Adds a leaf in whichever way the entry's sessions are built.
    [[nodiscard]] member add_somehow(SOCKET root, const join_request& extra = {}) {
        return which().asks ? ask(root, extra) : invite(root, extra);
    }

    [[nodiscard]] member add(SOCKET root, way built, const join_request& extra = {}) {
        return built == way::invite ? invite(root, extra) : ask(root, extra);
    }
};

// A test of sessions over one transport, built in one way.
class session_test : public ::testing::TestWithParam<session_plan>, protected session_guard {
  protected:
    void SetUp() override {
        if (const auto lacking = prepare(GetParam().over); !lacking.empty()) {
            GTEST_SKIP() << lacking;
        }
        need(GetParam().built);
    }
    void TearDown() override { end(); }

    [[nodiscard]] way built() const { return GetParam().built; }
    [[nodiscard]] member add_leaf(const owned_socket& root) { return add(root.get(), built()); }
};

// A test of one transport with a root, for what depends on who asks whom.
class root_test : public ::testing::TestWithParam<transport>, protected session_guard {
  protected:
    void SetUp() override {
        if (const auto lacking = prepare(GetParam()); !lacking.empty()) {
            GTEST_SKIP() << lacking;
        }
    }
    void TearDown() override { end(); }
};

} // namespace joinleaf::test
