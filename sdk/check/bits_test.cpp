// SPDX-License-Identifier: Apache-2.0
//
// Every capability bit in both ways: a bit that is set has behaviour behind it, and behaviour that no bit announces is remarked
// upon (JLP-3). What the runtime refuses for want of a bit is tried with the bit claimed on the provider's behalf.
#include "tests/support/event_watch.hpp"
#include "tests/support/session_fixture.hpp"

#include <joinleaf/provider.h>

#include <unistd.h>

namespace joinleaf::test {
namespace {

// The bits of an entry of any kind.
class Bits : public transport_test {
  protected:
    [[nodiscard]] DWORD role() const {
        return has(XP1_SUPPORT_MULTIPOINT) ? leaf_flags : DWORD{WSA_FLAG_OVERLAPPED};
    }
    [[nodiscard]] bool shares_its_triple() const {
        const auto entries = catalog_entries();
        return std::count_if(entries.begin(), entries.end(), [this](const WSAPROTOCOL_INFOW& other) {
                   return std::memcmp(&other.ProviderId, &entry().ProviderId, sizeof other.ProviderId) == 0 &&
                          other.iAddressFamily == entry().iAddressFamily &&
                          other.iSocketType == entry().iSocketType && other.iProtocol == entry().iProtocol;
               }) > 1;
    }
};

TEST_P(Bits, JLP_3_CT_41_PFL_MATCHES_PROTOCOL_ZERO) {
    const DWORD flags = (entry().dwServiceFlags1 & XP1_MULTIPOINT_CONTROL_PLANE) != 0
                            ? root_flags | root_data_flag()
                            : role();
    const owned_socket s(WSASocketW(entry().iAddressFamily, entry().iSocketType, 0, nullptr, 0, flags));
    WSAPROTOCOL_INFOW chosen{};
    int length = sizeof chosen;
    const bool known = s && jl_getsockopt(s.get(), SOL_SOCKET, SO_PROTOCOL_INFOW, &chosen, &length) == 0;
    if ((entry().dwProviderFlags & PFL_MATCHES_PROTOCOL_ZERO) != 0) {
        ASSERT_TRUE(known) << last_failure();
        EXPECT_NE(0U, chosen.dwProviderFlags & PFL_MATCHES_PROTOCOL_ZERO);
    } else if (known) {
        EXPECT_NE(entry().dwCatalogEntryId, chosen.dwCatalogEntryId);
    }
}

TEST_P(Bits, JLP_3_CT_11_PFL_MULTIPLE_PROTO_ENTRIES) {
    const bool set = (entry().dwProviderFlags & PFL_MULTIPLE_PROTO_ENTRIES) != 0;
    if (shares_its_triple() && !set) {
        warn("several entries of one family, type and protocol without PFL_MULTIPLE_PROTO_ENTRIES");
    }
    EXPECT_TRUE(shares_its_triple() || !set)
        << "no other entry has the family, type and protocol of this one";
}

TEST_P(Bits, JLP_3_ReservedBitsAreClear) {
    constexpr DWORD reserved = XP1_INTERRUPT | XP1_SAN_SUPPORT_SDP;
    EXPECT_EQ(0U, entry().dwServiceFlags1 & reserved);
    EXPECT_EQ(0U, entry().dwServiceFlags2 | entry().dwServiceFlags3 | entry().dwServiceFlags4);
}

TEST_P(Bits, JLP_3_IO_11_XP1_MESSAGE_ORIENTED) {
    EXPECT_EQ(has(XP1_MESSAGE_ORIENTED), entry().dwMessageSize != 0) << "0 stands for a byte stream";
    EXPECT_FALSE(has(XP1_PSEUDO_STREAM) && !has(XP1_MESSAGE_ORIENTED));
    EXPECT_FALSE(has(XP1_PARTIAL_MESSAGE) && !has(XP1_MESSAGE_ORIENTED));
}

TEST_P(Bits, JLP_3_QS_08_XP1_QOS_SUPPORTED) {
    const bool claimed = !has(XP1_QOS_SUPPORTED);
    if (claimed) {
        claim({.services = XP1_QOS_SUPPORTED});
        if (!has(XP1_QOS_SUPPORTED)) {
            return; // there is no function that could do it
        }
    }
    const auto s = make(role());
    ASSERT_TRUE(worked(bind_to(s.get(), any_address(family()))));
    const FLOWSPEC flow{100'000,           20'000,
                        200'000,           QOS_NOT_SPECIFIED,
                        QOS_NOT_SPECIFIED, SERVICETYPE_CONTROLLEDLOAD,
                        QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED};
    QOS wanted{flow, flow, {0, nullptr}};
    DWORD bytes = 0;
    const int answer =
        WSAIoctl(s.get(), SIO_SET_QOS, &wanted, sizeof wanted, nullptr, 0, &bytes, nullptr, nullptr);
    if (claimed) {
        if (answer == 0) {
            warn("SIO_SET_QOS works, but XP1_QOS_SUPPORTED is clear");
        }
        return;
    }
    EXPECT_TRUE(worked(answer));
}

TEST_P(Bits, JLP_3_CT_69_JL_CAN_MIX_ORDINARY) {
    const bool claimed = !which().ordinary;
    if (claimed) {
        claim({.abilities = JL_CAN_MIX_ORDINARY});
    }
    if (!has(XP1_CONNECTIONLESS)) {
        if (!claimed) {
            const owned_socket s(make_raw(WSA_FLAG_OVERLAPPED));
            ASSERT_TRUE(worked(s.get()));
            EXPECT_TRUE(worked(bind_to(s.get(), loopback(family()))));
        }
        return;
    }
    const owned_socket from(make_raw(WSA_FLAG_OVERLAPPED));
    const owned_socket to(make_raw(WSA_FLAG_OVERLAPPED));
    const bool bound = to && bind_to(to.get(), loopback(family())) == 0;
    const auto there = bound ? local_name(to.get()) : address{};
    const bool sent = bound && jl_sendto(from.get(), "x", 1, 0, there.get(), there.length) == 1;
    const bool works = sent && readable(to.fd(), claimed ? vigilance : std::chrono::milliseconds(patience)) &&
                       receive_text(to.get()) == "x";
    if (claimed && works) {
        warn("ordinary sockets work, but JL_CAN_MIX_ORDINARY is clear");
    }
    EXPECT_TRUE(works || claimed) << "a datagram between two ordinary sockets does not arrive";
}

INSTANTIATE_TEST_SUITE_P(Transports, Bits, ::testing::ValuesIn(all_transports()), transport_name());

// The bits of an entry whose sessions have a root.
class RootBits : public root_test {
  protected:
    // Shows the bits as set where they are clear; whether it had to.
    bool claim_if_clear(bool set, const claimed_bits& bits) {
        if (!set) {
            claim(bits);
        }
        return !set;
    }
    // The outcome of a bit that was tried: set, it must work; claimed, that it works is a remark.
    static void judge(bool works, bool claimed, const std::string& bit, const std::string& what) {
        if (claimed && works) {
            warn(what + ", but " + bit + " is clear");
        }
        EXPECT_TRUE(works || claimed) << bit << " is set: " << what << " should hold, and does not";
    }
};

TEST_P(RootBits, JLP_3_JL_77_JL_CAN_INVITE) {
    if (which().invites) {
        const auto root = make_root();
        EXPECT_TRUE(invite(root.get()).leaf);
        return;
    }
    const auto door = make_listening_leaf();
    const auto root = make_root();
    EXPECT_TRUE(refused(plain_join(root.get(), local_name(door.get())), WSAEOPNOTSUPP));
    claim({.abilities = JL_CAN_INVITE});
    const auto open_door = make_listening_leaf();
    const auto inviter = make_root();
    if (set_nonblocking(inviter.get())) {
        const owned_socket started(plain_join(inviter.get(), local_name(open_door.get())));
        judge(started && readable(open_door.fd(), vigilance), true, "JL_CAN_INVITE", "a leaf can be invited");
    }
}

TEST_P(RootBits, JLP_3_JL_77_JL_CAN_ASK) {
    if (which().asks) {
        const auto root = make_listening_root();
        EXPECT_TRUE(ask(root.get()).leaf);
        return;
    }
    const auto root = make_listening_root();
    const auto leaf = make_leaf();
    EXPECT_TRUE(refused(plain_join(leaf.get(), local_name(root.get())), WSAEOPNOTSUPP));
}

TEST_P(RootBits, JLP_3_JL_73_JL_CAN_SIDE_CHAT) {
    const bool claimed = claim_if_clear(which().side_chat, {.abilities = JL_CAN_SIDE_CHAT});
    const auto root = make_listening_root();
    const auto one = add_somehow(root.get());
    const auto other = add_somehow(root.get());
    const bool sent = send_text(one.branch.get(), "for you") == 7;
    const bool arrives = sent &&
                         readable(one.leaf.fd(), claimed ? vigilance : std::chrono::milliseconds(patience)) &&
                         receive_text(one.leaf.get()) == "for you";
    judge(arrives && stays_silent(other.leaf.get()), claimed, "JL_CAN_SIDE_CHAT",
          "what is sent on the root's socket for one leaf reaches that leaf alone");
}

TEST_P(RootBits, JLP_3_JL_80_JL_09_XP1_CONNECT_DATA) {
    const bool claimed = claim_if_clear(has(XP1_CONNECT_DATA), {.services = XP1_CONNECT_DATA});
    const auto root = make_listening_root();
    const auto leaf = make_leaf();
    std::string seen;
    auto joining = join_in_background(leaf.get(), {.name = local_name(root.get()), .caller = "who"});
    ASSERT_TRUE(readable(root.fd()));
    const auto look = [](LPWSABUF, LPWSABUF data, LPQOS, LPQOS, LPWSABUF, LPWSABUF, GROUP*,
                         DWORD_PTR context) {
        from_context<std::string>(context) = data == nullptr ? "" : std::string(data->buf, data->len);
        return CF_ACCEPT;
    };
    const owned_socket branch(
        WSAAccept(root.get(), nullptr, nullptr, look, reinterpret_cast<DWORD_PTR>(&seen)));
    const bool joined = result_of(joining, "WSAJoinLeaf").error == 0;
    judge(joined && seen == "who", claimed, "XP1_CONNECT_DATA", "caller data reaches the peer");
}

TEST_P(RootBits, JLP_3_IO_12_XP1_GRACEFUL_CLOSE) {
    auto root = make_listening_root();
    const auto one = add_somehow(root.get());
    const event_watch watch(one.leaf.get(), FD_CLOSE);
    ASSERT_EQ(4, send_text(root.get(), "last"));
    EXPECT_EQ(0, root.close());
    const bool data = next_text(one.leaf.get()) == "last";
    const auto seen = watch.wait(FD_CLOSE);
    const bool graceful = data && seen.has(FD_CLOSE) && seen.code(FD_CLOSE) == 0;
    judge(graceful, !has(XP1_GRACEFUL_CLOSE), "XP1_GRACEFUL_CLOSE",
          "what was sent before the close arrives, and the end is told without an error");
}

TEST_P(RootBits, JLP_3_IO_05_XP1_GUARANTEED_DELIVERY_XP1_GUARANTEED_ORDER) {
    if (!has(XP1_GUARANTEED_DELIVERY) || !has(XP1_GUARANTEED_ORDER)) {
        GTEST_SKIP() << "XP1_GUARANTEED_DELIVERY and XP1_GUARANTEED_ORDER";
    }
    const auto root = make_listening_root();
    const auto one = add_somehow(root.get());
    constexpr int count = 3000;
    auto sending = in_background([&] {
        for (int i = 0; i < count; ++i) {
            const auto text = std::to_string(i) + std::string(1000, '.');
            if (send_text(root.get(), text) != static_cast<int>(text.size())) {
                return false;
            }
        }
        return true;
    });
    for (int i = 0; i < count; ++i) {
        const auto text = next_text(one.leaf.get());
        ASSERT_TRUE(text.has_value()) << "message " << i << " is lost";
        ASSERT_EQ(std::to_string(i) + std::string(1000, '.'), *text);
    }
    EXPECT_TRUE(result_of(sending, "the root's sends"));
}

TEST_P(RootBits, JLP_3_EV_41_XP1_EXPEDITED_DATA) {
    const bool claimed = claim_if_clear(has(XP1_EXPEDITED_DATA), {.services = XP1_EXPEDITED_DATA});
    const auto root = make_listening_root();
    const auto one = add_somehow(root.get());
    const event_watch watch(one.leaf.get(), FD_OOB);
    const bool sent = jl_send(root.get(), "!", 1, MSG_OOB) == 1;
    const bool told = sent && watch.wait(FD_OOB, claimed ? vigilance : clock::duration(patience)).has(FD_OOB);
    char byte = 0;
    judge(told && jl_recv(one.leaf.get(), &byte, 1, MSG_OOB) == 1 && byte == '!', claimed,
          "XP1_EXPEDITED_DATA", "a byte sent out of band is told by FD_OOB and received");
}

TEST_P(RootBits, JLP_3_IO_10_XP1_PARTIAL_MESSAGE) {
    const bool claimed = claim_if_clear(has(XP1_PARTIAL_MESSAGE), {.services = XP1_PARTIAL_MESSAGE});
    const auto root = make_listening_root();
    const auto one = add_somehow(root.get());
    char piece[] = "part";
    WSABUF buffer{4, piece};
    DWORD bytes = 0;
    std::string whole;
    if (WSASend(root.get(), &buffer, 1, &bytes, MSG_PARTIAL, nullptr, nullptr) == 0 &&
        WSASend(root.get(), &buffer, 1, &bytes, 0, nullptr, nullptr) == 0) {
        whole = next_text(one.leaf.get()).value_or("");
    }
    judge(whole == "partpart", claimed, "XP1_PARTIAL_MESSAGE", "two parts become one message");
}

TEST_P(RootBits, JLP_3_XP1_DISCONNECT_DATA) {
    const bool claimed = claim_if_clear(has(XP1_DISCONNECT_DATA), {.services = XP1_DISCONNECT_DATA});
    const auto root = make_listening_root();
    const auto one = add_somehow(root.get());
    const event_watch watch(one.branch.get(), FD_CLOSE);
    char text[] = "goodbye";
    WSABUF data{7, text};
    char room[16] = "";
    WSABUF seen{sizeof room, room};
    const bool works = WSASendDisconnect(one.leaf.get(), &data) == 0 && watch.wait(FD_CLOSE).has(FD_CLOSE) &&
                       WSARecvDisconnect(one.branch.get(), &seen) == 0 &&
                       std::string(room, seen.len) == "goodbye";
    judge(works, claimed, "XP1_DISCONNECT_DATA", "data of WSASendDisconnect reaches the peer");
}

TEST_P(RootBits, JLP_3_CT_15_XP1_IFS_HANDLES) {
    if (!has(XP1_IFS_HANDLES)) {
        GTEST_SKIP() << "XP1_IFS_HANDLES";
    }
    const auto root = make_listening_root();
    const auto one = add_somehow(root.get());
    EXPECT_EQ(5, ::write(one.leaf.fd(), "plain", 5)) << "the descriptor is no handle that the system knows";
    EXPECT_EQ("plain", next_text(root.get()).value_or("nothing"));
}

TEST_P(RootBits, JLP_3_XP1_UNI_SEND_XP1_UNI_RECV) {
    if (!has(XP1_UNI_SEND) && !has(XP1_UNI_RECV)) {
        GTEST_SKIP() << "XP1_UNI_SEND or XP1_UNI_RECV";
    }
    const auto root = make_listening_root();
    const auto one = add_somehow(root.get());
    char byte = 0;
    EXPECT_TRUE(has(XP1_UNI_SEND) ? refused(jl_recv(root.get(), &byte, 1, 0), WSAEOPNOTSUPP)
                                  : refused(send_text(root.get(), "x"), WSAEOPNOTSUPP));
}

INSTANTIATE_TEST_SUITE_P(Transports, RootBits, ::testing::ValuesIn(session_transports()), transport_name());

} // namespace
} // namespace joinleaf::test
