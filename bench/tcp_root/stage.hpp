// SPDX-License-Identifier: Apache-2.0
//
// What the cases of this benchmark share: the leaves, a process of their own that speaks each library's
// protocol as far as it must and counts bytes without looking at them, so that the root's cost shows; and the
// roots, one for each library.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <sys/types.h>

namespace bench {

using clock = std::chrono::steady_clock;

// What a leaf says before it counts, and what a message takes on its connection.
enum class protocol { bare, joinleaf, zmtp, sp, nats };
std::size_t wire_size(protocol how, std::size_t message) noexcept;

// Between the two processes.
struct score {
    std::atomic<std::uint32_t> joined{0};
    std::atomic<std::uint64_t> least{0}; // bytes behind the handshake, of the leaf that is behind most
    std::atomic<bool> stop{false};
};

// The process of the leaves: joins `count` of them to a port of the loopback address, then counts.
class leaves {
  public:
    leaves(protocol how, std::uint16_t port, std::size_t count);
    leaves(const leaves&) = delete;
    leaves& operator=(const leaves&) = delete;
    ~leaves();
    [[nodiscard]] const score& now() const noexcept { return *score_; }
    [[nodiscard]] bool alive() const;

  private:
    score* score_;
    pid_t process_;
};

// The last processor is the leaves' alone where there are three or more: the scheduler's choice between sharing it and
// not differs from round to round by more than what is compared. Called before the first thread starts, and by each
// process of leaves.
void stay_off_the_leaves_processor();
void move_to_the_leaves_processor();

// CPU seconds of this process so far.
double cpu_seconds();

// A root of one library.
class root {
  public:
    virtual ~root() = default;
    [[nodiscard]] virtual protocol speaks() const = 0;
    [[nodiscard]] virtual std::uint16_t port() const = 0;
    // CPU seconds so far of all that does the root's work.
    [[nodiscard]] virtual double cpu() const { return cpu_seconds(); }
    // Takes so many leaves in.
    virtual void gather(std::size_t count, const leaves& from) = 0;
    // Sends copies of `message` until the time is over, at least one, and waits as the library has it; `least` is how many
    // messages the slowest leaf has had. Returns how many were sent.
    virtual std::uint64_t flood(const std::string& message, clock::time_point until,
                                const std::function<std::uint64_t()>& least) = 0;
};

struct library {
    const char* name;
    std::unique_ptr<root> (*open)(std::size_t message);
};

// batch: how many messages one send carries to each leaf; 1 is what a loop over send does.
std::unique_ptr<root> open_raw_batch(std::size_t message);
std::unique_ptr<root> open_raw_single(std::size_t message);
std::unique_ptr<root> open_joinleaf(std::size_t message);
#ifdef BENCH_ZEROMQ
std::unique_ptr<root> open_zeromq(std::size_t message);
#endif
#ifdef BENCH_NATS
std::unique_ptr<root> open_nats(std::size_t message);
#endif
#ifdef BENCH_NNG
std::unique_ptr<root> open_nng(std::size_t message);
#endif

[[noreturn]] void fail(const std::string& what);
void must(bool right, const char* what);

// A listening TCP socket on the loopback address, and its port.
int listen_on_loopback(std::uint16_t& port);
int connect_to_loopback(std::uint16_t port);
// The same without waiting for the outcome.
int begin_connect_to_loopback(std::uint16_t port);

} // namespace bench
