// SPDX-License-Identifier: Apache-2.0
#ifdef BENCH_NNG
#include "stage.hpp"

#include <thread>

#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>

namespace bench {
namespace {

// A full queue of a subscriber drops, so that no more than this may be on its way.
constexpr int queue_length = 4096;

class nng final : public root {
  public:
    nng() {
        must(nng_pub0_open(&socket_) == 0, "nng_pub0_open");
        nng_socket_set_int(socket_, NNG_OPT_SENDBUF, queue_length);
        nng_pipe_notify(
            socket_, NNG_PIPE_EV_ADD_POST,
            [](nng_pipe, nng_pipe_ev, void* self) { ++static_cast<nng*>(self)->pipes_; }, this);
        must(nng_listener_create(&listener_, socket_, "tcp://127.0.0.1:0") == 0 &&
                 nng_listener_start(listener_, 0) == 0,
             "nng_listener_start");
        int port = 0;
        nng_listener_get_int(listener_, NNG_OPT_TCP_BOUND_PORT, &port);
        port_ = static_cast<std::uint16_t>(port);
    }
    ~nng() override { nng_close(socket_); }
    nng(const nng&) = delete;
    nng& operator=(const nng&) = delete;

    [[nodiscard]] protocol speaks() const override { return protocol::sp; }
    [[nodiscard]] std::uint16_t port() const override { return port_; }

    void gather(std::size_t count, const leaves&) override {
        while (pipes_ < count) {
            std::this_thread::yield();
        }
    }

    std::uint64_t flood(const std::string& message, clock::time_point until,
                        const std::function<std::uint64_t()>& least) override {
        std::uint64_t sent = 0;
        while (clock::now() < until) {
            if (sent - least() >= queue_length - 64) {
                std::this_thread::yield();
                continue;
            }
            for (int i = 0; i < 64; ++i, ++sent) {
                must(nng_send(socket_, const_cast<char*>(message.data()), message.size(), 0) == 0,
                     "nng_send");
            }
        }
        return sent;
    }

  private:
    nng_socket socket_{};
    nng_listener listener_{};
    std::uint16_t port_ = 0;
    std::atomic<std::size_t> pipes_{0};
};

} // namespace

std::unique_ptr<root> open_nng(std::size_t) {
    return std::make_unique<nng>();
}

} // namespace bench
#endif
