// SPDX-License-Identifier: Apache-2.0
//
// Roots and leaves in processes of their own: joining, leaving, dying, coming back (clauses LC-01 ... LC-04,
// LC-19, IO-01 ... IO-08).
#include "tests/support/child_process.hpp"
#include "tests/support/session_fixture.hpp"

#include <memory>

namespace joinleaf::test {
namespace {

bool is_broken(int code) {
    return code == WSAECONNRESET || code == WSAECONNABORTED;
}

std::vector<std::string> member_command(const transport& which, std::vector<std::string> part) {
    const char* const kind = which.kind == plan::rooted    ? "rooted"
                             : which.kind == plan::relayed ? "relayed"
                                                           : "nonrooted";
    std::vector<std::string> command{JOINLEAF_TEST_MEMBER, kind, which.family == AF_INET6 ? "6" : "4"};
    command.insert(command.end(), part.begin(), part.end());
    return command;
}

std::string host_of(const address& name) {
    const auto text = name.text();
    return text.substr(0, text.find(','));
}

// The root is in this process, its leaves are children.
class Processes : public session_test {
  protected:
    struct leaf_process {
        child_process process;
        owned_socket branch;
    };

    leaf_process add_process(SOCKET root) {
        if (built() == way::ask) {
            const auto name = local_name(root);
            leaf_process made{
                child_process(member_command(which(), {"asks", host_of(name), std::to_string(name.port())})),
                owned_socket()};
            made.branch = admit(root);
            EXPECT_EQ("joined", made.process.line());
            return made;
        }
        leaf_process made{child_process(member_command(which(), {"waits"})), owned_socket()};
        const auto line = made.process.line();
        EXPECT_EQ(0U, line.find("listening ")) << line;
        const auto port = std::strtoul(line.c_str() + 10, nullptr, 10);
        const auto outcome = join(root, {.name = loopback(family(), static_cast<std::uint16_t>(port))});
        EXPECT_EQ(0, outcome.error) << code_name(outcome.error);
        made.branch = owned_socket(outcome.socket);
        EXPECT_EQ("joined", made.process.line());
        return made;
    }
};

TEST_P(Processes, IO_01_IO_02_IO_08_DataBetweenProcesses) {
    const auto root = make_listening_root();
    std::vector<leaf_process> leaves;
    leaves.reserve(3);
    for (int i = 0; i < 3; ++i) {
        leaves.push_back(add_process(root.get()));
    }
    ASSERT_EQ(5, send_text(root.get(), "hello"));
    for (auto& one : leaves) {
        EXPECT_EQ("got hello", one.process.line());
    }
    leaves[0].process.say("send from a leaf");
    EXPECT_EQ("from a leaf", next_text(root.get()).value_or("nothing"));
    if (GetParam().over.kind == plan::relayed) {
        EXPECT_EQ("got from a leaf", leaves[1].process.line());
        EXPECT_EQ("got from a leaf", leaves[2].process.line());
    }
}

TEST_P(Processes, LC_01_ALeafThatLeavesIsToldToTheRoot) {
    const auto root = make_listening_root();
    auto one = add_process(root.get());
    auto other = add_process(root.get());
    const event_watch watch(one.branch.get(), FD_CLOSE);
    one.process.say("leave");
    EXPECT_EQ(0, watch.code(FD_CLOSE));
    EXPECT_EQ(0, one.process.wait());
    ASSERT_EQ(2, send_text(root.get(), "on"));
    EXPECT_EQ("got on", other.process.line());
}

TEST_P(Processes, LC_01_IO_07_AKilledLeafIsToldToTheRootAndTheRestGoesOn) {
    const auto root = make_listening_root();
    auto one = add_process(root.get());
    auto other = add_process(root.get());
    const event_watch watch(one.branch.get(), FD_CLOSE);
    one.process.kill();
    const int code = watch.code(FD_CLOSE);
    EXPECT_TRUE(is_broken(code)) << code_name(code);
    EXPECT_EQ(-SIGKILL, one.process.wait());
    ASSERT_EQ(2, send_text(root.get(), "on"));
    EXPECT_EQ("got on", other.process.line());
}

TEST_P(Processes, LC_03_TheEndOfTheRootIsToldToEveryProcess) {
    auto root = make_listening_root();
    auto one = add_process(root.get());
    auto other = add_process(root.get());
    ASSERT_EQ(4, send_text(root.get(), "last"));
    EXPECT_EQ(0, root.close());
    for (auto* leaf : {&one, &other}) {
        EXPECT_EQ("got last", leaf->process.line());
        EXPECT_EQ("ended " + std::to_string(WSAEDISCON), leaf->process.line());
    }
}

TEST_P(Processes, LC_02_ALeafThatIsExcludedIsTold) {
    const auto root = make_listening_root();
    auto one = add_process(root.get());
    EXPECT_EQ(0, one.branch.close());
    EXPECT_EQ("ended " + std::to_string(WSAEDISCON), one.process.line());
}

TEST_P(Processes, TwentyLeaves) {
    const auto root = make_listening_root();
    std::vector<leaf_process> leaves;
    leaves.reserve(20);
    for (int i = 0; i < 20; ++i) {
        leaves.push_back(add_process(root.get()));
    }
    constexpr int count = 50;
    for (int i = 0; i < count; ++i) {
        const auto text = "message " + std::to_string(i);
        ASSERT_EQ(static_cast<int>(text.size()), send_text(root.get(), text));
    }
    for (auto& one : leaves) {
        for (int i = 0; i < count; ++i) {
            ASSERT_EQ("got message " + std::to_string(i), one.process.line());
        }
    }
    for (auto& one : leaves) {
        one.process.say("leave");
        EXPECT_EQ(0, one.process.wait());
        EXPECT_TRUE(readable(one.branch.fd()));
    }
}

TEST_P(Processes, LC_19_ComingBack) {
    const auto root = make_listening_root();
    for (int round = 0; round < 5; ++round) {
        auto one = add_process(root.get());
        const auto text = "round " + std::to_string(round);
        ASSERT_EQ(static_cast<int>(text.size()), send_text(root.get(), text));
        EXPECT_EQ("got " + text, one.process.line());
        if (round % 2 == 0) {
            one.process.kill();
        } else {
            one.process.say("leave");
        }
        EXPECT_TRUE(readable(one.branch.fd()));
    }
}

INSTANTIATE_TEST_SUITE_P(Transports, Processes,
                         ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

// The root is a child, its leaves are here and in other children.
class RootProcess : public root_test {
  protected:
    void SetUp() override {
        root_test::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        root_ = std::make_unique<child_process>(member_command(which(), {"root"}));
        const auto line = root_->line();
        ASSERT_EQ(0U, line.find("listening ")) << line;
        name_ = loopback(family(), static_cast<std::uint16_t>(std::strtoul(line.c_str() + 10, nullptr, 10)));
        leaf_ = make_leaf();
        ASSERT_EQ(leaf_.get(), plain_join(leaf_.get(), name_)) << last_failure();
        EXPECT_EQ("leaf", root_->line());
        other_ = std::make_unique<child_process>(
            member_command(which(), {"asks", host_of(name_), std::to_string(name_.port())}));
        EXPECT_EQ("joined", other_->line());
        EXPECT_EQ("leaf", root_->line());
    }
    void TearDown() override {
        leaf_.close();
        other_.reset();
        root_.reset();
        root_test::TearDown();
    }

    std::unique_ptr<child_process> root_;
    std::unique_ptr<child_process> other_;
    owned_socket leaf_;
    address name_;
};

TEST_P(RootProcess, IO_01_DataFromAnotherProcess) {
    root_->say("send hello");
    EXPECT_EQ("hello", next_text(leaf_.get()).value_or("nothing"));
    EXPECT_EQ("got hello", other_->line());
    ASSERT_EQ(4, send_text(leaf_.get(), "back"));
    EXPECT_EQ("got back", root_->line());
}

TEST_P(RootProcess, LC_04_EV_46_WhenTheRootIsKilledEveryLeafIsTold) {
    const event_watch watch(leaf_.get(), FD_CLOSE);
    root_->kill();
    const int code = watch.code(FD_CLOSE);
    EXPECT_TRUE(is_broken(code)) << code_name(code);
    const auto line = other_->line();
    EXPECT_TRUE(line == "ended " + std::to_string(WSAECONNRESET) ||
                line == "ended " + std::to_string(WSAECONNABORTED))
        << line;
    EXPECT_EQ(SOCKET_ERROR, send_text(leaf_.get(), "anybody?"));
}

TEST_P(RootProcess, LC_03_WhenTheRootLeavesEveryLeafIsTold) {
    root_->say("leave");
    EXPECT_EQ(0, root_->wait());
    EXPECT_EQ(WSAEDISCON, failure_of_receive(leaf_.get()));
    EXPECT_EQ("ended " + std::to_string(WSAEDISCON), other_->line());
}

TEST_P(RootProcess, LC_07_LC_19_ANewRootOnTheSamePortIsJoinedByNewSockets) {
    root_->kill();
    EXPECT_TRUE(is_broken(failure_of_receive(leaf_.get())));
    EXPECT_TRUE(refused(plain_join(leaf_.get(), name_), {WSAEISCONN, WSAEINVAL}))
        << "a broken socket is thrown away";
    root_->wait();
    const auto root = make_root();
    ASSERT_TRUE(set_flag(root.get(), SOL_SOCKET, SO_REUSEADDR, 1));
    ASSERT_TRUE(eventually([&] { return bind_to(root.get(), name_) == 0; })) << last_failure();
    ASSERT_TRUE(worked(jl_listen(root.get(), 4)));
    const auto again = ask(root.get());
    ASSERT_EQ(5, send_text(root.get(), "again"));
    EXPECT_EQ("again", next_text(again.leaf.get()).value_or("nothing"));
}

INSTANTIATE_TEST_SUITE_P(Transports, RootProcess, ::testing::ValuesIn(session_transports()), transport_name());

// A session without a root, its members in several processes.
class GroupProcesses : public transport_test {
  protected:
    // A member whose join binds it; the port that it has got.
    std::uint16_t add_bound_by_join(const std::string& part, const address& group) {
        members_.emplace_back(member_command(which(), {part, host_of(group), std::to_string(group.port())}));
        EXPECT_EQ("joined", members_.back().line());
        const auto line = members_.back().line();
        EXPECT_EQ(0U, line.find("on ")) << line;
        return static_cast<std::uint16_t>(std::strtoul(line.c_str() + 3, nullptr, 10));
    }
    // Sends only, so that it takes no part in who has the port.
    owned_socket make_sender(const address& group) {
        auto made = make_leaf();
        EXPECT_EQ(made.get(), plain_join(made.get(), group, JL_SENDER_ONLY)) << last_failure();
        return made;
    }

    std::vector<child_process> members_;
};

TEST_P(GroupProcesses, IO_04_LC_06_EveryMemberHearsEveryOtherAndNobodyMissesTheDead) {
    const auto group = fresh_group(family());
    std::vector<child_process> members;
    for (int i = 0; i < 4; ++i) {
        members.emplace_back(member_command(which(), {"joins", host_of(group), std::to_string(group.port())}));
        ASSERT_EQ("joined", members.back().line());
    }
    const auto own = make_leaf();
    ASSERT_TRUE(set_flag(own.get(), SOL_SOCKET, SO_REUSEADDR, 1));
    ASSERT_TRUE(worked(bind_to(own.get(), any_address(family(), group.port()))));
    ASSERT_EQ(own.get(), plain_join(own.get(), group));
    ASSERT_EQ(5, send_text(own.get(), "hello"));
    for (auto& one : members) {
        EXPECT_EQ("got hello", one.line());
    }
    EXPECT_EQ("hello", next_text(own.get()).value_or("nothing"));
    members[0].say("send from a member");
    EXPECT_EQ("from a member", next_text(own.get()).value_or("nothing"));
    for (auto& one : members) {
        EXPECT_EQ("got from a member", one.line());
    }
    members[1].kill();
    members[1].wait();
    members[2].say("leave");
    EXPECT_EQ(0, members[2].wait());
    ASSERT_EQ(5, send_text(own.get(), "still"));
    EXPECT_EQ("got still", members[0].line());
    EXPECT_EQ("got still", members[3].line());
}

TEST_P(GroupProcesses, IO_25_AProcessThatIsDeafToItsHost_IsHeardByTheOthers) {
    const auto group = fresh_group(family());
    std::vector<child_process> members;
    for (int i = 0; i < 3; ++i) {
        members.emplace_back(member_command(which(), {"joins", host_of(group), std::to_string(group.port())}));
        ASSERT_EQ("joined", members.back().line());
    }
    members[0].say("deaf to this host");
    ASSERT_EQ("deaf", members[0].line());
    members[0].say("send from the deaf");
    EXPECT_EQ("got from the deaf", members[1].line());
    EXPECT_EQ("got from the deaf", members[2].line());
    members[1].say("send to the others");
    EXPECT_EQ("got to the others", members[1].line());
    EXPECT_EQ("got to the others", members[2].line());
    members[0].say("deaf to this host"); // it answers this, and had nothing else to say
    EXPECT_EQ("deaf", members[0].line());
}

TEST_P(GroupProcesses, JL_23_JoinsInSeveralProcessesShareThePort_EachGetsEveryDatagram) {
    const auto group = fresh_group(family());
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(group.port(), add_bound_by_join("shares", group));
    }
    constexpr int count = 50;
    const auto sender = make_sender(group);
    for (int i = 0; i < count; ++i) {
        const auto text = "message " + std::to_string(i);
        ASSERT_EQ(static_cast<int>(text.size()), send_text(sender.get(), text));
    }
    for (auto& one : members_) {
        for (int i = 0; i < count; ++i) {
            ASSERT_EQ("got message " + std::to_string(i), one.line());
        }
    }
    for (int i = 0; i < 3; ++i) {
        members_[static_cast<std::size_t>(i)].say("send from " + std::to_string(i));
        for (auto& one : members_) {
            EXPECT_EQ("got from " + std::to_string(i), one.line());
        }
    }
}

// Whoever comes first: sharing takes both.
TEST_P(GroupProcesses, JL_23_AProcessThatDoesNotShare_LeavesThePortToTheFirst) {
    for (const auto& [first, second] : {std::pair("alone", "shares"), std::pair("shares", "alone")}) {
        members_.clear();
        const auto group = fresh_group(family());
        EXPECT_EQ(group.port(), add_bound_by_join(first, group));
        const auto other_port = add_bound_by_join(second, group);
        EXPECT_NE(0, other_port);
        EXPECT_NE(group.port(), other_port);
        const auto sender = make_sender(group);
        ASSERT_EQ(5, send_text(sender.get(), "hello"));
        EXPECT_EQ("got hello", members_[0].line());
        EXPECT_EQ("(nothing)", members_[1].line(vigilance)) << "it is not on the port of the session";
    }
}

TEST_P(GroupProcesses, ER_02_JL_16_ThePortOfAProcessThatDoesNotShare_IsTakenUntilItLeaves) {
    const auto group = fresh_group(family());
    EXPECT_EQ(group.port(), add_bound_by_join("alone", group));
    const auto own = make_leaf();
    ASSERT_TRUE(set_flag(own.get(), SOL_SOCKET, SO_REUSEADDR, 1));
    EXPECT_TRUE(refused(bind_to(own.get(), any_address(family(), group.port())), {WSAEADDRINUSE}));
    members_[0].say("leave");
    EXPECT_EQ(0, members_[0].wait());
    EXPECT_TRUE(worked(bind_to(own.get(), any_address(family(), group.port()))));
    ASSERT_EQ(own.get(), plain_join(own.get(), group));
    ASSERT_EQ(5, send_text(own.get(), "hello"));
    EXPECT_EQ("hello", next_text(own.get()).value_or("nothing"));
}

INSTANTIATE_TEST_SUITE_P(Transports, GroupProcesses, ::testing::ValuesIn(transports_of({plan::nonrooted})),
                         transport_name());

} // namespace
} // namespace joinleaf::test
