// SPDX-License-Identifier: Apache-2.0
//
// Blocking joins by both control schemes: outcome, returned socket, data at join time, names (clauses JL-20
// ... JL-44, JL-70 ... JL-86).
#include "tests/support/event_watch.hpp"
#include "tests/support/footprint.hpp"
#include "tests/support/kernel_listener.hpp"
#include "tests/support/session_fixture.hpp"

namespace joinleaf::test {
namespace {

// A condition function that answers with fixed bytes.
struct answer {
    int verdict = CF_ACCEPT;
    std::string callee;
    std::string seen;
    ULONG room = 0;
};

int CALLBACK give_answer(LPWSABUF, LPWSABUF data, LPQOS, LPQOS, LPWSABUF, LPWSABUF callee, GROUP*,
                         DWORD_PTR context) {
    auto& script = from_context<answer>(context);
    script.seen = data == nullptr ? "" : std::string(data->buf, data->len);
    script.room = callee->len;
    callee->len = std::min(callee->len, static_cast<ULONG>(script.callee.size()));
    script.callee.copy(callee->buf, callee->len);
    return script.verdict;
}

class Join : public session_test {
  protected:
    // A leaf in the making: who joins whom, with a condition function at the accepting side.
    struct meeting {
        owned_socket root, leaf, accepted;
        join_outcome outcome;
    };
    meeting meet(const join_request& extra, answer& script) {
        meeting made;
        made.root = make_listening_root();
        made.leaf = built() == way::invite ? make_listening_leaf() : make_leaf();
        auto& joiner = built() == way::invite ? made.root : made.leaf;
        auto& listener = built() == way::invite ? made.leaf : made.root;
        join_request asked = extra;
        asked.name = local_name(listener.get());
        auto joining = join_in_background(joiner.get(), asked);
        EXPECT_TRUE(readable(listener.fd()));
        made.accepted = owned_socket(
            WSAAccept(listener.get(), nullptr, nullptr, give_answer, reinterpret_cast<DWORD_PTR>(&script)));
        made.outcome = result_of(joining, "WSAJoinLeaf");
        if (built() == way::invite && made.outcome.socket != INVALID_SOCKET) {
            invited_ = owned_socket(made.outcome.socket);
        }
        return made;
    }
    void TearDown() override {
        invited_.close();
        session_test::TearDown();
    }

  private:
    owned_socket invited_;
};

TEST_P(Join, JL_40_JL_70_JL_74_JL_75_JL_97_JL_98_ASuccessfulJoinReturnsItsSocket) {
    const auto root = make_listening_root();
    const auto one = add_leaf(root);
    ASSERT_TRUE(one.leaf);
    ASSERT_TRUE(one.branch);
    EXPECT_NE(root.get(), one.branch.get());
    ASSERT_EQ(4, send_text(root.get(), "data")) << "usable at once: " << last_failure();
    EXPECT_EQ("data", next_text(one.leaf.get()).value_or("nothing"));
}

TEST_P(Join, JL_70_JL_76_AC_26_TheRootsSocketForALeafIsALeafSocket) {
    const auto root = make_listening_root();
    const auto one = add_leaf(root);
    // A c_root could do either (AC-25, JL-32).
    EXPECT_TRUE(refused(jl_listen(one.branch.get(), 1), {WSAEISCONN, WSAEOPNOTSUPP}));
    EXPECT_TRUE(refused(plain_join(one.branch.get(), local_name(root.get())), {WSAEISCONN, WSAEINVAL}));
}

TEST_P(Join, JL_74_ALeafThatAsksGetsNoNewDescriptor) {
    if (built() == way::invite) {
        GTEST_SKIP() << "an invitation makes a new socket";
    }
    const auto root = make_listening_root();
    const auto first = add_leaf(root); // everything that is made once is there now
    const kernel_listener silent(family());
    const auto leaf = make_leaf();
    const auto before = open_descriptors();
    ASSERT_TRUE(set_nonblocking(leaf.get()));
    EXPECT_EQ(leaf.get(), plain_join(leaf.get(), silent.name()));
    EXPECT_EQ(before, open_descriptors());
}

TEST_P(Join, JL_31_ER_09_AMemberCannotJoinAgain) {
    if (built() == way::invite) {
        GTEST_SKIP() << "an invited leaf joins by accepting";
    }
    const auto root = make_listening_root();
    const auto other = make_listening_root();
    const auto one = add_leaf(root);
    EXPECT_TRUE(refused(plain_join(one.leaf.get(), local_name(root.get())), WSAEISCONN));
    EXPECT_TRUE(refused(plain_join(one.leaf.get(), local_name(other.get())), WSAEISCONN));
}

TEST_P(Join, JL_36_ConnectOnAMember_FailsWithIsConn) {
    const auto root = make_listening_root();
    const auto one = add_leaf(root);
    const auto name = local_name(root.get());
    EXPECT_TRUE(refused(jl_connect(one.leaf.get(), name.get(), name.length), WSAEISCONN));
}

TEST_P(Join, JL_32_ARootTakesAnyNumberOfLeaves) {
    const auto root = make_listening_root();
    std::vector<member> members;
    members.reserve(5);
    for (int i = 0; i < 5; ++i) {
        members.push_back(add_leaf(root));
    }
    ASSERT_EQ(3, send_text(root.get(), "all"));
    for (const auto& one : members) {
        EXPECT_EQ("all", next_text(one.leaf.get()).value_or("nothing"));
    }
}

TEST_P(Join, JL_80_JL_81_JL_82_JL_85_AC_05_AC_12_DataTravelsBothWays) {
    const std::string caller("bytes \0 with zeros", 18);
    answer script{CF_ACCEPT, std::string("answer \0 too", 12), "", 0};
    const auto made = meet({.name = {}, .caller = caller, .callee_room = 100}, script);
    EXPECT_EQ(0, made.outcome.error) << code_name(made.outcome.error);
    EXPECT_EQ(caller, script.seen);
    EXPECT_EQ(12U, made.outcome.callee_length);
    EXPECT_EQ(script.callee, made.outcome.callee);
}

TEST_P(Join, JL_81_AC_12_NoCalleeDataMakesTheLengthZero) {
    answer script;
    const auto made = meet({.name = {}, .callee_room = 100}, script);
    EXPECT_EQ(0, made.outcome.error);
    EXPECT_EQ(0U, made.outcome.callee_length);
    EXPECT_EQ("", script.seen);
}

TEST_P(Join, JL_83_AC_08_ER_06_ARejectedJoinFailsAndLeavesNoCalleeData) {
    answer script{CF_REJECT, "unwanted", "", 0};
    const auto made = meet({.name = {}, .callee_room = 100}, script);
    EXPECT_EQ(INVALID_SOCKET, made.outcome.socket);
    EXPECT_EQ(WSAECONNREFUSED, made.outcome.error) << code_name(made.outcome.error);
    EXPECT_EQ(0U, made.outcome.callee_length);
}

TEST_P(Join, JL_84_TheConditionFunctionIsOfferedTheJoinersRoom) {
    answer script{CF_ACCEPT, "more than there is room for", "", 0};
    const auto made = meet({.name = {}, .callee_room = 7}, script);
    EXPECT_EQ(0, made.outcome.error);
    EXPECT_EQ(7U, script.room);
    EXPECT_EQ("more th", made.outcome.callee);
}

TEST_P(Join, JL_84_AJoinerThatWantsNoneOffersNoRoom) {
    answer script{CF_ACCEPT, "nobody wants this", "", 0};
    const auto made = meet({.name = {}}, script);
    EXPECT_EQ(0, made.outcome.error);
    EXPECT_EQ(0U, script.room);
}

TEST_P(Join, JL_10_JL_12_EmptyBuffersCountAsNone) {
    answer script{CF_ACCEPT, "x", "", 0};
    const auto made = meet({.name = {}, .caller = "", .callee_room = 0}, script);
    EXPECT_EQ(0, made.outcome.error) << code_name(made.outcome.error);
    EXPECT_EQ("", script.seen);
    EXPECT_EQ(0U, made.outcome.callee_length);
}

TEST_P(Join, JL_80_AsMuchDataAsTheProviderCarries) {
    const std::string much(1024, 'm');
    answer script{CF_ACCEPT, std::string(1024, 'a'), "", 0};
    const auto made = meet({.name = {}, .caller = much, .callee_room = 2048}, script);
    EXPECT_EQ(0, made.outcome.error);
    EXPECT_EQ(much, script.seen);
    EXPECT_EQ(script.callee, made.outcome.callee);
}

TEST_P(Join, JL_78_PeerNames) {
    const auto root = make_listening_root();
    const auto one = add_leaf(root);
    address ignored;
    ignored.length = sizeof ignored.storage;
    EXPECT_TRUE(refused(jl_getpeername(root.get(), ignored.get(), &ignored.length), WSAENOTCONN));
    const auto of_branch = peer_name(one.branch.get());
    const auto of_leaf = peer_name(one.leaf.get());
    EXPECT_EQ(local_name(one.leaf.get()), of_branch);
    if (built() == way::ask) {
        EXPECT_EQ(local_name(root.get()), of_leaf);
    } else {
        EXPECT_EQ(local_name(one.door.get()), of_branch);
        EXPECT_EQ(loopback(family()).text().substr(0, 4), of_leaf.text().substr(0, 4));
        EXPECT_NE(0, of_leaf.port());
    }
}

TEST_P(Join, JL_71_TheNewSocketHasThePropertiesOfTheRoot) {
    const auto root = make_listening_root();
    linger asked{1, 7};
    ASSERT_TRUE(worked(jl_setsockopt(root.get(), SOL_SOCKET, SO_LINGER, &asked, sizeof asked)));
    const auto one = add_leaf(root);
    linger found{};
    int length = sizeof found;
    ASSERT_TRUE(worked(jl_getsockopt(one.branch.get(), SOL_SOCKET, SO_LINGER, &found, &length)));
    EXPECT_EQ(1, found.l_onoff);
    EXPECT_EQ(7, found.l_linger);
}

TEST_P(Join, JL_14_EveryLawfulDirectionIsTaken) {
    const auto root = make_listening_root();
    for (const DWORD direction :
         {DWORD{JL_SENDER_ONLY}, DWORD{JL_RECEIVER_ONLY}, DWORD{JL_BOTH}, DWORD{1 | 2}, DWORD{4 | 1}}) {
        const auto one = add(root.get(), built(), {.name = {}, .direction = direction});
        EXPECT_TRUE(one.leaf) << direction;
    }
}

INSTANTIATE_TEST_SUITE_P(Transports, Join, ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

// Joins that fail, or wait, whoever asks.
class JoinOutcome : public root_test {};

TEST_P(JoinOutcome, JL_41_ER_06_NobodyListening_FailsWithConnRefused) {
    const auto leaf = make_leaf();
    const auto root = make_root();
    const auto nobody = loopback(family(), free_port(family(), SOCK_STREAM));
    EXPECT_TRUE(refused(plain_join(leaf.get(), nobody), WSAECONNREFUSED));
    EXPECT_TRUE(refused(plain_join(root.get(), nobody), WSAECONNREFUSED));
}

TEST_P(JoinOutcome, JL_41_ER_13_NoRoute_FailsWithNetUnreach) {
    if (!private_network_refusal().empty()) {
        GTEST_SKIP() << "a network without a default route: " << private_network_refusal();
    }
    const auto leaf = make_leaf();
    const auto far_away = make_address(family() == AF_INET6 ? "2001:db8::1" : "192.0.2.1", 9);
    EXPECT_TRUE(refused(plain_join(leaf.get(), far_away), WSAENETUNREACH));
}

TEST_P(JoinOutcome, JL_33_AFailedSocketCanTryAgainAndSucceed) {
    const auto root = make_listening_root();
    const auto leaf = make_leaf();
    const auto nobody = loopback(family(), free_port(family(), SOCK_STREAM));
    EXPECT_TRUE(refused(plain_join(leaf.get(), nobody), WSAECONNREFUSED));
    EXPECT_TRUE(refused(plain_join(leaf.get(), nobody), WSAECONNREFUSED));
    auto joining = join_in_background(leaf.get(), {.name = local_name(root.get())});
    const auto branch = admit(root.get());
    EXPECT_EQ(leaf.get(), result_of(joining, "the third join").socket);
}

TEST_P(JoinOutcome, JL_33_ARootCanInviteAgainAfterAFailure) {
    const auto root = make_root();
    const auto nobody = loopback(family(), free_port(family(), SOCK_STREAM));
    EXPECT_TRUE(refused(plain_join(root.get(), nobody), WSAECONNREFUSED));
    const auto one = invite(root.get());
    EXPECT_TRUE(one.branch);
}

TEST_P(JoinOutcome, JL_41_JL_42_ER_18_ARequestThatNobodyAccepts_TimesOut) {
    restart({.tcp = "join_timeout: 300ms"});
    const auto root = make_listening_root();
    const auto leaf = make_leaf();
    EXPECT_TRUE(refused(plain_join(leaf.get(), local_name(root.get())), WSAETIMEDOUT));
}

TEST_P(JoinOutcome, JL_42_ABacklogIsNoSuccess) {
    const auto root = make_listening_root();
    const auto leaf = make_leaf();
    auto joining = join_in_background(leaf.get(), {.name = local_name(root.get())});
    ASSERT_TRUE(readable(root.fd()));
    EXPECT_FALSE(is_done(joining, vigilance));
    const auto branch = admit(root.get());
    EXPECT_EQ(0, result_of(joining, "WSAJoinLeaf").error);
}

TEST_P(JoinOutcome, JL_44_LC_17_ClosingTheSocketEndsABlockedJoin) {
    const auto root = make_listening_root();
    auto leaf = make_leaf();
    auto joining = join_in_background(leaf.get(), {.name = local_name(root.get())});
    ASSERT_TRUE(readable(root.fd()));
    EXPECT_EQ(0, leaf.close());
    const auto outcome = result_of(joining, "WSAJoinLeaf on a closed socket");
    EXPECT_EQ(INVALID_SOCKET, outcome.socket);
    EXPECT_TRUE(outcome.error == WSAEINTR || outcome.error == WSAENOTSOCK) << code_name(outcome.error);
}

TEST_P(JoinOutcome, JL_20_JL_21_TheAttemptBindsTheSocketEvenIfItFails) {
    const auto leaf = make_leaf();
    const auto nobody = loopback(family(), free_port(family(), SOCK_STREAM));
    EXPECT_TRUE(refused(plain_join(leaf.get(), nobody), WSAECONNREFUSED));
    EXPECT_NE(0, local_name(leaf.get()).port());
    EXPECT_TRUE(refused(bind_to(leaf.get(), loopback(family())), WSAEINVAL));
}

TEST_P(JoinOutcome, JL_22_ABoundSocketKeepsItsAddress) {
    const auto root = make_listening_root();
    const auto leaf = make_leaf();
    ASSERT_TRUE(worked(bind_to(leaf.get(), loopback(family()))));
    const auto before = local_name(leaf.get());
    auto joining = join_in_background(leaf.get(), {.name = local_name(root.get())});
    const auto branch = admit(root.get());
    EXPECT_EQ(0, result_of(joining, "WSAJoinLeaf").error);
    EXPECT_EQ(before, local_name(leaf.get()));
    EXPECT_EQ(before, peer_name(branch.get()));
}

TEST_P(JoinOutcome, AC_04_RolesThatDoNotFitAreRefused) {
    const auto root = make_listening_root();
    const auto other_root = make_root();
    EXPECT_TRUE(refused(plain_join(other_root.get(), local_name(root.get())), WSAECONNREFUSED))
        << "a root invites a root";
    const auto leaf = make_listening_leaf();
    const auto other_leaf = make_leaf();
    EXPECT_TRUE(refused(plain_join(other_leaf.get(), local_name(leaf.get())), WSAECONNREFUSED))
        << "a leaf asks a leaf";
    EXPECT_TRUE(stays_silent(root.get()));
    EXPECT_TRUE(stays_silent(leaf.get()));
}

TEST_P(JoinOutcome, JL_15_JL_52_AC_25_AListeningRootInvitesAndIsAskedAlike) {
    const auto root = make_listening_root();
    const auto invited = invite(root.get());
    const auto asked = ask(root.get());
    const auto again = invite(root.get());
    ASSERT_EQ(5, send_text(root.get(), "three"));
    for (const auto* one : {&invited, &asked, &again}) {
        EXPECT_EQ("three", next_text(one->leaf.get()).value_or("nothing"));
    }
}

TEST_P(JoinOutcome, AC_25_ARootWithLeavesMayStartToListen) {
    const auto root = make_root();
    ASSERT_TRUE(worked(bind_to(root.get(), loopback(family()))));
    const auto invited = invite(root.get());
    ASSERT_TRUE(worked(jl_listen(root.get(), 4)));
    const auto asked = ask(root.get());
    EXPECT_TRUE(asked.leaf);
}

INSTANTIATE_TEST_SUITE_P(Transports, JoinOutcome, ::testing::ValuesIn(session_transports()), transport_name());

} // namespace
} // namespace joinleaf::test
