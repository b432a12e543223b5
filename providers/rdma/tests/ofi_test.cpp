// SPDX-License-Identifier: Apache-2.0
//
// The session layer over engine ofi: libfabric's provider for TCP, and its shared memory.
#include "engine_module.hpp"
#include "session_fixture.hpp"
#include "support/waiting.hpp"

#include <array>

#include <netinet/in.h>
#include <sys/socket.h>

namespace joinleaf::rdma::test {
namespace {

class Fabric : public Session {
  protected:
    void SetUp() override {
        limits_.engine = "ofi";
        limits_.fabric = fabric_name();
        limits_.slice = 66u << 10;
        limits_.window = 16;
        limits_.send_buffer = 1u << 20;
        limits_.recv_buffer = 1u << 20;
        for (const bool polled : {false, true}) {
            limits_.polled = polled;
            auto made = load_engine("ofi", limits_, OFI_LIBRARY);
            ASSERT_TRUE(made) << made.error().sentence;
            (polled ? polled_ : watched_) = std::move(*made);
        }
        use(false);
    }
    engine& way() override { return *used_; }
    // By every socket that is made from now on.
    void use(bool polled) { used_ = (polled ? polled_ : watched_).get(); }
    [[nodiscard]] virtual const char* fabric_name() const { return "tcp;ofi_rxm"; }

    static address loopback() {
        sockaddr_in four{};
        four.sin_family = AF_INET;
        four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return address::of(reinterpret_cast<const sockaddr*>(&four), sizeof four);
    }
    static int fill(node& from, std::size_t size) {
        int sent = 0;
        while (from.try_send(message_number(sent, size)) == 0) {
            ++sent;
        }
        return sent;
    }

    void reset_in_a_flood(int round) {
        auto at = make_root();
        auto [leaf, branch] = ask(at, at.listen(16, loopback()));
        const std::size_t size =
            std::array<std::size_t, 4>{64, 3000, 20000, 200000}[static_cast<std::size_t>(round) % 4];
        EXPECT_LT(0, fill(at, size));
        EXPECT_LT(0, fill(leaf, size));
        std::string got;
        for (int i = 0; i < round % 7; ++i) {
            at.try_receive(got);
            leaf.try_receive(got);
        }
        node& first = round % 2 == 0 ? leaf : at;
        node& second = round % 2 == 0 ? at : leaf;
        first.close(JL_CLOSE_ABORT);
        branch.close(JL_CLOSE_ABORT);
        second.close(round % 3 == 0 ? JL_CLOSE_GRACEFUL : JL_CLOSE_ABORT);
    }

  private:
    std::unique_ptr<engine> watched_;
    std::unique_ptr<engine> polled_;
    engine* used_ = nullptr;
};

// Two ends of a connection, as the session layer has them.
struct end final : station_owner, link_owner {
    link_owner* on_incoming(link& line) override {
        come = &line;
        return this;
    }
    void on_parcel(const parcel&) override {}
    void on_trouble(const address&, const failure&) override {}
    void on_up() override { is_up = true; }
    void on_control(std::span<const std::byte>) override {}
    void on_sent(std::uint64_t) override {}
    void on_down(const failure&) override {}

    link* come = nullptr;
    bool is_up = false;
};

TEST_F(Fabric, PeersThatRxmMakesTalkInAnotherWayAreRefused) {
    end mine;
    end theirs;
    const auto listener = *way().open(AF_INET, theirs);
    const auto joiner = *way().open(AF_INET, mine);
    ASSERT_EQ(0, listener->bind(loopback()));
    ASSERT_EQ(0, listener->listen());
    ASSERT_EQ(0, joiner->bind(loopback()));
    link* const line = joiner->connect(listener->local_name(), false, mine);
    ASSERT_NE(nullptr, line);
    ASSERT_TRUE(joinleaf::test::eventually([&] {
        listener->poll_control();
        joiner->poll_control();
        return mine.is_up && theirs.come != nullptr;
    }));
    auto name = theirs.come->data_address();
    ASSERT_EQ(sizeof(sockaddr_in) + 1, name.size()) << "the address, and how the endpoint talks";
    name.back() ^= std::byte{1};
    EXPECT_EQ(WSAEINVAL, line->attach(name));
    name.pop_back();
    EXPECT_EQ(WSAEINVAL, line->attach(name)) << "that of an endpoint that does not say";
    EXPECT_EQ(0, line->attach(theirs.come->data_address()));
    line->close(true);
    theirs.come->close(true);
}

// Whoever closes with a reset, at any moment of a flood in both directions, ends nothing but the session.
TEST_F(Fabric, ResetsInTheMiddleOfAFloodEndTheSessionAndNothingElse) {
    for (int round = 0; round < 24; ++round) {
        use(round / 4 % 2 == 1);
        reset_in_a_flood(round);
    }
}

class SharedMemory : public Fabric {
  protected:
    [[nodiscard]] const char* fabric_name() const override { return "shm"; }

    // Each as long as its number says, whoever is faster.
    static constexpr std::array<std::size_t, 7> sizes{64, 4000, 4096, 65536, 67000, 300000, 1u << 20};
    static std::string numbered(int i) {
        return message_number(i, sizes[static_cast<std::size_t>(i) % sizes.size()]);
    }
    static void flow(node& from, node& to, int count) {
        int sent = 0;
        std::string got;
        for (int come = 0; come < count; ++come) {
            while (sent < count && from.try_send(numbered(sent)) == 0) {
                ++sent;
            }
            ASSERT_EQ(0, to.receive(got)) << come;
            ASSERT_EQ(numbered(come), got) << come;
        }
    }
};

TEST_F(SharedMemory, MessagesOfEverySizeComeWholeAndInOrderInBothDirections) {
    auto at = make_root();
    auto [leaf, branch] = ask(at, at.listen(16, loopback()));
    flow(at, leaf, 200);
    flow(leaf, at, 200);
}

// A leaf that reads later has what the root sent before it went, though the root writes on for others.
TEST_F(SharedMemory, ALeafThatReadsLateGetsWhatItsRootSentBeforeItLeft) {
    auto at = make_root();
    const auto name = at.listen(16, loopback());
    auto [late, late_branch] = ask(at, name);
    auto [other, other_branch] = ask(at, name);
    for (int i = 0; i < 8; ++i) {
        ASSERT_EQ(0, at.try_send(message_number(i, 65536)));
    }
    late_branch.close(JL_CLOSE_GRACEFUL);
    std::string got;
    for (int i = 0; i < 8; ++i) {
        ASSERT_EQ(0, other.receive(got));
        ASSERT_EQ(message_number(i, 65536), got);
    }
    flow(at, other, 100);
    for (int i = 0; i < 8; ++i) {
        ASSERT_EQ(0, late.receive(got)) << i;
        EXPECT_EQ(message_number(i, 65536), got) << i;
    }
    EXPECT_EQ(0, late.wait_end());
}

TEST_F(SharedMemory, ResetsInTheMiddleOfAFloodEndTheSessionAndNothingElse) {
    for (int round = 0; round < 24; ++round) {
        reset_in_a_flood(round);
    }
}

// Without a descriptor on one end, or both, whoever waits is woken all the same.
class Waiting : public Fabric, public ::testing::WithParamInterface<std::pair<bool, bool>> {};

TEST_P(Waiting, EchoesOfAnySizeComeToBothEnds) {
    use(GetParam().first);
    auto at = make_root(wire::data_role::root);
    const address name = at.listen(16, loopback());
    use(GetParam().second);
    auto [leaf, branch] = ask(at, name);
    constexpr int messages = 40;
    const auto text = [](int i) { return message_number(i, i % 4 == 3 ? 700'000 : 64); };
    std::thread echo([&, &there = leaf] {
        std::string got;
        for (int i = 0; i < messages; ++i) {
            ASSERT_EQ(0, there.receive(got));
            ASSERT_EQ(0, there.send(got));
        }
    });
    std::string got;
    for (int i = 0; i < messages; ++i) {
        EXPECT_EQ(0, at.send(text(i)));
        EXPECT_EQ(0, at.receive(got));
        EXPECT_EQ(text(i), got);
    }
    echo.join();
}

TEST_P(Waiting, AFloodComesWholeToAReaderThatWaits) {
    use(GetParam().first);
    auto at = make_root(wire::data_role::root);
    const address name = at.listen(16, loopback());
    use(GetParam().second);
    auto [leaf, branch] = ask(at, name);
    constexpr int messages = 3000;
    std::thread flood([&] {
        for (int i = 0; i < messages; ++i) {
            ASSERT_EQ(0, at.send(message_number(i, i % 100 == 99 ? 300'000 : 90)));
        }
    });
    std::string got;
    for (int i = 0; i < messages; ++i) {
        ASSERT_EQ(0, leaf.receive(got));
        ASSERT_EQ(message_number(i, i % 100 == 99 ? 300'000 : 90), got);
    }
    flood.join();
}

INSTANTIATE_TEST_SUITE_P(Ends, Waiting,
                         ::testing::Values(std::pair(false, false), std::pair(false, true),
                                           std::pair(true, false), std::pair(true, true)),
                         [](const auto& of) {
                             return std::string(of.param.first ? "Polled" : "Watched") + "Root" +
                                    (of.param.second ? "Polled" : "Watched") + "Leaf";
                         });

} // namespace
} // namespace joinleaf::rdma::test
