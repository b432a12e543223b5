// SPDX-License-Identifier: Apache-2.0
//
// WSAGetQOSByName: templates, their names, and that they are QoS that can be set.
#include "tests/support/quality.hpp"
#include "tests/support/session_fixture.hpp"

namespace joinleaf::test {
namespace {

class QosTemplate : public transport_test {
  protected:
    [[nodiscard]] static BOOL get(SOCKET s, std::string name, QOS* qos) {
        WSABUF asked{static_cast<ULONG>(name.size()), name.data()};
        return WSAGetQOSByName(s, &asked, qos);
    }
};

TEST_P(QosTemplate, EveryNameThatIsListed_GivesAQosThatCanBeSet) {
    const auto s = make_leaf();
    std::string room(1024, 'x');
    WSABUF names{static_cast<ULONG>(room.size()), room.data()};
    ASSERT_TRUE(WSAGetQOSByName(s.get(), &names, nullptr)) << last_failure();
    int count = 0;
    for (const char* one = room.c_str(); *one != '\0'; one += std::strlen(one) + 1, ++count) {
        QOS qos{};
        EXPECT_TRUE(get(s.get(), one, &qos)) << one << last_failure();
        if (has(XP1_QOS_SUPPORTED)) {
            EXPECT_TRUE(worked(set_qos(s.get(), qos))) << one;
        }
    }
    EXPECT_EQ(8, count);
}

TEST_P(QosTemplate, TheNamesNeedTheirRoom) {
    const auto s = make_leaf();
    std::string room(8, 'x');
    WSABUF names{static_cast<ULONG>(room.size()), room.data()};
    EXPECT_FALSE(WSAGetQOSByName(s.get(), &names, nullptr));
    EXPECT_EQ(WSAENOBUFS, WSAGetLastError());
    EXPECT_GT(names.len, 8U) << "the room that is needed";
}

TEST_P(QosTemplate, BadArgumentsAreTold) {
    auto s = make_leaf();
    QOS qos{};
    EXPECT_FALSE(get(s.get(), "G.711", &qos));
    EXPECT_EQ(WSAEINVAL, WSAGetLastError());
    EXPECT_FALSE(WSAGetQOSByName(s.get(), nullptr, &qos));
    EXPECT_EQ(WSAEFAULT, WSAGetLastError());
    const SOCKET gone = s.get();
    s.close();
    EXPECT_FALSE(get(gone, "G711", &qos));
    EXPECT_EQ(WSAENOTSOCK, WSAGetLastError());
}

INSTANTIATE_TEST_SUITE_P(Transports, QosTemplate, ::testing::ValuesIn(multipoint_transports()),
                         transport_name());

} // namespace
} // namespace joinleaf::test
