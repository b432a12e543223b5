// SPDX-License-Identifier: Apache-2.0
//
// The calls that Winsock lacks, over every transport: batches of messages, statistics, the sentence behind a
// failure.
#include "tests/support/bad_memory.hpp"
#include "tests/support/session_fixture.hpp"

#include <array>

namespace joinleaf::test {
namespace {

constexpr int batch_size = 8;

// Messages with a buffer each.
struct batch {
    std::array<std::array<char, 64>, batch_size> bytes{};
    std::array<WSABUF, batch_size> buffers{};
    std::array<jl_message, batch_size> messages{};

    batch() {
        for (std::size_t i = 0; i < batch_size; ++i) {
            buffers[i] = {static_cast<ULONG>(bytes[i].size()), bytes[i].data()};
            messages[i].buffers = &buffers[i];
            messages[i].buffer_count = 1;
        }
    }
    void fill() {
        for (std::size_t i = 0; i < batch_size; ++i) {
            const auto text = "message " + std::to_string(i);
            text.copy(bytes[i].data(), text.size());
            buffers[i].len = static_cast<ULONG>(text.size());
        }
    }
};

// Receives until that many messages came; their texts.
std::vector<std::string> receive_batches(SOCKET s, std::size_t count) {
    std::vector<std::string> texts;
    while (texts.size() < count && readable(static_cast<int>(s))) {
        batch room;
        const int got = jl_recv_batch(s, room.messages.data(), batch_size);
        if (got == SOCKET_ERROR) {
            break;
        }
        for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
            texts.emplace_back(room.bytes[i].data(), room.messages[i].bytes);
        }
    }
    return texts;
}

void expect_all(const std::vector<std::string>& texts) {
    ASSERT_EQ(static_cast<std::size_t>(batch_size), texts.size()) << last_failure();
    for (std::size_t i = 0; i < texts.size(); ++i) {
        EXPECT_EQ("message " + std::to_string(i), texts[i]);
    }
}

void send_all(SOCKET s) {
    batch out;
    out.fill();
    for (int sent = 0; sent < batch_size;) {
        const int done = jl_send_batch(s, out.messages.data() + sent, batch_size - sent);
        ASSERT_GT(done, 0) << last_failure();
        for (int i = sent; i < sent + done; ++i) {
            EXPECT_EQ(0, out.messages[static_cast<std::size_t>(i)].error);
        }
        sent += done;
    }
}

class Batch : public session_test {};

TEST_P(Batch, ABatchArrivesMessageByMessage) {
    const auto root = make_listening_root();
    const auto one = add_leaf(root);
    send_all(root.get());
    expect_all(receive_batches(one.leaf.get(), batch_size));
    send_all(one.leaf.get());
    expect_all(receive_batches(root.get(), batch_size));
}

TEST_P(Batch, StatisticsCountWhatWasDone) {
    const auto root = make_listening_root();
    const auto one = add_leaf(root);
    send_all(root.get());
    expect_all(receive_batches(one.leaf.get(), batch_size));
    jl_statistics of_root{};
    of_root.struct_size = sizeof of_root;
    ASSERT_TRUE(worked(jl_socket_statistics(root.get(), &of_root)));
    EXPECT_EQ(1U, of_root.leaves);
    EXPECT_EQ(1U, of_root.joins);
    EXPECT_EQ(static_cast<std::uint64_t>(batch_size), of_root.sent_messages);
    EXPECT_EQ(static_cast<std::uint64_t>(batch_size) * 9, of_root.sent_bytes);
    jl_statistics of_leaf{};
    of_leaf.struct_size = sizeof of_leaf;
    ASSERT_TRUE(worked(jl_socket_statistics(one.leaf.get(), &of_leaf)));
    EXPECT_EQ(static_cast<std::uint64_t>(batch_size), of_leaf.received_messages);
    EXPECT_EQ(static_cast<std::uint64_t>(batch_size) * 9, of_leaf.received_bytes);
}

INSTANTIATE_TEST_SUITE_P(Transports, Batch, ::testing::ValuesIn(session_plans({plan::rooted, plan::relayed})),
                         session_plan_name());

class DatagramBatch : public transport_test {};

TEST_P(DatagramBatch, ABatchArrivesMessageByMessageWithItsSources) {
    const auto from = make_ordinary();
    const auto to = make_ordinary();
    ASSERT_TRUE(worked(bind_to(from.get(), loopback(family()))));
    ASSERT_TRUE(worked(bind_to(to.get(), loopback(family()))));
    auto there = local_name(to.get());
    ASSERT_TRUE(worked(jl_connect(from.get(), there.get(), there.length)));
    send_all(from.get());
    std::vector<std::string> texts;
    while (texts.size() < batch_size && readable(to.fd())) {
        batch room;
        std::array<address, batch_size> sources;
        for (std::size_t i = 0; i < batch_size; ++i) {
            room.messages[i].address = sources[i].get();
            room.messages[i].address_length = sizeof sources[i].storage;
        }
        const int got = jl_recv_batch(to.get(), room.messages.data(), batch_size);
        ASSERT_GT(got, 0) << last_failure();
        for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
            texts.emplace_back(room.bytes[i].data(), room.messages[i].bytes);
            EXPECT_EQ(local_name(from.get()), sources[i]);
        }
    }
    expect_all(texts);
}

TEST_P(DatagramBatch, EachMessageHasItsOwnDestination) {
    const auto from = make_ordinary();
    std::vector<owned_socket> receivers;
    std::vector<address> names;
    for (int i = 0; i < batch_size; ++i) {
        receivers.push_back(make_ordinary());
        ASSERT_TRUE(worked(bind_to(receivers.back().get(), loopback(family()))));
        names.push_back(local_name(receivers.back().get()));
    }
    batch out;
    out.fill();
    for (std::size_t i = 0; i < batch_size; ++i) {
        out.messages[i].address = names[i].get();
        out.messages[i].address_length = names[i].length;
    }
    ASSERT_EQ(batch_size, jl_send_batch(from.get(), out.messages.data(), batch_size)) << last_failure();
    for (std::size_t i = 0; i < batch_size; ++i) {
        EXPECT_EQ("message " + std::to_string(i), next_text(receivers[i].get()).value_or("nothing"));
    }
}

TEST_P(DatagramBatch, BadArguments) {
    const auto s = make_ordinary();
    batch one;
    EXPECT_TRUE(refused(jl_send_batch(INVALID_SOCKET, one.messages.data(), 1), WSAENOTSOCK));
    EXPECT_TRUE(refused(jl_recv_batch(INVALID_SOCKET, one.messages.data(), 1), WSAENOTSOCK));
    EXPECT_TRUE(refused(jl_recv_batch(s.get(), one.messages.data(), batch_size), WSAEINVAL)) << "unbound";
    jl_statistics counters{};
    EXPECT_TRUE(refused(jl_socket_statistics(s.get(), &counters), WSAEINVAL)) << "struct_size 0";
    EXPECT_TRUE(refused(jl_socket_statistics(s.get(), nullptr), WSAEFAULT));
    const unreadable_memory nowhere;
    EXPECT_TRUE(refused(jl_socket_statistics(s.get(), nowhere.as<jl_statistics>()), WSAEFAULT));
}

INSTANTIATE_TEST_SUITE_P(Transports, DatagramBatch, ::testing::ValuesIn(transports_of({plan::nonrooted})),
                         transport_name());

class Explanation : public runtime_test {};

TEST_F(Explanation, AFailedChoiceHasASentence) {
    EXPECT_TRUE(refused(WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, nullptr, 0,
                                   WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_ROOT),
                        WSAEINVAL));
    char sentence[2048] = "";
    const auto length = jl_last_explanation(sentence, sizeof sentence);
    ASSERT_GT(length, 0U);
    EXPECT_NE(std::string::npos, std::string(sentence).find("lan")) << "it names the candidate: " << sentence;
    char* const json = jl_explain_json(AF_INET, SOCK_DGRAM, IPPROTO_UDP,
                                       WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_ROOT);
    ASSERT_NE(nullptr, json);
    EXPECT_NE(std::string::npos, std::string(json).find("\"chosen\"")) << json;
    jl_free(json);
    jl_free(nullptr);
}

TEST_F(Explanation, EveryCodeHasANameAndASentence) {
    for (const int code :
         {WSAEINTR, WSAEFAULT, WSAEINVAL, WSAEWOULDBLOCK, WSAEALREADY, WSAENOTSOCK, WSAEISCONN,
          WSAECONNREFUSED, WSAEDISCON, WSANOTINITIALISED, WSATRY_AGAIN, WSA_IO_PENDING, WSA_INVALID_HANDLE}) {
        EXPECT_STRNE("unknown", jl_error_name(code)) << code;
        EXPECT_GT(std::string(jl_error_text(code)).size(), 5U) << code;
    }
    EXPECT_STREQ("unknown", jl_error_name(4711));
}

TEST_F(Explanation, AShortBufferGetsWhatFits) {
    EXPECT_TRUE(refused(WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, nullptr, 0,
                                   WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_ROOT),
                        WSAEINVAL));
    char tiny[8] = "xxxxxxx";
    const auto whole = jl_last_explanation(nullptr, 0);
    EXPECT_EQ(whole, jl_last_explanation(tiny, sizeof tiny));
    EXPECT_LT(std::string(tiny).size(), sizeof tiny);
}

} // namespace
} // namespace joinleaf::test
