// SPDX-License-Identifier: Apache-2.0
//
// What a session needs of a way to reach RDMA: the border between the session layer, which is one for all, and the
// engines behind it.
//
// An engine moves two things between a joiner and a listener. *Control messages* are few, small, reliable and in
// order, and they end with the connection: when the peer dies the link goes down. *Slices* are the data: a head and a
// piece of the sender's memory, delivered into buffers that the receiver has posted before; reliable between living
// peers, in whatever order. The session layer counts the buffers, so that no slice ever comes without one.
//
// Beside those, an engine may have *groups*: multicast by the network. A datagram of a group reaches every member or
// some of them, in any order, perhaps twice, and always whole.
//
// Threads: every function of a station and of its links is called with the owner's lock held, and every callback comes
// from inside poll_control, poll_data, connect or join_group.
#pragma once

#include "base.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace joinleaf::rdma {

// Buffers of each peer beyond its window, for slices that carry a grant alone. A grant goes out after a quarter of a
// window at the earliest, so that few are ever under way.
inline constexpr std::size_t spare_slots = 8;

// Why something did not work: a Winsock code, and the sentence for the user.
struct failure {
    std::int32_t code = 0;
    std::string sentence;
};

// A slice that has come, in one of the station's buffers. Its owner gives the slot back.
struct parcel {
    std::uint32_t slot = 0;
    std::span<const std::byte> bytes;
};

// What `post` made of a slice.
enum class posted : std::uint8_t {
    copied, // its memory is free already
    taken,  // its memory is the engine's until on_sent
    full,   // not now; on_sent of another, or the next poll, is the time to try again
    broken, // never again: on_down follows
};

// What a link tells the session.
class link_owner {
  public:
    virtual ~link_owner() = default;
    virtual void on_up() = 0; // the connecting side only, never from within connect: control messages may be sent
    virtual void on_control(std::span<const std::byte> message) = 0;
    virtual void on_sent(std::uint64_t cookie) = 0;
    // Nothing follows. code: WSAECONNRESET and the like; a connect that failed says why.
    virtual void on_down(const failure& why) = 0;
};

// One connection with one peer. The station owns it until close.
class link {
  public:
    virtual ~link() = default;

    [[nodiscard]] virtual address local() const = 0;
    [[nodiscard]] virtual address peer() const = 0;

    // Queues a control message. A link that cannot take it goes down, at the next poll.
    virtual void control(std::span<const std::byte> message) = 0;

    // Where the peer's slices for this link go to, in the engine's own words; the peer hands it to attach.
    [[nodiscard]] virtual std::vector<std::byte> data_address() = 0;

    // Slices can be posted from now on. 0; WSAEINVAL: no address of this engine; WSAENOBUFS.
    virtual std::int32_t attach(std::span<const std::byte> data_address) = 0;

    // Sends head and body as one slice. The head is copied; cookie comes back by on_sent, for `taken` only.
    virtual posted post(std::span<const std::byte> head, std::span<const std::byte> body,
                        std::uint64_t cookie) = 0;

    // The peer's first slice has come.
    virtual void opened() {}

    // What has been posted goes now at the latest: engines that can, hand many slices to the device at once.
    virtual void flush() {}

    // The local address is free for others from now on.
    virtual void retire() = 0;

    // The last call; the link is gone when it returns, and its owner hears nothing more. abort: the peer sees a
    // reset; else control messages that were queued still go.
    virtual void close(bool abort) = 0;
};

// What a station tells the session.
class station_owner {
  public:
    virtual ~station_owner() = default;
    // Somebody has connected to the listener. Null: closed at once.
    virtual link_owner* on_incoming(link& line) = 0;
    virtual void on_parcel(const parcel& got) = 0;
    // Somebody who would connect was turned away; for the operator.
    virtual void on_trouble(const address& who, const failure& why) = 0;
};

// What a group tells who has joined it.
class group_owner {
  public:
    virtual ~group_owner() = default;
    // Once: datagrams may be posted from now on, and come.
    virtual void on_joined() = 0;
    // Whole, in any order, perhaps not at all or twice; bytes are valid during the call. Never one that was posted
    // through this very membership.
    virtual void on_datagram(std::span<const std::byte> bytes) = 0;
    // A `taken` post's memory is free again.
    virtual void on_posted(std::uint64_t cookie) = 0;
    // The join was refused, or the membership has ended: the network lost the group, the device is gone. Nothing
    // follows.
    virtual void on_lost(const failure& why) = 0;
};

// One membership of a multicast group; its owner destroys it to leave, before the station, and never from inside a
// callback of it. Memory of posts that were `taken` stays the engine's until the station lets go of it (take_back).
class group {
  public:
    virtual ~group() = default;

    // Bytes of the largest datagram, head included; fixed once joined.
    [[nodiscard]] virtual std::size_t datagram_size() const = 0;

    // Sends head and body as one datagram, as link::post does: the head is copied, the body lies in memory that was
    // lent to the station, or is copied too if it does not. Longer than datagram_size: broken, and nothing is sent.
    virtual posted post(std::span<const std::byte> head, std::span<const std::byte> body,
                        std::uint64_t cookie) = 0;

    // What has been posted goes now at the latest.
    virtual void flush() {}
};

// What a member wants of a group. One that only sends is no member in the eyes of the network, where that can tell.
enum class group_use : std::uint8_t { send, receive, both };

// What one session has of an engine: a local address, links, buffers for slices.
class station {
  public:
    virtual ~station() = default;

    // 0; WSAEADDRINUSE, WSAEADDRNOTAVAIL, WSAEACCES.
    virtual std::int32_t bind(const address& name) = 0;
    // Size 0: unbound.
    [[nodiscard]] virtual address local_name() const = 0;
    virtual std::int32_t listen() = 0;
    virtual void stop_listening() = 0;

    // Connects; the outcome comes through on_up or on_down. Null: on_down has come already. keep_port: from the very
    // address of this station; else from another port of it.
    virtual link* connect(const address& target, bool keep_port, link_owner& owner) = 0;

    // Options of the kernel's sockets, where the engine has such. WSAENOPROTOOPT: it has none of that name.
    virtual std::int32_t set_option(std::int32_t level, std::int32_t name, const void* value,
                                    std::uint32_t size) = 0;
    virtual std::int32_t get_option(std::int32_t level, std::int32_t name, void* value,
                                    std::uint32_t* size) = 0;

    // Memory from which slices will be posted; once, before the first post.
    virtual tl::expected<void, failure> lend(std::span<std::byte> memory) = 0;
    // No slice is posted from there any more. owner keeps it alive for those that are under way.
    virtual void take_back(std::span<std::byte> memory, std::shared_ptr<void> owner) = 0;

    // The first slice between two peers makes a connection of its own, which nobody may close over: the joiner sends a slice
    // without data as soon as it can, and the other side none before that has come.
    [[nodiscard]] virtual bool needs_opening() const { return false; }

    // Bytes of one slice, head included.
    [[nodiscard]] virtual std::size_t slice_size() const = 0;
    // Posts so many buffers more, for what comes over this link at least.
    virtual tl::expected<void, failure> add_slots(link& whose, std::size_t count) = 0;
    // So many buffers fewer, as they come back; the link that they were for is closed.
    virtual void drop_slots(std::size_t count) = 0;
    // The buffer may be used again.
    virtual void give_back(std::uint32_t slot) = 0;

    // Joins a multicast group through the device of the station's address. The outcome comes by on_joined or on_lost
    // from inside poll_control, perhaps before the return. What cannot even begin fails at once: WSAEOPNOTSUPP (no
    // multicast here, with the reason), WSAEADDRNOTAVAIL, WSAENOBUFS.
    virtual tl::expected<std::unique_ptr<group>, failure> join_group(const address& which, group_use use,
                                                                     group_owner& owner) {
        static_cast<void>(which);
        static_cast<void>(use);
        static_cast<void>(owner);
        return tl::unexpected(failure{WSAEOPNOTSUPP, "this engine has no multicast"});
    }

    // Moves on what can move; false: nothing happened.
    virtual bool poll_control() = 0;
    virtual bool poll_data() = 0;

    // Readable when poll_control has something to do.
    [[nodiscard]] virtual int control_fd() const = 0;
    // Readable when poll_data has something to do, provided arm_data has answered true since the last poll. -1: the
    // engine has no such descriptor.
    [[nodiscard]] virtual int data_fd() const = 0;
    // False: poll again first.
    virtual bool arm_data() = 0;
    // Nobody can tell when what has been copied goes on its way: poll_data has to be called now and then.
    [[nodiscard]] virtual bool wants_polls() const { return false; }
};

// A way to reach RDMA, opened for one YAML entry.
class engine {
  public:
    virtual ~engine() = default;
    // [any] WSAENETDOWN, WSAEAFNOSUPPORT, WSAENOBUFS, WSAEMFILE.
    virtual tl::expected<std::unique_ptr<station>, failure> open(int family, station_owner& owner) = 0;
    // Why no station of it can join a group; empty: they can, where device and network can.
    [[nodiscard]] virtual std::string lacks_multicast() const { return {}; }
    // What was chosen, for the operator: "libfabric 1.17, provider net, device lo".
    [[nodiscard]] virtual std::string description() const = 0;
};

} // namespace joinleaf::rdma
