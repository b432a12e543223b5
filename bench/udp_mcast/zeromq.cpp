// SPDX-License-Identifier: Apache-2.0
//
// ZeroMQ over PGM in UDP, as Debian's libzmq has it.
#include "technique.hpp"

#ifdef BENCH_ZEROMQ
#include <zmq.h>

#include <fmt/format.h>

#include <cstdlib>
#endif

namespace bench {

#ifdef BENCH_ZEROMQ

namespace {

constexpr int rate = 8'000'000; // kbit/s: more than is reached, so that it does not limit
constexpr int recovery = 200;   // ms; with the rate the size of its window
constexpr int patience = 50;    // ms

class publisher_or_subscriber {
  public:
    publisher_or_subscriber(const shape& how, int type)
        : context_(zmq_ctx_new()), socket_(zmq_socket(context_, type)) {
        ::setenv("PGM_MIN_LOG_LEVEL", "ERROR", 1); // it warns of every loopback interface
        if (zmq_has("pgm") == 0) {
            throw failure("this libzmq has no PGM");
        }
        set(ZMQ_RATE, rate);
        set(ZMQ_RECOVERY_IVL, recovery);
        set(ZMQ_SNDHWM, 100'000);
        set(ZMQ_RCVHWM, 1'000'000);
        set(ZMQ_RCVBUF, 16 << 20);
        set(ZMQ_RCVTIMEO, patience);
        set(ZMQ_LINGER, 0);
        if (type == ZMQ_SUB) {
            zmq_setsockopt(socket_, ZMQ_SUBSCRIBE, "", 0);
        }
        const auto where = fmt::format("epgm://{};{}:{}", how.address, how.group, how.port);
        const int code =
            type == ZMQ_PUB ? zmq_bind(socket_, where.c_str()) : zmq_connect(socket_, where.c_str());
        if (code != 0) {
            throw failure(fmt::format("{}: {}", where, zmq_strerror(zmq_errno())));
        }
    }
    publisher_or_subscriber(const publisher_or_subscriber&) = delete;
    publisher_or_subscriber& operator=(const publisher_or_subscriber&) = delete;
    ~publisher_or_subscriber() {
        zmq_close(socket_);
        zmq_ctx_term(context_);
    }
    [[nodiscard]] void* get() const { return socket_; }

  private:
    void set(int option, int value) { zmq_setsockopt(socket_, option, &value, sizeof value); }
    void* context_;
    void* socket_;
};

void send(const shape& how, window& shared) {
    const publisher_or_subscriber to(how, ZMQ_PUB);
    const std::vector<char> message(how.size, 'x');
    warm_up(shared, [&] { zmq_send(to.get(), "w", 1, 0); });
    std::uint64_t sent = 0;
    pace sending(shared);
    for (; sending.admits(sent, 1); ++sent) {
        zmq_send(to.get(), message.data(), message.size(), 0);
    }
    shared.sent = sent;
    shared.finished = true;
    linger(shared); // its threads still have to send what has been queued
}

void receive(const shape& how, window& shared, int lane) {
    const publisher_or_subscriber from(how, ZMQ_SUB);
    std::vector<char> room(how.size);
    await_warm_up(shared, lane, [&] { return zmq_recv(from.get(), room.data(), room.size(), 0) == 1; });
    tally counted(shared, lane);
    while (counted.expects_more()) {
        if (zmq_recv(from.get(), room.data(), room.size(), 0) == static_cast<int>(how.size)) {
            counted.add(1);
        }
    }
}

} // namespace

std::vector<technique> zeromq_techniques() {
    return {{"ZeroMQ epgm", send, receive, true, true}};
}

#else

std::vector<technique> zeromq_techniques() {
    return {};
}

#endif

} // namespace bench
