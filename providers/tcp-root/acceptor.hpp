// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base.hpp"
#include "greeting_reader.hpp"
#include "settings.hpp"
#include "tcp.hpp"
#include "wire.hpp"

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <tl/expected.hpp>

namespace joinleaf::tcp_root {

// What an admitted request turns into: a connection on which the answer is still due.
struct introduction {
    tcp::descriptor fd;
    address peer;
    wire::greeting hello;
};

// The listening side of the handshake, on a root that leaves ask or on a leaf that a root invites.
// Connections are accepted and their hellos read on the loop; whole and fitting ones go to the host's queue,
// everything else is dropped after a bounded time and with bounded memory, so that peers who mean ill cost
// the session nothing. Safe from any thread.
class acceptor : public std::enable_shared_from_this<acceptor> {
  public:
    acceptor(jl_handle* listener, jl_loop* loop, std::shared_ptr<const settings> limits, wire::roles mine);

    // Begins to listen on fd, or changes the backlog. The descriptor belongs to the acceptor from the first
    // call on. Errors: the kernel's, WSAENOBUFS.
    std::int32_t listen(tcp::descriptor fd, std::int32_t backlog);

    [[nodiscard]] bool is_listening() const;
    [[nodiscard]] int fd() const; // -1: not listening
    // The address it listens on; from the first call of listen on.
    [[nodiscard]] const address& name() const noexcept { return name_; }

    // Takes a request out of the queue in order to admit it. WSAECONNRESET: the asker is gone; the request is
    // gone too then.
    tl::expected<introduction, std::int32_t> take(void* request);

    // Answers a request with this code, 0 for WSAECONNREFUSED, or lets a withdrawn one go.
    void refuse(void* request, std::int32_t code);

    // Refuses what comes from now on and what waits (AC-21); frees the local address.
    void close();

  private:
    struct incoming;
    using incoming_ptr = std::shared_ptr<incoming>;

    std::int32_t start(tcp::descriptor fd);
    struct arrival {
        tcp::descriptor fd;
        address peer;
    };
    using lock_type = std::unique_lock<std::mutex>;

    void on_connections();
    static int accept_some(int fd, std::vector<arrival>& out);
    bool receive(arrival& from);
    void evict_oldest();
    void on_peers();
    void on_readable(lock_type& lock, const incoming_ptr& who);
    void read_hello(lock_type& lock, const incoming_ptr& who);
    void judge(const incoming_ptr& who);
    void enqueue(const incoming_ptr& who);
    void withdraw(const incoming_ptr& who);
    void turn_away(const incoming_ptr& who, wire::reason why);
    void drop(const incoming_ptr& who);
    void forget(const incoming_ptr& who);
    void pause_accepting(int error);
    void on_tick();
    void tend(const incoming_ptr& who, std::chrono::steady_clock::time_point now);
    void keep_ticking();
    [[nodiscard]] bool needs_tick() const;
    [[nodiscard]] std::chrono::nanoseconds tick_length() const;
    incoming_ptr extract(void* request);

    jl_handle* const listener_;
    jl_loop* const loop_;
    const std::shared_ptr<const settings> limits_;
    const wire::roles mine_;

    address name_; // written by the first call of listen

    // Free during every system call that waits for nothing but is long, so that whoever admits need not wait.
    mutable std::mutex mutex_;                  // of everything below
    std::shared_ptr<const tcp::descriptor> fd_; // closed when no accept is under way
    watch watch_;
    std::shared_ptr<const tcp::descriptor> set_; // epoll: those in the handshake, by number
    watch peers_watch_;
    std::unordered_map<std::uint64_t, incoming_ptr> peers_; // those in set_
    std::uint64_t last_number_ = 0;
    timer tick_;
    bool ticking_ = false;
    bool paused_ = false; // out of descriptors
    bool closed_ = false;
    std::size_t backlog_ = 1;
    std::size_t queued_ = 0;
    std::list<incoming_ptr> greeting_; // oldest first
    std::list<incoming_ptr> waiting_;  // handed to the host, the withdrawn ones too
};

} // namespace joinleaf::tcp_root
