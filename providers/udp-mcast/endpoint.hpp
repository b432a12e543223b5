// SPDX-License-Identifier: Apache-2.0
//
// One UDP socket: ordinary, or a leaf of a multicast session. The methods are those of jl_ops, with their
// tags and their errors; the rest is [caller] of the sending direction unless it says otherwise.
#pragma once

#include "address.hpp"
#include "circular_queue.hpp"
#include "counters.hpp"
#include "envelope.hpp"
#include "flood.hpp"
#include "instance.hpp"
#include "memberships.hpp"
#include "outbox.hpp"
#include "read_ahead.hpp"
#include "send_plan.hpp"
#include "source_numbers.hpp"

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace joinleaf::udp_mcast {

class endpoint {
  public:
    // The descriptor is borrowed: the runtime owns it and closes it after `closed`.
    endpoint(const instance& owner, jl_handle* handle, int fd, int family, bool multipoint);
    endpoint(const endpoint&) = delete;
    endpoint& operator=(const endpoint&) = delete;
    ~endpoint();

    std::int32_t bind(const sockaddr* name, std::uint32_t length);
    std::int32_t connect(const jl_join* join);
    std::int32_t join(const jl_join* join);
    std::int32_t tx(jl_msg* messages, std::uint32_t count, std::uint32_t* done);
    std::int32_t rx(jl_msg* messages, std::uint32_t count, std::uint32_t* done, std::uint32_t* left);
    std::int32_t rx_wait(jl_msg* message, std::uint64_t timeout_ns); // [any]
    std::int32_t arm(std::uint32_t direction, std::int32_t* code);
    std::int32_t shutdown(std::int32_t how);
    void close(std::uint32_t how);
    std::int32_t name(std::uint32_t peer, sockaddr* name, std::uint32_t* length);
    std::int32_t set_option(std::int32_t level, std::int32_t option, const void* value, std::uint32_t length);
    std::int32_t get_option(std::int32_t level, std::int32_t option, void* value, std::uint32_t* length);
    std::int32_t ioctl(std::uint32_t code, const void* in, std::uint32_t in_length, void* out,
                       std::uint32_t out_length, std::uint32_t* bytes);
    std::int32_t qos(const QOS* qos, std::uint32_t how);
    std::int32_t stats(jl_stats* stats);
    // The senders whose numbers this socket follows, with what is missing of each.
    std::int32_t leaves(jl_leaf_stats* leaves, std::uint32_t room, std::uint32_t* count);

    // Whether group datagrams of senders on this host are received (IO-25). 0 or a Winsock code.
    std::int32_t set_loopback(bool on);

    // From the next receive on it is told what came by multicast (JL_MSG_GROUP). A socket in no group has no need of
    // it and spares each receive the kernel's notes. 0 or a Winsock code.
    std::int32_t tell_groups();

  private:
    // local_address.cpp
    [[nodiscard]] address local() const;
    std::int32_t bind_to(const address& name);
    std::int32_t bind_narrowly(const address& name);
    std::int32_t bind_implicitly();
    std::int32_t bind_for(const address& session, bool receives);
    std::int32_t use_source(const address& source);
    std::int32_t use_link(unsigned link, in_addr source = {});

    // session.cpp
    std::int32_t become_member(const address& session);
    std::int32_t receive_nothing();
    int admit(const address& session, const std::vector<address>& sources);
    std::int32_t set_peer(const address& peer);
    void aim_at(const address& destination);
    int dissolve();
    void finish(std::uint64_t op, std::int32_t code) const;

    // sending.cpp
    std::int32_t find_destination(const jl_msg& message, sockaddr*& to, socklen_t& length) const;
    std::int32_t send_one(jl_msg& message);
    ssize_t put_lone(const msghdr& header) const noexcept;
    std::int32_t send_many(jl_msg* messages, std::uint32_t count, std::uint32_t& done);
    std::int32_t send_some(jl_msg* messages, std::uint32_t count, std::uint32_t& done);
    std::int32_t send_each(jl_msg* messages, std::uint32_t count, std::uint32_t& done);
    bool learns_from(int error, const send_plan& plan);
    void does_without(std::uint32_t limit, std::uint32_t path, const std::string& sentence);
    void note_path(std::uint32_t path) noexcept;
    [[nodiscard]] bool is_waved_through(int error) const noexcept;

    // gathering.cpp
    [[nodiscard]] bool may_gather(const jl_msg& message) const noexcept;
    std::int32_t send_or_gather(jl_msg& message);
    std::int32_t send_at_once(jl_msg& message);
    std::int32_t send_alone(jl_msg& message);
    bool begin_flood();
    std::optional<std::int32_t> gather(jl_msg& message, std::size_t size);
    void end_flood();
    void begin_receive(); // [any]

    // receiving.cpp; [caller] of the receiving direction
    ssize_t take_lone(jl_msg& message, int flags) const noexcept;
    std::int32_t receive_one(jl_msg& message, int flags);
    std::int32_t receive_many(jl_msg* messages, std::uint32_t count, std::uint32_t& done, std::uint32_t& left);
    std::int32_t receive_ahead(jl_msg* messages, std::uint32_t count, bool peek, std::uint32_t& done,
                               std::uint32_t& left);
    [[nodiscard]] bool next_is_lone() const noexcept;
    int take_ahead(jl_msg& message, bool peek);
    std::uint32_t hand_out(std::span<jl_msg> messages, int& error);
    bool keeps_waiting(std::uint64_t timeout_ns); // [any]

    // circular_queue.cpp
    std::int32_t queue_in_circle(); // with both directions at rest
    [[nodiscard]] std::unique_lock<std::mutex> hold_queue() const;
    static void make_room(void* self); // with the queue held; [reactor]
    void drop_oldest();
    [[nodiscard]] std::uint64_t messages_at_hand() const;

    // enveloped.cpp
    [[nodiscard]] bool goes_to_session(const jl_msg& message) const noexcept;
    [[nodiscard]] envelope header_for(bool to_session, bool packed) const noexcept;
    std::int32_t send_enveloped(jl_msg* messages, std::uint32_t count, std::uint32_t& done);
    std::int32_t send_wrapped(jl_msg* messages, std::uint32_t count, std::uint32_t& done);
    [[nodiscard]] bool is_packed(const jl_msg& message) const noexcept;
    bool pack(jl_msg* messages, std::uint32_t count, std::uint32_t& done);
    std::int32_t depart();                 // with the outbox's departure held
    std::int32_t send_load();              // likewise
    static void on_delay_over(void* self); // likewise; [reactor]
    std::int32_t let_go();
    void discard_unsent();
    [[nodiscard]] int next_message_size() const noexcept;
    void show_next() noexcept;
    int open_next();                                // [caller] of the receiving direction
    int take_enveloped(jl_msg& message, bool peek); // likewise

    // socket_options.cpp
    std::int32_t set_membership(std::int32_t level, std::int32_t option, const void* value,
                                std::uint32_t length);
    std::int32_t set_multicast_interface(std::int32_t level, const void* value, std::uint32_t length);
    std::int32_t set_ttl(std::int32_t level, const void* value, std::uint32_t length);

    // endpoint.cpp
    std::int32_t put_filter(packet_filter filter);
    [[nodiscard]] std::uint32_t kernel_drops() const noexcept;
    [[nodiscard]] std::uint32_t receive_path() const noexcept;
    void space();
    [[nodiscard]] unsigned link_in_use() const;

    const instance& owner_;
    jl_handle* const handle_;
    const int fd_;
    const int family_;
    const bool multipoint_;

    memberships groups_;
    unsigned link_ = 0;    // where group datagrams go and groups are joined; 0: the kernel's choice
    in_addr shown_link_{}; // what IP_MULTICAST_IF was set to
    address session_;      // joined; no address: not
    address destination_;  // of a send that names none; no address: the kernel's peer, if there is one
    bool aims_at_session_ = false; // the destination is the session
    address source_;               // a specific address this socket was bound to; no address: none

    // The ancillary part of each send: the source address, where source_ is set.
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> source_note_{};
    std::size_t source_note_length_ = 0;

    std::atomic<bool> no_receive_{false};
    std::atomic<bool> no_send_{false};
    std::atomic<bool> tell_resets_{true};
    std::atomic<bool> tells_groups_{false};
    segmentation segmentation_;
    bool takes_many_ = true; // false: this process may not use sendmmsg
    std::atomic<std::uint32_t> path_{JL_PATH_UNKNOWN};
    std::atomic<std::uint32_t> limit_{0}; // JL_LIMIT_*
    std::atomic<std::uint32_t> limit_bytes_{0};
    std::optional<FLOWSPEC> flow_; // what was asked of this socket's sending; nothing: no QoS
    std::atomic<bool> spaced_{false};
    read_ahead ahead_;
    // Where the options want a header in each datagram.
    const bool enveloped_;
    const std::uint32_t sender_;
    std::uint32_t next_number_;
    outbox* outbox_ = nullptr; // retired, not deleted; NULL: nothing is packed
    std::atomic<std::uint64_t> lost_in_outbox_{0};
    // Plain sends that follow each other without a pause gather (gathering.cpp).
    const bool gathers_;
    std::atomic<bool> flooding_{false}; // changed with the outbox locked; false: nothing waits in it
    flood flood_;
    std::atomic<std::int32_t> refusal_{0}; // why gathered messages could not leave; the next send tells it
    std::size_t proven_ = 0;               // the longest message that the network has taken
    opened_envelope opened_;         // receiving direction
    std::atomic<int> next_size_{-1}; // bytes of the message at hand; -1: none is
    std::uint32_t gap_ = 0;          // messages missing before the one that is next; receiving direction
    std::unique_ptr<source_numbers> numbers_;
    std::atomic<std::uint64_t> malformed_{0};

    int postponed_error_ = 0; // an errno that the next receive tells; receiving direction
    counters sent_;
    counters received_;
    std::atomic<std::uint64_t> waited_messages_{0}; // those of rx_wait, which no guard serialises
    std::atomic<std::uint64_t> waited_bytes_{0};
    std::atomic<std::uint64_t> patience_{0}; // SO_RCVTIMEO in nanoseconds
    circular_queue* circle_ = nullptr;       // retired, not deleted; NULL: the newest message is dropped
    std::atomic<std::uint64_t> evicted_{0};  // messages that made room for newer ones
    std::uint64_t lost_ = 0;                 // datagrams lost for want of room, as far as settled
    std::uint32_t drops_settled_ = 0;        // the kernel's count then
};

} // namespace joinleaf::udp_mcast
