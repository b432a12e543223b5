// SPDX-License-Identifier: Apache-2.0
#ifdef BENCH_ZEROMQ
#include "stage.hpp"

#include <cstdlib>
#include <cstring>
#include <thread>

#include <zmq.h>

namespace bench {
namespace {

// Its queues are unbounded here, so that nothing is dropped; this keeps them from growing.
constexpr std::size_t window_bytes = 16u << 20;

class zeromq final : public root {
  public:
    explicit zeromq(std::size_t message)
        : window_(window_bytes / message), context_(zmq_ctx_new()), socket_(zmq_socket(context_, ZMQ_XPUB)) {
        const int none = 0;
        zmq_setsockopt(socket_, ZMQ_SNDHWM, &none, sizeof none);
        zmq_setsockopt(socket_, ZMQ_LINGER, &none, sizeof none);
        const int all = 1;
        zmq_setsockopt(socket_, ZMQ_XPUB_VERBOSE, &all, sizeof all);
        must(zmq_bind(socket_, "tcp://127.0.0.1:*") == 0, "zmq_bind");
        char name[128];
        std::size_t size = sizeof name;
        zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, name, &size);
        port_ = static_cast<std::uint16_t>(std::atoi(std::strrchr(name, ':') + 1));
    }
    ~zeromq() override {
        zmq_close(socket_);
        zmq_ctx_term(context_);
    }
    zeromq(const zeromq&) = delete;
    zeromq& operator=(const zeromq&) = delete;

    [[nodiscard]] protocol speaks() const override { return protocol::zmtp; }
    [[nodiscard]] std::uint16_t port() const override { return port_; }

    // A leaf is there when its subscription has come.
    void gather(std::size_t count, const leaves&) override {
        char note[8];
        for (std::size_t i = 0; i < count; ++i) {
            must(zmq_recv(socket_, note, sizeof note, 0) == 1, "zmq_recv");
        }
    }

    std::uint64_t flood(const std::string& message, clock::time_point until,
                        const std::function<std::uint64_t()>& least) override {
        std::uint64_t sent = 0;
        while (clock::now() < until) {
            if (sent - least() >= window_) {
                std::this_thread::yield();
                continue;
            }
            for (int i = 0; i < 64; ++i, ++sent) {
                must(zmq_send(socket_, message.data(), message.size(), 0) >= 0, "zmq_send");
            }
        }
        return sent;
    }

  private:
    std::uint64_t window_;
    void* context_;
    void* socket_;
    std::uint16_t port_ = 0;
};

} // namespace

std::unique_ptr<root> open_zeromq(std::size_t message) {
    return std::make_unique<zeromq>(message);
}

} // namespace bench
#endif
