// SPDX-License-Identifier: Apache-2.0
//
// Groups of engine verbs over real devices: rdma_a and rdma_b of tests/rdma, where this runs.
#include "device_fixture.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <poll.h>

namespace joinleaf::rdma::test {
namespace {

// Nobody connects to these stations.
class nobody final : public station_owner {
  public:
    link_owner* on_incoming(link&) override { return nullptr; }
    void on_parcel(const parcel&) override { ADD_FAILURE() << "a slice"; }
    void on_trouble(const address&, const failure& why) override { ADD_FAILURE() << why.sentence; }
};

// A station with one membership, and what it was told.
class listener final : public group_owner {
  public:
    listener(engine& way, const std::string& at) {
        auto made = way.open(address::parse(at).family(), nobody_);
        EXPECT_TRUE(made) << made.error().sentence;
        station_ = std::move(*made);
        EXPECT_EQ(0, station_->bind(address::parse(at)));
    }
    ~listener() override { group_.reset(); }
    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;

    // What a join that could not begin came to.
    std::optional<failure> join(const address& which, group_use use) {
        auto made = station_->join_group(which, use, *this);
        if (!made) {
            return made.error();
        }
        group_ = std::move(*made);
        return std::nullopt;
    }
    void leave() { group_.reset(); }
    bool joined() {
        return until([&] { return joined_ != 0; });
    }
    posted send(const std::string& text) {
        const auto bytes = std::as_bytes(std::span(text));
        const auto answer = group_->post(bytes.first(std::min<std::size_t>(8, bytes.size())),
                                         bytes.subspan(std::min<std::size_t>(8, bytes.size())), 1);
        group_->flush();
        return answer;
    }
    bool heard(std::size_t count) {
        return until([&] { return heard_.size() >= count; });
    }
    // Waits as a session does: nothing is polled but when a descriptor asks for it.
    bool until(const std::function<bool()>& what) {
        const auto end = std::chrono::steady_clock::now() + deadline;
        while (!what()) {
            pollfd fds[2] = {{station_->control_fd(), POLLIN, 0}, {station_->data_fd(), POLLIN, 0}};
            if (station_->arm_data() && ::poll(fds, 2, 1000) == 0 && std::chrono::steady_clock::now() > end) {
                return false;
            }
            poll();
        }
        return true;
    }
    void poll() {
        station_->poll_control();
        station_->poll_data();
    }
    [[nodiscard]] group& membership() { return *group_; }
    [[nodiscard]] station& where() { return *station_; }

    void on_joined() override { ++joined_; }
    void on_datagram(std::span<const std::byte> bytes) override {
        heard_.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    void on_posted(std::uint64_t) override {}
    void on_lost(const failure& why) override {
        EXPECT_FALSE(lost_) << "twice";
        lost_ = why;
    }

    int joined_ = 0;
    std::vector<std::string> heard_;
    std::optional<failure> lost_;

  private:
    nobody nobody_;
    std::unique_ptr<station> station_;
    std::unique_ptr<group> group_;
};

// A datagram that tells its number all over.
std::string datagram_number(int i, std::size_t size) {
    std::string text = std::to_string(i) + ":";
    text.resize(size, static_cast<char>('a' + i % 26));
    return text;
}

// Whether this machine's kernel has told the network that it wants the group.
bool is_announced(const address& which) {
    std::ifstream table("/proc/net/igmp");
    const std::string all((std::istreambuf_iterator<char>(table)), std::istreambuf_iterator<char>());
    char wanted[16] = "";
    std::snprintf(wanted, sizeof wanted, "%08X", which.four.sin_addr.s_addr);
    return all.find(wanted) != std::string::npos;
}

class Groups : public ::testing::Test {
  protected:
    void SetUp() override {
        limits_.slice = 8192;
        limits_.window = 8;
        limits_.recv_buffer = 256u << 10;
        limits_.handshake_limit = 16;
        engine_ = load_verbs(limits_);
        ASSERT_NE(nullptr, engine_);
    }
    std::unique_ptr<listener> member(const std::string& at, const address& which, group_use use) {
        auto made = std::make_unique<listener>(*engine_, at);
        const auto refused = made->join(which, use);
        EXPECT_FALSE(refused) << refused->sentence;
        EXPECT_TRUE(made->joined());
        return made;
    }
    static address fresh_group() {
        static int count = 0;
        return address::parse("239.77.1." + std::to_string(++count)).with_port(7000);
    }

    settings limits_{};
    std::unique_ptr<engine> engine_;
    const std::string a_ = given("RDMA_A4");
    const std::string b_ = given("RDMA_B4");
};

TEST_F(Groups, OnePacketReachesEveryMemberOnceAndNotTheSender) {
    const auto which = fresh_group();
    const auto sender = member(a_, which, group_use::both);
    std::vector<std::unique_ptr<listener>> leaves;
    for (const auto& at : {b_, b_, a_}) {
        leaves.push_back(member(at, which, group_use::receive));
    }
    const auto before = packet_count("cable_a");
    constexpr int count = 200;
    for (int i = 0; i < count; ++i) {
        while (sender->send(datagram_number(i, 3000)) == posted::full) {
            sender->poll();
        }
        for (const auto& each : leaves) {
            each->poll(); // unreliable means that who does not listen loses
        }
    }
    for (const auto& each : leaves) {
        EXPECT_TRUE(each->heard(count));
        ASSERT_EQ(count, static_cast<int>(each->heard_.size()));
        for (int i = 0; i < count; ++i) {
            ASSERT_EQ(datagram_number(i, 3000), each->heard_[static_cast<std::size_t>(i)]);
        }
    }
    sender->poll();
    EXPECT_TRUE(sender->heard_.empty()) << "its own";
    const auto used = packet_count("cable_a") - before;
    std::printf("%d datagrams to 3 leaves: %lu packets left the sender's end\n", count,
                static_cast<unsigned long>(used));
    EXPECT_GE(used, static_cast<unsigned>(count));
    EXPECT_LE(used, static_cast<unsigned>(count) + 10) << "reports of memberships are the rest";
}

TEST_F(Groups, ASenderAloneIsNoMember) {
    const auto which = fresh_group();
    const auto sender = member(a_, which, group_use::send);
    EXPECT_FALSE(is_announced(which));
    const auto leaf = member(b_, which, group_use::receive);
    const auto other = member(b_, which, group_use::send);
    ASSERT_EQ(posted::copied, sender->send("hello"));
    EXPECT_TRUE(leaf->heard(1));
    ASSERT_EQ(posted::copied, other->send("from the leaf's own process"));
    EXPECT_TRUE(leaf->heard(2));
    other->poll();
    EXPECT_TRUE(sender->heard_.empty());
    EXPECT_TRUE(other->heard_.empty());
}

TEST_F(Groups, WhoSendsAloneAfterTheLastReceiverHasLeftGoesOn) {
    const auto which = fresh_group();
    const auto sender = member(b_, which, group_use::send);
    const auto first = member(b_, which, group_use::both);
    ASSERT_EQ(posted::copied, sender->send("one"));
    ASSERT_TRUE(first->heard(1));
    EXPECT_TRUE(is_announced(which));
    first->leave();
    EXPECT_TRUE(sender->until([&] {
        sender->poll();
        return !is_announced(which);
    }));
    const auto far = member(a_, which, group_use::receive);
    ASSERT_EQ(posted::copied, sender->send("two"));
    ASSERT_TRUE(far->heard(1));
    const auto second = member(b_, which, group_use::receive);
    ASSERT_EQ(posted::copied, sender->send("three"));
    ASSERT_TRUE(far->heard(2) && second->heard(1));
    EXPECT_EQ("three", second->heard_.back());
    EXPECT_EQ(1U, first->heard_.size());
}

TEST_F(Groups, MoreSocketsThanTheDeviceAttachesQueuePairsShareOne) {
    const auto which = fresh_group();
    const auto sender = member(a_, which, group_use::send);
    std::vector<std::unique_ptr<listener>> leaves;
    leaves.reserve(60);
    for (int i = 0; i < 60; ++i) { // Soft-RoCE attaches 56 to a group
        leaves.push_back(member(b_, which, group_use::receive));
    }
    ASSERT_EQ(posted::copied, sender->send("everyone"));
    for (const auto& each : leaves) {
        EXPECT_TRUE(each->heard(1));
    }
}

TEST_F(Groups, AMemberThatDoesNotReadLosesForItselfAlone) {
    const auto which = fresh_group();
    const auto sender = member(a_, which, group_use::send);
    const auto idle = member(b_, which, group_use::receive);
    const auto busy = member(b_, which, group_use::receive);
    constexpr std::size_t count = 300;
    for (std::size_t i = 0; i < count; ++i) {
        while (sender->send(datagram_number(static_cast<int>(i), 100)) == posted::full) {
            sender->poll();
        }
        ASSERT_TRUE(busy->heard(i + 1));
    }
    idle->poll();
    EXPECT_LT(0U, idle->heard_.size());
    EXPECT_GT(count, idle->heard_.size());
    EXPECT_EQ(datagram_number(0, 100), idle->heard_.front());
}

TEST_F(Groups, ADatagramBeyondTheMtuIsNotSent) {
    const auto sender = member(a_, fresh_group(), group_use::both);
    const std::size_t most = sender->membership().datagram_size();
    EXPECT_EQ(4096U, most);
    EXPECT_EQ(posted::copied, sender->send(std::string(most, 'x')));
    EXPECT_EQ(posted::broken, sender->send(std::string(most + 1, 'x')));
    EXPECT_EQ(posted::copied, sender->send("y"));
}

TEST_F(Groups, AnIpv6GroupOverRoceIsRefusedWithTheCause) {
    listener one(*engine_, given("RDMA_A6"));
    for (const auto use : {group_use::receive, group_use::send}) {
        auto refused = one.join(address::parse("ff15::77").with_port(7000), use);
        if (!refused && one.until([&] { return one.lost_.has_value(); })) {
            refused = one.lost_;
        }
        ASSERT_TRUE(refused);
        EXPECT_EQ(WSAEOPNOTSUPP, refused->code);
        EXPECT_EQ("group ff15::77 cannot be joined through device rdma_a: Linux has no IPv6 multicast "
                  "over RoCE v2 "
                  "(error 524): use an IPv4 group",
                  refused->sentence);
    }
}

TEST_F(Groups, AnAddressWithoutADeviceIsRefusedWithTheWayOut) {
    nobody owner;
    auto made = engine_->open(AF_INET, owner);
    ASSERT_TRUE(made);
    ASSERT_EQ(0, (*made)->bind(any_of(AF_INET)));
    listener unused(*engine_, a_);
    const auto joined = (*made)->join_group(fresh_group(), group_use::both, unused);
    ASSERT_FALSE(joined);
    EXPECT_EQ(WSAENETUNREACH, joined.error().code);
    EXPECT_NE(std::string::npos, joined.error().sentence.find("set local")) << joined.error().sentence;
}

// Behind the address of rdma_c are two network cards, and the first one takes over again.
TEST_F(Groups, DISABLED_AnAddressThatMovesToAnotherCard_EndsItsMemberships) {
    const auto which = fresh_group();
    const auto one = member(given("RDMA_C4"), which, group_use::both);
    ASSERT_EQ(0, std::system("ip link set team type bond active_slave team_1"));
    ASSERT_TRUE(one->until([&] { return one->lost_.has_value(); }));
    EXPECT_EQ(WSAENETDOWN, one->lost_->code);
    EXPECT_EQ("the network device has changed its address", one->lost_->sentence);
    EXPECT_EQ(posted::broken, one->send("x"));
}

// Takes rdma_a away for good: tests/rdma runs it last.
TEST_F(Groups, DISABLED_ADeviceThatIsRemoved_EndsItsMemberships) {
    const auto which = fresh_group();
    const auto one = member(a_, which, group_use::both);
    const auto two = member(a_, which, group_use::send);
    // The kernel is not through with it before this process has ended.
    ASSERT_EQ(0, std::system("rdma link delete rdma_a >/dev/null 2>&1 &"));
    for (listener* const each : {one.get(), two.get()}) {
        ASSERT_TRUE(each->until([&] { return each->lost_.has_value(); }));
        EXPECT_EQ(WSAENETDOWN, each->lost_->code);
        EXPECT_EQ("the RDMA device has been removed", each->lost_->sentence);
        EXPECT_EQ(posted::broken, each->send("x"));
    }
}

} // namespace
} // namespace joinleaf::rdma::test
