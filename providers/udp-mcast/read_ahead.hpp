// SPDX-License-Identifier: Apache-2.0
//
// Receiving super-packets (UDP_GRO): many datagrams of one sender that crossed the stack as one. The one at the
// head of the kernel's queue is read by looking at it, handed out datagram by datagram without a system call,
// and taken out of the queue together with its last datagram. So the socket's descriptor is readable exactly
// while there is something to receive: the kernel sees to that itself.
//
// A lone datagram costs one system call more in this way. The kernel is therefore asked for super-packets only
// once datagrams pile up; before that it cuts them itself. It is never asked to stop again: what it had queued
// could not be told from one long datagram any more.
//
// [caller] of the receiving direction, but for what is marked [any].
#pragma once

#include <joinleaf/provider.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace joinleaf::udp_mcast {

class read_ahead {
  public:
    read_ahead(int fd, bool allowed) noexcept : fd_(fd), allowed_(allowed) {}

    // Reads ahead from the first datagram on, for whoever looks into them. Throws std::bad_alloc.
    void start();

    // Whether the kernel may queue super-packets. [any]
    [[nodiscard]] bool on() const noexcept { return on_.load(std::memory_order_relaxed); }

    // Whether it does: several datagrams may come as one. [any]
    [[nodiscard]] bool gathers() const noexcept { return gathers_.load(std::memory_order_relaxed); }

    // While it is off: `count` datagrams came with one system call, out of `wanted`; 0: the queue was empty.
    // Switches it on when they keep piling up.
    void note(std::uint32_t count, std::uint32_t wanted) noexcept;

    // Whether a datagram is at hand. If not, fetch looks for one.
    [[nodiscard]] bool holds() const noexcept { return held_; }
    int fetch() noexcept; // 0 or an errno

    // The same with the callers' buffers as the place of the datagrams, so that they are copied once: hands out
    // those of the next super-packet, if it is of the kind that came before; what finds no buffer is at hand
    // afterwards. How many; 0: fetch has to do it. error: an errno that the kernel told meanwhile, or 0.
    std::uint32_t hand_out(std::span<jl_msg> messages, int& error) noexcept;

    // Datagrams at hand, the next one included.
    [[nodiscard]] std::size_t left() const noexcept;

    // Takes the head of the kernel's queue out of it. 0; or the errno of something else that the kernel wanted to
    // tell first, and then it is still there. What is at hand of it has to be forgotten.
    int discard() noexcept;
    void forget() noexcept;

    // A thread that waits in the kernel for a lone datagram, with no place for a super-packet: none is asked for
    // meanwhile. False: they have been asked for. [any]
    class lone_wait {
      public:
        explicit lone_wait(read_ahead& of) noexcept : of_(of) { of_.waiting_.fetch_add(1); }
        lone_wait(const lone_wait&) = delete;
        lone_wait& operator=(const lone_wait&) = delete;
        ~lone_wait() { of_.waiting_.fetch_sub(1); }
        explicit operator bool() const noexcept { return !of_.on_.load() && !of_.should_switch_.load(); }

      private:
        read_ahead& of_;
    };
    // While it is on: waits in the kernel until something is to be received, and finds out whether it is a lone
    // datagram. 0 or an errno. [any]
    int await() noexcept;
    // Whether the head of the kernel's queue is known to be one, to be taken without looking at it first. Whoever
    // does so says it afterwards.
    [[nodiscard]] bool is_lone() const noexcept { return taken_ != 0 && lone_after_ == taken_; }
    void note_taken() noexcept { taken_.store(taken_.load(std::memory_order_relaxed) + 1); }

    // As `note` of one datagram, after a lone_wait; the next receive of the ordinary way switches on. [any]
    void note_waited() noexcept;

    // Copies the next datagram as far as there is room, with its source; flags and size as `rx` answers them.
    void copy_to(jl_msg& message) const noexcept;

    // The datagram as a whole, or the one that many places behind it; where it came from, and what `rx` answers
    // besides its bytes.
    [[nodiscard]] std::span<const char> datagram(std::size_t behind = 0) const noexcept {
        const auto at = at_ + behind * segment_;
        return {bytes_.get() + at, std::min(segment_, end_ - at)};
    }
    [[nodiscard]] const sockaddr* source() const noexcept {
        return reinterpret_cast<const sockaddr*>(&source_);
    }
    [[nodiscard]] socklen_t source_length() const noexcept { return source_length_; }
    void describe(jl_msg& message) const noexcept;

    // Steps over it. 0; or the errno of something else that the kernel wanted to tell first, and then the
    // datagram is still the next one.
    int step() noexcept;

    // Bytes of the next datagram; 0: there is none. [any]
    [[nodiscard]] int next_size() const noexcept;
    [[nodiscard]] bool has_next() const noexcept {
        return next_.load(std::memory_order_relaxed) >= 0;
    } // [any]

    // The first bytes of the datagram at the head of the kernel's queue, and its size; -1: there is none. [any]
    ssize_t look(std::span<char> start) const noexcept;

  private:
    [[nodiscard]] std::size_t size() const noexcept { return std::min(segment_, end_ - at_); }
    void show_next() noexcept { next_.store(static_cast<int>(size()), std::memory_order_relaxed); }
    [[nodiscard]] bool piles_up() noexcept;
    void switch_on() noexcept;

    static constexpr std::size_t room = 65536; // the longest datagram of either family

    const int fd_;
    const bool allowed_;
    std::atomic<bool> on_{false};
    std::atomic<bool> gathers_{false};
    std::atomic<bool> refused_{false};           // the kernel knows no super-packets
    std::uint32_t streak_ = 0;                   // receives in a row that found something
    std::uint32_t piled_ = 0;                    // looks in a row that found still more behind it
    std::atomic<std::uint32_t> waiting_{0};      // threads in a lone_wait
    std::atomic<std::uint32_t> waited_{0};       // datagrams that such a one brought
    std::atomic<std::uint32_t> waited_piles_{0}; // looks in a row, after such a one, that found more behind it
    std::atomic<bool> should_switch_{false};     // the next receive of the ordinary way switches on

    // What has left the kernel's queue since it is on, and the count after which a lone datagram was seen at its
    // head. Equal: it still is, as only the receiving direction takes it away.
    std::atomic<std::uint64_t> taken_{0};
    std::atomic<std::uint64_t> lone_after_{0};

    std::unique_ptr<char[]> bytes_; // of the datagrams; `room` of them once it is on
    std::size_t at_ = 0;            // where the next datagram begins
    std::size_t end_ = 0;
    std::size_t segment_ = 0; // bytes of each but perhaps the last
    std::size_t kind_ = 0;    // segment_ of the last super-packet of several datagrams
    bool held_ = false;
    bool group_ = false;
    std::atomic<int> next_{-1}; // bytes of the datagram at hand; -1: none is
    sockaddr_storage source_{};
    socklen_t source_length_ = 0;
};

} // namespace joinleaf::udp_mcast
