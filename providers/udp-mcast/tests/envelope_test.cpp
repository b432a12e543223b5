// SPDX-License-Identifier: Apache-2.0
//
// Datagrams with a header: packed messages, numbered messages, and what a stranger may send instead.
#include "../envelope.hpp"
#include "scratch_socket.hpp"

#include <support/waiting.hpp>

#include <algorithm>
#include <array>

namespace joinleaf::udp_mcast::test {

namespace {

std::string with_header(std::uint8_t flags, std::uint32_t sender, std::uint32_t number,
                        const std::string& rest) {
    std::string made(envelope::size, '\0');
    envelope{flags, sender, number}.write(made.data());
    return made + rest;
}

std::string packed(const std::vector<std::string>& messages) {
    std::string made;
    for (const auto& one : messages) {
        std::string length(envelope::length_size, '\0');
        envelope::write_length(length.data(), one.size());
        made += length + one;
    }
    return made;
}

std::vector<std::string> messages_of(const std::string& datagram) {
    std::vector<std::string> found;
    opened_envelope opened;
    if (!opened.open(datagram)) {
        return {"refused"};
    }
    for (;; opened.advance()) {
        found.emplace_back(opened.message().begin(), opened.message().end());
        if (opened.is_last()) {
            return found;
        }
    }
}

using list = std::vector<std::string>;

TEST(Envelope, HandsOutItsMessages) {
    EXPECT_EQ(messages_of(with_header(0, 1, 0, "")), list{""});
    EXPECT_EQ(messages_of(with_header(envelope::numbered, 1, 7, "alone")), list{"alone"});
    EXPECT_EQ(messages_of(with_header(envelope::packed, 1, 0, packed({"a", "", "ccc"}))),
              (list{"a", "", "ccc"}));
    EXPECT_EQ(messages_of(with_header(envelope::packed, 1, 0, packed({"a"}) + "\xff")), list{"a"});
    EXPECT_EQ(messages_of(with_header(envelope::packed, 1, 0, packed({"a"}) + "\xff\xff\xff")), list{"a"});
}

TEST(Envelope, RefusesWhatIsNone) {
    const auto good = with_header(envelope::packed, 1, 0, packed({"first", "second"}));
    for (std::size_t size = 0; size < good.size(); ++size) { // but for the cut between two messages
        const bool whole = size == good.size() - packed({"second"}).size();
        EXPECT_EQ(messages_of(good.substr(0, size)), whole ? list{"first"} : list{"refused"}) << size;
    }
    for (std::size_t at = 0; at < 4; ++at) {
        auto wrong = good;
        wrong[at] = static_cast<char>(wrong[at] ^ '\x40');
        EXPECT_EQ(messages_of(wrong), list{"refused"}) << at;
    }
    EXPECT_EQ(messages_of(with_header(envelope::packed, 1, 0, "\xff\xff")), list{"refused"});
    EXPECT_EQ(messages_of(with_header(envelope::packed, 1, 0, packed({"a"}) + std::string("\0\x05xyz", 5))),
              list{"refused"});
}

} // namespace

class Enveloped : public private_network {
  protected:
    static std::map<std::string, option_value> packing() { return {{"coalesce", {"", 200, {}}}}; }
    static std::map<std::string, option_value> numbering() { return {{"sequence", {"", 1, {}}}}; }

    // Sends several in one call, as jl_send_batch does.
    static void send_all(scratch_socket& by, std::vector<std::string> texts) {
        std::vector<iovec> pieces;
        std::vector<jl_msg> messages;
        for (auto& text : texts) {
            pieces.push_back({text.data(), text.size()});
        }
        for (auto& piece : pieces) {
            messages.push_back({&piece, 1, 0, nullptr, 0, 0, 0});
        }
        std::uint32_t done = 0;
        EXPECT_EQ(
            by.ops().tx(by.endpoint(), messages.data(), static_cast<std::uint32_t>(messages.size()), &done),
            0);
        EXPECT_EQ(done, texts.size());
        for (std::size_t i = 0; i < texts.size(); ++i) {
            EXPECT_EQ(messages[i].size, texts[i].size());
        }
    }
    static jl_stats stats_of(scratch_socket& of) {
        jl_stats found{};
        found.struct_size = sizeof found;
        EXPECT_EQ(of.ops().stats(of.endpoint(), &found), 0);
        return found;
    }
    static std::uint32_t next_size(scratch_socket& of) {
        std::uint32_t next = 0;
        std::uint32_t bytes = 0;
        EXPECT_EQ(of.ops().ioctl(of.endpoint(), FIONREAD, nullptr, 0, &next, sizeof next, &bytes), 0);
        return next;
    }

    // What one rx gives: a message, or the number of those that are missing.
    struct item {
        std::string text;
        std::uint32_t missing;
        bool operator==(const item&) const = default;
    };
    static item next(scratch_socket& from) {
        std::array<char, 64> room{};
        iovec piece{room.data(), room.size()};
        jl_msg message{&piece, 1, 0, nullptr, 0, 0, 0};
        std::uint32_t done = 0;
        std::uint32_t left = 0;
        EXPECT_TRUE(joinleaf::test::readable(from.fd()));
        EXPECT_EQ(from.ops().rx(from.endpoint(), &message, 1, &done, &left), 0);
        return {{room.data(), message.size}, (message.flags & JL_MSG_GAP) != 0 ? message.gap : 0};
    }

    const yaml_entry plain_;
    const place group_{"239.192.15.1", 21501};
};

TEST_F(Enveloped, Coalesce_PacksSmallMessagesIntoDatagramsOfEqualSize) {
    const yaml_entry entry(packing());
    scratch_socket member(entry, AF_INET, leaf);
    scratch_socket sender(entry, AF_INET, leaf);
    scratch_socket wire(plain_, AF_INET, leaf);
    ASSERT_EQ(member.join(group_), 0);
    ASSERT_EQ(wire.join(group_), 0);
    ASSERT_EQ(sender.join(group_, JL_SENDER_ONLY), 0);
    list texts;
    for (int i = 0; i < 100; ++i) {
        texts.push_back("message " + std::to_string(i));
    }
    send_all(sender, texts);
    EXPECT_EQ(stats_of(sender).send_calls, 1U);
    EXPECT_EQ(stats_of(sender).sent_messages, 100U);
    for (const auto& text : texts) {
        EXPECT_GT(next_size(member), 0U);
        ASSERT_EQ(next(member).text, text);
    }
    EXPECT_TRUE(member.is_quiet());
    EXPECT_EQ(stats_of(member).received_messages, 100U);
    list seen;
    while (seen.size() < texts.size()) {
        const auto datagram = wire.next();
        ASSERT_EQ(datagram.code, 0);
        for (const auto& one : messages_of(datagram.text)) {
            seen.push_back(one);
        }
        EXPECT_EQ(datagram.text.size() == 200, seen.size() < texts.size());
    }
    EXPECT_EQ(seen, texts);
}

TEST_F(Enveloped, Coalesce_KeepsOrderAndBoundariesOfAllSizes) {
    const yaml_entry entry(packing());
    scratch_socket member(entry, AF_INET, leaf);
    ASSERT_EQ(member.join(group_), 0);
    list texts;
    for (const int size : {0, 1, 186, 187, 3, 5000, 186, 0, 0, 50, 60, 70, 80, 2}) {
        texts.emplace_back(static_cast<std::size_t>(size), static_cast<char>('a' + texts.size()));
    }
    send_all(member, texts);
    for (const auto& text : texts) {
        ASSERT_EQ(next_size(member), text.size());
        const auto peeked = member.receive(8192, JL_MSG_PEEK);
        EXPECT_EQ(peeked.text, text);
        EXPECT_EQ(member.receive(8192).text, text);
    }
    EXPECT_EQ(next_size(member), 0U);
    EXPECT_TRUE(member.is_quiet());
}

TEST_F(Enveloped, IO_10_Coalesce_CutsOneMessageAlone) {
    const yaml_entry entry(packing());
    scratch_socket member(entry, AF_INET, leaf);
    ASSERT_EQ(member.join(group_), 0);
    send_all(member, {"0123456789", "next"});
    const auto cut = member.receive(4);
    EXPECT_EQ(cut.text, "0123");
    EXPECT_EQ(cut.flags, JL_MSG_CUT | JL_MSG_GROUP);
    EXPECT_TRUE(joinleaf::test::readable(member.fd(), std::chrono::milliseconds(0)));
    EXPECT_EQ(member.receive().text, "next");
    EXPECT_TRUE(member.is_quiet());
}

TEST_F(Enveloped, StrangeDatagrams_AreDroppedAndCounted) {
    const yaml_entry entry(packing());
    scratch_socket member(entry, AF_INET, leaf);
    scratch_socket stranger(plain_, AF_INET, leaf);
    ASSERT_EQ(member.join(group_), 0);
    for (const char* text : {"", "JM", "no header at all", "JM\x01\x01\0\0\0\0\0\0\0\0\xff"}) {
        ASSERT_EQ(stranger.send(text, group_), 0);
    }
    ASSERT_EQ(stranger.send(with_header(0, 5, 0, "good"), group_), 0);
    EXPECT_EQ(next(member), (item{"good", 0}));
    EXPECT_TRUE(member.is_quiet());
    EXPECT_EQ(stats_of(member).dropped_messages, 4U);
}

TEST_F(Enveloped, OrdinarySockets_CarryNoHeader) {
    const yaml_entry entry(packing());
    scratch_socket plain(entry, AF_INET, 0);
    ASSERT_EQ(plain.bind(place("127.0.0.1", 0)), 0);
    EXPECT_EQ(plain.send("bare", plain.name(0)), 0);
    EXPECT_EQ(plain.next().text, "bare");
}

TEST_F(Enveloped, Sequence_LetsAllThroughInOrderWithoutAGap) {
    for (auto options : {numbering(), packing()}) {
        options["sequence"] = {"", 1, {}};
        const yaml_entry entry(options);
        scratch_socket member(entry, AF_INET, leaf);
        scratch_socket sender(entry, AF_INET, leaf);
        ASSERT_EQ(member.join(group_), 0);
        ASSERT_EQ(sender.join(group_, JL_SENDER_ONLY), 0);
        for (int round = 0; round < 5; ++round) {
            send_all(sender, {"a", "b", std::string(40, 'c'), "d"});
            ASSERT_EQ(sender.send("unicast is not numbered", place("127.0.0.1", group_.port())), 0);
            for (const auto& text : {std::string("a"), std::string("b"), std::string(40, 'c'),
                                     std::string("d"), std::string("unicast is not numbered")}) {
                ASSERT_EQ(next(member), (item{text, 0}));
            }
        }
        EXPECT_EQ(stats_of(member).gaps, 0U);
        EXPECT_TRUE(member.is_quiet());
    }
}

TEST_F(Enveloped, Sequence_TellsWhatIsMissingInItsPlace_BySender) {
    const yaml_entry entry(numbering());
    scratch_socket member(entry, AF_INET, leaf);
    scratch_socket stranger(plain_, AF_INET, leaf);
    ASSERT_EQ(member.join(group_), 0);
    const auto send = [&](std::uint32_t sender, std::uint32_t number, const char* text) {
        ASSERT_EQ(stranger.send(with_header(envelope::numbered, sender, number, text), group_), 0);
    };
    send(1, 0xfffffffe, "one");
    send(2, 500, "other"); // another sender starts where it likes
    send(1, 0xffffffff, "two");
    send(1, 2, "five"); // over the turn: 0 and 1 are missing
    send(2, 501, "other");
    send(1, 0, "late");
    send(1, 3, "six");
    ASSERT_EQ(
        stranger.send(with_header(envelope::numbered | envelope::packed, 1, 10, packed({"a", "b"})), group_),
        0);
    send(1, 12, "end");
    send(3, 0, "a sender that began anew");
    for (const auto& expected :
         {item{"one", 0}, item{"other", 0}, item{"two", 0}, item{"", 2}, item{"five", 0}, item{"other", 0},
          item{"late", 0}, item{"six", 0}, item{"", 6}, item{"a", 0}, item{"b", 0}, item{"end", 0},
          item{"a sender that began anew", 0}}) {
        ASSERT_EQ(next(member), expected) << expected.text;
    }
    EXPECT_EQ(stats_of(member).gaps, 8U);
    std::array<jl_leaf_stats, 2> senders{};
    std::uint32_t count = 0;
    ASSERT_EQ(member.ops().leaves(member.endpoint(), senders.data(), 2, &count), 0);
    EXPECT_EQ(count, 3U) << "there is room for two of them";
    EXPECT_EQ(senders[0].received_messages, 8U);
    EXPECT_EQ(senders[0].gaps, 8U);
    EXPECT_EQ(senders[0].peer_len, sizeof(sockaddr_in));
    EXPECT_EQ(senders[1].received_messages, 2U);
    EXPECT_EQ(senders[1].gaps, 0U);
    EXPECT_EQ(stranger.ops().leaves(stranger.endpoint(), nullptr, 0, &count), WSAEOPNOTSUPP);
    EXPECT_TRUE(member.is_quiet());
}

TEST_F(Enveloped, Sequence_CountsWhatTheKernelLost) {
    const yaml_entry entry(numbering());
    scratch_socket member(entry, AF_INET, leaf);
    scratch_socket sender(entry, AF_INET, leaf);
    ASSERT_EQ(member.join(group_), 0);
    ASSERT_EQ(sender.join(group_, JL_SENDER_ONLY), 0);
    ASSERT_EQ(sender.send("first"), 0);
    ASSERT_EQ(next(member).text, "first");
    const int small = 4096;
    ASSERT_EQ(member.set(SOL_SOCKET, SO_RCVBUF, small), 0);
    constexpr std::uint64_t sent = 100;
    for (std::uint64_t i = 0; i < sent; ++i) {
        ASSERT_EQ(sender.send(std::string(1000, 'x')), 0);
    }
    std::uint64_t received = 0;
    while (joinleaf::test::readable(member.fd(), std::chrono::milliseconds(0))) {
        received += next(member).missing == 0 ? 1U : 0U;
    }
    ASSERT_LT(received, sent);
    ASSERT_EQ(sender.send("last"), 0);
    EXPECT_EQ(next(member), (item{"", static_cast<std::uint32_t>(sent - received)}));
    EXPECT_EQ(next(member).text, "last");
    EXPECT_EQ(stats_of(member).gaps, sent - received);
}

} // namespace joinleaf::udp_mcast::test
