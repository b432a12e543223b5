// SPDX-License-Identifier: Apache-2.0
#ifdef BENCH_NATS
#include "stage.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include <nats/nats.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {

// The server lets go of subscribers that are further behind than its own limit of 64 MiB.
constexpr std::size_t window_bytes = 16u << 20;

// So many may be on their way to all subscribers, which is what it delivers in a second or less.
constexpr std::uint64_t most_deliveries = 2'000'000;

// User and system time of another process, in seconds.
double cpu_seconds_of(pid_t process) {
    const std::string path = "/proc/" + std::to_string(process) + "/stat";
    std::FILE* const file = std::fopen(path.c_str(), "r");
    unsigned long user = 0;
    unsigned long kernel = 0;
    if (file != nullptr) {
        if (std::fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                        &kernel) != 2) {
            user = kernel = 0;
        }
        std::fclose(file);
    }
    return static_cast<double>(user + kernel) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// A publisher and the server that fans out for it; what the server needs counts as the root's.
class nats final : public root {
  public:
    explicit nats(std::size_t message) : window_(window_bytes / message) {
        ::close(listen_on_loopback(port_)); // free a moment ago
        server_ = ::fork();
        must(server_ >= 0, "fork");
        if (server_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            const std::string port = std::to_string(port_);
            ::execlp("nats-server", "nats-server", "-a", "127.0.0.1", "-p", port.c_str(), "-l", "/dev/null",
                     nullptr);
            std::_Exit(127);
        }
        const std::string url = "nats://127.0.0.1:" + std::to_string(port_);
        for (int i = 0; natsConnection_ConnectTo(&connection_, url.c_str()) != NATS_OK; ++i) {
            must(i < 500 && ::waitpid(server_, nullptr, WNOHANG) == 0, "nats-server");
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    }
    ~nats() override {
        natsConnection_Destroy(connection_);
        ::kill(server_, SIGKILL);
        ::waitpid(server_, nullptr, 0);
    }
    nats(const nats&) = delete;
    nats& operator=(const nats&) = delete;

    [[nodiscard]] protocol speaks() const override { return protocol::nats; }
    [[nodiscard]] std::uint16_t port() const override { return port_; }
    [[nodiscard]] double cpu() const override { return cpu_seconds() + cpu_seconds_of(server_); }

    // A leaf has its subscription when it counts as joined.
    void gather(std::size_t count, const leaves&) override {
        window_ = std::clamp<std::uint64_t>(most_deliveries / count, 256, window_);
    }

    std::uint64_t flood(const std::string& message, clock::time_point until,
                        const std::function<std::uint64_t()>& least) override {
        std::uint64_t sent = 0;
        while (clock::now() < until) {
            if (sent - std::min(sent, least()) >= window_) {
                std::this_thread::yield();
                continue;
            }
            for (int i = 0; i < 64; ++i, ++sent) {
                must(natsConnection_Publish(connection_, "s", message.data(),
                                            static_cast<int>(message.size())) == NATS_OK,
                     "natsConnection_Publish");
            }
        }
        natsConnection_FlushTimeout(connection_, 5000); // the caller waits for what is still on its way
        return sent;
    }

  private:
    std::uint64_t window_;
    std::uint16_t port_ = 0;
    pid_t server_ = -1;
    natsConnection* connection_ = nullptr;
};

} // namespace

std::unique_ptr<root> open_nats(std::size_t message) {
    return std::make_unique<nats>(message);
}

} // namespace bench
#endif
