// SPDX-License-Identifier: Apache-2.0
#include "greeting.hpp"
#include "wire.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>

namespace joinleaf::tcp_root::wire {
namespace {

greeting some_hello() {
    greeting out;
    out.who = {control_role::leaf, data_role::leaf, data_plane::rooted};
    out.direction = JL_RECEIVER_ONLY;
    out.callee_room = 512;
    out.data_size = 7;
    out.has_qos = true;
    return out;
}

TEST(Wire, Greeting_RoundTrip_KeepsEveryField) {
    const auto hello = decode(encode(some_hello()));
    ASSERT_TRUE(hello);
    EXPECT_EQ(hello->what, kind::hello);
    EXPECT_EQ(hello->who, some_hello().who);
    EXPECT_EQ(hello->direction, JL_RECEIVER_ONLY);
    EXPECT_EQ(hello->callee_room, 512u);
    EXPECT_EQ(hello->data_size, 7u);
    EXPECT_TRUE(hello->has_qos);
    EXPECT_EQ(hello->rest(), 7 + qos_size);

    greeting answer;
    answer.what = kind::answer;
    answer.who = {control_role::root, data_role::root, data_plane::nonrooted};
    answer.code = WSAECONNREFUSED;
    answer.why = reason::backlog;
    const auto back = decode(encode(answer));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->what, kind::answer);
    EXPECT_EQ(back->who, answer.who);
    EXPECT_EQ(back->code, WSAECONNREFUSED);
    EXPECT_EQ(back->why, reason::backlog);
}

TEST(Wire, Greeting_FirstBytes_AreAsDocumented) {
    const auto bytes = encode(some_hello());
    EXPECT_EQ(std::memcmp(bytes.data(), "JLTR\x01\x01\x01\x01", 8), 0);
    EXPECT_EQ(bytes[11], std::byte{20 + 7 + 64});
}

struct broken {
    const char* name;
    std::function<void(greeting_bytes&)> damage;
    fault expected;
};

class BrokenGreeting : public testing::TestWithParam<broken> {};

TEST_P(BrokenGreeting, IsToldApart) {
    auto bytes = encode(some_hello());
    GetParam().damage(bytes);
    const auto got = decode(bytes);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error(), GetParam().expected);
}

auto set(std::size_t at, int value) {
    return [=](greeting_bytes& bytes) { bytes[at] = static_cast<std::byte>(value); };
}

INSTANTIATE_TEST_SUITE_P(
    Wire, BrokenGreeting,
    testing::Values(
        broken{"Magic", set(0, 'X'), fault::foreign},
        broken{"NewerOnly", [](greeting_bytes& b) { b[4] = b[5] = std::byte{2}; }, fault::version},
        broken{"OlderOnly", [](greeting_bytes& b) { b[4] = b[5] = std::byte{0}; }, fault::version},
        broken{"RangeUpsideDown",
               [](greeting_bytes& b) {
                   b[4] = std::byte{1};
                   b[5] = std::byte{3};
               },
               fault::version},
        broken{"KindZero", set(6, 0), fault::malformed}, broken{"KindUnknown", set(6, 4), fault::malformed},
        broken{"FlagUnknown", set(7, 3), fault::malformed},
        broken{"LengthHuge", set(8, 0xFF), fault::malformed},
        broken{"LengthShort", set(11, 19), fault::malformed},
        broken{"LengthOffByOne", set(11, 20 + 7 + 63), fault::malformed},
        broken{"ControlZero", set(12, 0), fault::malformed},
        broken{"ControlUnknown", set(12, 3), fault::malformed},
        broken{"DataRole", set(13, 9), fault::malformed}, broken{"Plane", set(14, 0), fault::malformed},
        broken{"DirectionZero", set(15, 0), fault::malformed},
        broken{"DirectionMixed", set(15, 3), fault::malformed},
        broken{"CodeInHello", set(19, 1), fault::malformed},
        broken{"ReasonInHello", set(28, 1), fault::malformed},
        broken{"ReasonUnknown", set(28, 200), fault::malformed},
        broken{"Reserved", set(29, 1), fault::malformed},
        broken{"DataTooLong",
               [](greeting_bytes& b) {
                   b[26] = std::byte{0x10};
                   b[27] = std::byte{0x01};
                   b[10] = std::byte{0x10};
                   b[11] = std::byte{0x01 + 84};
               },
               fault::malformed},
        broken{"WaitWithData", set(6, 3), fault::malformed},
        broken{"NegativeCode",
               [](greeting_bytes& b) {
                   b[6] = std::byte{2};
                   b[16] = std::byte{0x80};
               },
               fault::malformed}),
    [](const auto& row) { return row.param.name; });

TEST(Wire, Greeting_NewerPeerThatStillSpeaksOurs_IsUnderstood) {
    auto bytes = encode(some_hello());
    bytes[4] = std::byte{200};
    const auto got = decode(bytes);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->newest, 200);
}

TEST(Wire, Qos_RoundTrip) {
    QOS qos{};
    qos.SendingFlowspec.TokenRate = 0x01020304;
    qos.SendingFlowspec.MinimumPolicedSize = 0xFFFFFFFF;
    qos.ReceivingFlowspec.ServiceType = SERVICETYPE_GUARANTEED;
    qos.ReceivingFlowspec.MaxSduSize = 1400;
    const QOS back = decode_qos(encode_qos(qos));
    EXPECT_EQ(std::memcmp(&back.SendingFlowspec, &qos.SendingFlowspec, sizeof(FLOWSPEC)), 0);
    EXPECT_EQ(std::memcmp(&back.ReceivingFlowspec, &qos.ReceivingFlowspec, sizeof(FLOWSPEC)), 0);
}

TEST(Wire, Frame_RoundTrip) {
    for (const frame& f :
         {frame{frame_kind::message, 0, 0}, frame{frame_kind::message, 0, message_max},
          frame{frame_kind::message, flag_source, source_size},
          frame{frame_kind::message, flag_source, message_max + 20}, frame{frame_kind::end, 0, 0},
          frame{frame_kind::end, flag_leaving, 0}, frame{frame_kind::quiet, 0, 0},
          frame{frame_kind::qos, 0, qos_size}, frame{frame_kind::qos, flag_final, qos_size}}) {
        const auto back = decode_frame(encode(f));
        ASSERT_TRUE(back);
        EXPECT_EQ(back->what, f.what);
        EXPECT_EQ(back->flags, f.flags);
        EXPECT_EQ(back->size, f.size);
    }
}

TEST(Wire, Frame_BrokenOnes_AreRefused) {
    const auto refused = [](frame f) { return !decode_frame(encode(f)); };
    EXPECT_TRUE(refused({frame_kind::message, 0, message_max + 1}));
    EXPECT_TRUE(refused({frame_kind::message, 0, 0xFFFFFFFF}));
    EXPECT_TRUE(refused({frame_kind::message, flag_source, source_size - 1}));
    EXPECT_TRUE(refused({frame_kind::message, flag_source, message_max + 21}));
    EXPECT_TRUE(refused({frame_kind::message, 4, 0}));
    EXPECT_TRUE(refused({frame_kind::end, 0, 1}));
    EXPECT_TRUE(refused({frame_kind::quiet, 1, 0}));
    EXPECT_TRUE(refused({frame_kind::gap, 0, gap_size - 1}));
    EXPECT_TRUE(refused({frame_kind::gap, 1, gap_size}));
    EXPECT_TRUE(refused({frame_kind::beat, 0, 1}));
    EXPECT_TRUE(refused({static_cast<frame_kind>(0), 0, 0}));
    EXPECT_TRUE(refused({frame_kind::qos, 0, qos_size - 1}));
    EXPECT_TRUE(refused({frame_kind::qos, 2, qos_size}));
    EXPECT_TRUE(refused({static_cast<frame_kind>(7), 0, 0}));
    auto bytes = encode(frame{});
    bytes[7] = std::byte{1};
    EXPECT_FALSE(decode_frame(bytes));
}

TEST(Wire, Source_RoundTrip_BothFamilies) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(4711);
    in.sin_addr.s_addr = htonl(0x7F000001);
    sockaddr_storage out{};
    ASSERT_EQ(decode_source(encode_source(reinterpret_cast<sockaddr*>(&in)),
                            reinterpret_cast<sockaddr*>(&out), sizeof out),
              sizeof in);
    EXPECT_EQ(std::memcmp(&in, &out, sizeof in), 0);

    sockaddr_in6 in6{};
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(1);
    in6.sin6_addr = in6addr_loopback;
    const auto bytes = encode_source(reinterpret_cast<sockaddr*>(&in6));
    ASSERT_EQ(decode_source(bytes, reinterpret_cast<sockaddr*>(&out), sizeof out), sizeof in6);
    EXPECT_EQ(std::memcmp(&in6, &out, sizeof in6), 0);
    EXPECT_EQ(decode_source(bytes, reinterpret_cast<sockaddr*>(&out), sizeof(sockaddr_in)), 0u)
        << "no room, no address";

    sockaddr other{};
    other.sa_family = AF_UNIX;
    EXPECT_EQ(decode_source(encode_source(&other), reinterpret_cast<sockaddr*>(&out), sizeof out), 0u);
}

TEST(Greeting, Hello_CarriesDataAndQos) {
    jl_join join{};
    join.direction = JL_BOTH;
    join.caller_data = "a\0b";
    join.caller_len = 3;
    join.callee_room = 9;
    QOS qos{};
    qos.SendingFlowspec.TokenRate = 5;
    join.qos = &qos;
    const auto bytes = make_hello({control_role::root, data_role::root, data_plane::rooted}, join, 300);
    ASSERT_EQ(bytes.size(), greeting_size + 3 + qos_size);
    const auto head = decode(std::span<const std::byte, greeting_size>(bytes.data(), greeting_size));
    ASSERT_TRUE(head);
    EXPECT_EQ(head->callee_room, 9u);
    EXPECT_EQ(std::memcmp(bytes.data() + greeting_size, "a\0b", 3), 0); // JL-85
    EXPECT_EQ(decode_qos(std::span<const std::byte, qos_size>(bytes.data() + greeting_size + 3, qos_size))
                  .SendingFlowspec.TokenRate,
              5u);
}

} // namespace
} // namespace joinleaf::tcp_root::wire
