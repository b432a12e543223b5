// SPDX-License-Identifier: Apache-2.0
//
// The rate of a FLOWSPEC over udp-mcast, with messages that leave in batches: the mean over a second, and nothing larger
// than the bucket at once (QS-24).
#include "tests/socket/group_fixture.hpp"
#include "tests/support/quality.hpp"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>

#include <cmath>
#include <ostream>

namespace joinleaf::test {
namespace {

struct flow_case {
    const char* name;
    ULONG rate;   // bytes a second
    ULONG bucket; // bytes
    std::size_t message;
    int batch; // messages of one call
};

void PrintTo(const flow_case& one, std::ostream* out) {
    *out << one.name;
}

class Pacing : public group_test, public ::testing::WithParamInterface<flow_case> {
  protected:
    void set_rate(ULONG rate, ULONG bucket) {
        QOS qos{flow(SERVICETYPE_GUARANTEED, rate, bucket), flow(SERVICETYPE_BESTEFFORT), {0, nullptr}};
        ASSERT_TRUE(worked(set_qos(sender_, qos)));
    }
};

// Everything that goes over `lo` from now on.
class link_watch {
  public:
    link_watch() : fd_(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_IP))) {
        const int room = 8 << 20;
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    }
    link_watch(const link_watch&) = delete;
    link_watch& operator=(const link_watch&) = delete;
    ~link_watch() { ::close(fd_); }

    // Payload bytes of the largest packet so far.
    [[nodiscard]] std::size_t largest() const {
        std::size_t most = 0;
        std::array<char, 32> head{};
        for (ssize_t got = 0; (got = ::recv(fd_, head.data(), head.size(), MSG_TRUNC)) > 0;) {
            most = std::max(most, static_cast<std::size_t>(got) - 28); // IP and UDP
        }
        return most;
    }

  private:
    int fd_;
};

TEST_P(Pacing, QS_24_TheMeanIsKeptOverASecond_AndNoPacketIsLargerThanTheBucket) {
    const auto& asked = GetParam();
    begin("rcvbuf: 64KiB");
    const link_watch wire;
    std::string text(asked.message, 'x');
    WSABUF buffer{static_cast<ULONG>(text.size()), text.data()};
    std::vector<jl_message> messages(static_cast<std::size_t>(asked.batch));
    for (auto& one : messages) {
        one.buffers = &buffer;
        one.buffer_count = 1;
    }
    double off = 1;
    // A machine that is busy with something else for a second proves nothing.
    for (int attempt = 0; attempt < 8 && off > 0.05; ++attempt) {
        set_rate(asked.rate, asked.bucket);
        // The bucket is full, and is emptied first.
        std::size_t sent = 0;
        const auto begin_of_all = clock::now();
        const auto send_some = [&] {
            const int done = jl_send_batch(sender_, messages.data(), asked.batch);
            ASSERT_GT(done, 0);
            sent += static_cast<std::size_t>(done) * asked.message;
            const auto passed = std::chrono::duration<double>(clock::now() - begin_of_all).count();
            ASSERT_LE(static_cast<double>(sent), asked.bucket + asked.rate * passed + 1);
        };
        while (sent + asked.message <= asked.bucket) {
            send_some();
        }
        const auto start = clock::now();
        const auto before = sent;
        while (clock::now() - start < std::chrono::seconds(1)) {
            send_some();
        }
        const auto passed = std::chrono::duration<double>(clock::now() - start).count();
        off = std::abs(static_cast<double>(sent - before) / passed / asked.rate - 1);
    }
    EXPECT_LE(off, 0.05);
    EXPECT_LE(wire.largest(), std::max<std::size_t>(asked.bucket, asked.message));
    EXPECT_EQ(statistics_of(sender_).paced, JL_PACES_RUNTIME);
}

INSTANTIATE_TEST_SUITE_P(Flows, Pacing,
                         ::testing::Values(flow_case{"slow", 100'000, 3'000, 1'000, 8},
                                           flow_case{"bucket_below_a_packet", 1'000'000, 10'000, 500, 64},
                                           flow_case{"fast", 100'000'000, 1'000'000, 1'200, 64}),
                         [](const auto& one) { return std::string(one.param.name); });

} // namespace
} // namespace joinleaf::test
