// SPDX-License-Identifier: Apache-2.0
//
// The condition function of WSAAccept: what it sees, what its answers do, what may not be called inside it
// (AC-05 ... AC-13, AC-22, ST-18).
#include "tests/support/event_watch.hpp"
#include "tests/support/session_fixture.hpp"

#include <functional>
#include <thread>

namespace joinleaf::test {
namespace {

// What a condition function was given, and what it is to answer.
struct script {
    int verdict = CF_ACCEPT;
    std::string reply{};
    std::optional<ULONG> claimed{}; // the length to claim, whatever was written
    GROUP group = 0;
    std::function<void()> inside{};

    int calls = 0;
    std::thread::id thread{};
    address caller{};
    address callee{};
    bool has_data = false;
    std::string data{};
    bool has_qos = false;
    bool has_group_qos = false;
    ULONG room = 0;
    GROUP group_seen = 0;
};

address address_of(const WSABUF& id) {
    address found;
    found.length = static_cast<int>(id.len);
    std::memcpy(&found.storage, id.buf, std::min<std::size_t>(id.len, sizeof found.storage));
    return found;
}

int CALLBACK decide(LPWSABUF caller_id, LPWSABUF caller_data, LPQOS sqos, LPQOS gqos, LPWSABUF callee_id,
                    LPWSABUF callee_data, GROUP* group, DWORD_PTR context) {
    auto& self = from_context<script>(context);
    ++self.calls;
    self.thread = std::this_thread::get_id();
    self.caller = address_of(*caller_id);
    self.callee = address_of(*callee_id);
    self.has_data = caller_data != nullptr;
    self.data = caller_data == nullptr ? "" : std::string(caller_data->buf, caller_data->len);
    self.has_qos = sqos != nullptr;
    self.has_group_qos = gqos != nullptr;
    self.room = callee_data->len;
    self.group_seen = *group;
    *group = self.group;
    self.reply.copy(callee_data->buf, callee_data->len);
    callee_data->len =
        self.claimed.value_or(std::min(callee_data->len, static_cast<ULONG>(self.reply.size())));
    if (self.inside) {
        self.inside();
    }
    return self.verdict;
}

class Condition : public session_test {
  protected:
    void SetUp() override {
        session_test::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        joiner_ = built() == way::invite ? make_root() : make_leaf();
        listener_ = built() == way::invite ? make_listening_leaf() : make_listening_root();
    }
    void TearDown() override {
        returned_.close();
        joiner_.close();
        listener_.close();
        session_test::TearDown();
    }
    // Sends a request by a nonblocking join and waits until it is queued. FD_CONNECT sets the event given.
    void request(WSAEVENT event, const std::string& data = "") {
        ASSERT_TRUE(worked(WSAEventSelect(joiner_.get(), event, FD_CONNECT)));
        std::string text = data;
        WSABUF caller{static_cast<ULONG>(text.size()), text.data()};
        const auto to = local_name(listener_.get());
        const SOCKET started =
            WSAJoinLeaf(joiner_.get(), to.get(), to.length, data.empty() ? nullptr : &caller, &callee_,
                        nullptr, nullptr, JL_BOTH);
        ASSERT_TRUE(worked(started));
        returned_ = owned_socket(started == joiner_.get() ? INVALID_SOCKET : started);
        ASSERT_TRUE(readable(listener_.fd()));
    }
    owned_socket accept_by(script& how) {
        return owned_socket(
            WSAAccept(listener_.get(), nullptr, nullptr, decide, reinterpret_cast<DWORD_PTR>(&how)));
    }
    int outcome(WSAEVENT event) {
        const auto seen = wait_for_event(joiner_.get(), event, FD_CONNECT);
        EXPECT_TRUE(seen.has(FD_CONNECT));
        return seen.code(FD_CONNECT);
    }
    [[nodiscard]] std::string callee() const { return {room_, callee_.len}; }

    owned_socket joiner_;
    owned_socket listener_;
    owned_event told_;

  private:
    owned_socket returned_;
    char room_[64] = "";
    WSABUF callee_{sizeof room_, room_};
};

TEST_P(Condition, AC_05_AC_06_ItSeesTheRequest) {
    ASSERT_TRUE(worked(bind_to(joiner_.get(), loopback(family()))));
    request(told_.get(), "who am I");
    script how;
    const auto accepted = accept_by(how);
    ASSERT_TRUE(accepted) << last_failure();
    EXPECT_EQ(1, how.calls);
    EXPECT_EQ(std::this_thread::get_id(), how.thread);
    EXPECT_EQ(peer_name(accepted.get()), how.caller);
    EXPECT_EQ(local_name(listener_.get()), how.callee);
    EXPECT_EQ("who am I", how.data);
    EXPECT_FALSE(how.has_qos);
    EXPECT_FALSE(how.has_group_qos);
    EXPECT_EQ(64U, how.room);
    EXPECT_EQ(0U, how.group_seen);
    EXPECT_EQ(0, outcome(told_.get()));
}

TEST_P(Condition, AC_05_D_10_NoCallerDataIsNull) {
    request(told_.get());
    script how;
    const auto accepted = accept_by(how);
    EXPECT_TRUE(accepted);
    EXPECT_FALSE(how.has_data);
}

TEST_P(Condition, AC_06_AC_14_ItIsNotCalledWhenNothingIsQueued) {
    ASSERT_TRUE(set_nonblocking(listener_.get()));
    script how;
    EXPECT_TRUE(refused(accept_by(how).get(), WSAEWOULDBLOCK));
    EXPECT_EQ(0, how.calls);
}

TEST_P(Condition, AC_08_RejectEndsTheRequest) {
    request(told_.get());
    script how{.verdict = CF_REJECT};
    EXPECT_TRUE(refused(accept_by(how).get(), WSAECONNREFUSED));
    EXPECT_EQ(WSAECONNREFUSED, outcome(told_.get()));
    ASSERT_TRUE(set_nonblocking(listener_.get()));
    EXPECT_TRUE(refused(accept_by(how).get(), WSAEWOULDBLOCK));
    EXPECT_EQ(1, how.calls);
}

TEST_P(Condition, AC_09_AC_10_DeferKeepsTheRequestAtTheHead) {
    request(told_.get(), "patient");
    script how{.verdict = CF_DEFER};
    EXPECT_TRUE(refused(accept_by(how).get(), WSATRY_AGAIN));
    EXPECT_FALSE(told_.is_set()) << "the joiner stays pending";
    EXPECT_TRUE(refused(accept_by(how).get(), WSATRY_AGAIN));
    EXPECT_EQ(2, how.calls);
    EXPECT_EQ("patient", how.data) << "the same request is offered again";
    how.verdict = CF_ACCEPT;
    EXPECT_TRUE(accept_by(how)) << last_failure();
    EXPECT_EQ(0, outcome(told_.get()));
}

TEST_P(Condition, AC_10_PlainAcceptTakesADeferredRequest) {
    request(told_.get());
    script how{.verdict = CF_DEFER};
    EXPECT_TRUE(refused(accept_by(how).get(), WSATRY_AGAIN));
    const owned_socket accepted(jl_accept(listener_.get(), nullptr, nullptr));
    EXPECT_TRUE(worked(accepted.get()));
    EXPECT_EQ(0, outcome(told_.get()));
}

TEST_P(Condition, AC_09_EV_34_NothingIsIndicatedWhileOneIsDeferred) {
    const event_watch watch(listener_.get(), FD_ACCEPT);
    request(told_.get());
    EXPECT_EQ(0, watch.code(FD_ACCEPT));
    script how{.verdict = CF_DEFER};
    EXPECT_TRUE(refused(accept_by(how).get(), WSATRY_AGAIN));
    EXPECT_TRUE(watch.stays_away(FD_ACCEPT));
    how.verdict = CF_ACCEPT;
    EXPECT_TRUE(accept_by(how));
}

TEST_P(Condition, AC_11_AnyOtherAnswer_FailsWithInvalAndKeepsTheRequest) {
    request(told_.get());
    for (const int verdict : {3, -1, 4711}) {
        script how{.verdict = verdict};
        EXPECT_TRUE(refused(accept_by(how).get(), WSAEINVAL));
        EXPECT_EQ(1, how.calls);
    }
    script how;
    EXPECT_TRUE(accept_by(how));
    EXPECT_EQ(0, outcome(told_.get()));
}

TEST_P(Condition, AC_12_TheReplyIsTheJoinersCalleeData) {
    request(told_.get());
    script how{.reply = "welcome"};
    EXPECT_TRUE(accept_by(how));
    EXPECT_EQ(0, outcome(told_.get()));
    EXPECT_EQ("welcome", callee());
}

TEST_P(Condition, AC_12_ALengthBeyondTheRoomHarmsNobody) {
    request(told_.get());
    script how{.reply = "short", .claimed = 1'000'000};
    const auto accepted = accept_by(how);
    const int code = outcome(told_.get());
    EXPECT_TRUE(code == 0 || code == WSAEFAULT || code == WSAECONNREFUSED) << code_name(code);
    EXPECT_LE(callee().size(), 64U);
}

TEST_P(Condition, AC_13_NoFunctionAcceptsWithoutCalleeData) {
    request(told_.get());
    const owned_socket accepted(WSAAccept(listener_.get(), nullptr, nullptr, nullptr, 0));
    EXPECT_TRUE(worked(accepted.get()));
    EXPECT_EQ(0, outcome(told_.get()));
    EXPECT_EQ("", callee());
}

TEST_P(Condition, AC_23_AGroupIsIgnoredOrInvalid) {
    request(told_.get());
    script how{.group = SG_UNCONSTRAINED_GROUP};
    const auto accepted = accept_by(how);
    EXPECT_TRUE(accepted || WSAGetLastError() == WSAEINVAL) << last_failure();
}

TEST_P(Condition, D_20_TheAddressIsStoredWhateverTheVerdict) {
    request(told_.get());
    script how{.verdict = CF_REJECT};
    address peer;
    peer.length = sizeof peer.storage;
    EXPECT_TRUE(refused(
        WSAAccept(listener_.get(), peer.get(), &peer.length, decide, reinterpret_cast<DWORD_PTR>(&how)),
        WSAECONNREFUSED));
    EXPECT_EQ(how.caller, peer);
}

TEST_P(Condition, ST_18_AC_22_ER_11_CallsThatWouldBlock_FailWithInProgress) {
    request(told_.get());
    auto other_joiner = built() == way::invite ? make_leaf() : make_root();
    auto other_listener = make_listening_root();
    const owned_socket datagrams(jl_socket(family(), SOCK_DGRAM, IPPROTO_UDP));
    ASSERT_TRUE(worked(bind_to(datagrams.get(), loopback(family()))));
    const auto nobody = loopback(family(), free_port(family(), SOCK_STREAM));
    std::vector<int> codes;
    script how;
    how.inside = [&] {
        char byte = 0;
        codes.push_back(failed(plain_join(other_joiner.get(), nobody)) ? WSAGetLastError() : 0);
        codes.push_back(failed(jl_recv(datagrams.get(), &byte, 1, 0)) ? WSAGetLastError() : 0);
        codes.push_back(failed(jl_accept(other_listener.get(), nullptr, nullptr)) ? WSAGetLastError() : 0);
    };
    EXPECT_TRUE(accept_by(how)) << last_failure();
    EXPECT_EQ((std::vector<int>{WSAEINPROGRESS, WSAEINPROGRESS, WSAEINPROGRESS}), codes);
}

TEST_P(Condition, AC_22_ClosingTheListenerInsideDoesNotHang) {
    request(told_.get());
    script how;
    int answer = -1;
    how.inside = [&] { answer = jl_closesocket(listener_.get()) == 0 ? 0 : WSAGetLastError(); };
    const auto accepted = accept_by(how);
    if (answer == 0) {
        static_cast<void>(listener_.release());
    }
    EXPECT_TRUE(answer == 0 || answer == WSAEINPROGRESS) << code_name(answer);
}

INSTANTIATE_TEST_SUITE_P(Transports, Condition,
                         ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

} // namespace
} // namespace joinleaf::test
