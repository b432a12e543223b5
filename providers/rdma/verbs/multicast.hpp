// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"
#include "settings.hpp"
#include "verbs/datagram_slots.hpp"
#include "verbs/handles.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace joinleaf::rdma::verbs {

class membership;

// What a process has of one multicast group on one device: a UD queue pair that all its memberships share, since a
// device attaches only so many to a group. It is a member in the eyes of the network while somebody receives; else it has
// a send-only join, where that can be had.
//
// [any] A lock of its own guards everything; members are told by their bells and fetch what is theirs.
class multicast {
  public:
    // The one that sends and receives through the device of that local address. WSAEADDRNOTAVAIL: no device has the
    // address; WSAENOBUFS and the like.
    static tl::expected<std::shared_ptr<multicast>, failure> of(const address& local, const address& group,
                                                                const settings& limits);
    multicast(const multicast&) = delete;
    multicast& operator=(const multicast&) = delete;
    ~multicast();

    [[nodiscard]] int event_fd() const noexcept { return channel_->fd; }
    [[nodiscard]] int data_fd() const noexcept { return completions_->fd; }
    [[nodiscard]] std::size_t datagram_size() const noexcept { return datagram_size_; }

    tl::expected<void, failure> enter(membership& who);
    void leave(membership& who);
    // Takes in what rdma_cm and the device have to tell, for whichever member. False: nothing.
    bool take_events();
    bool take_completions();
    // The next completion shows at data_fd, and what others take in rings the member's bell. False: something is there
    // already.
    bool arm(const membership& who);

    posted post(membership& by, std::span<const std::byte> head, std::span<const std::byte> body);
    void flush();
    // Over how many routers the member's datagrams go from now on.
    void set_hops(membership& who, std::uint8_t hops);

    // What is there for a member; give_back when it has been read.
    void fetch(membership& who, std::vector<datagram>& out);
    void give_back(std::span<const datagram> read);
    struct news {
        bool joined = false;
        std::optional<failure> lost;
    };
    news fetch_news(membership& who);

  private:
    enum class phase : std::uint8_t { none, asked, joined, refused };
    // An id of rdma_cm with its join.
    struct tie {
        owned<rdma_cm_id> id;
        phase state = phase::none;
    };
    struct hop_handle {
        std::uint8_t hops = 0;
        owned<ibv_ah> handle;
    };
    struct request {
        ibv_send_wr what{};
        ibv_sge part{};
    };

    multicast(const address& local, const address& group);
    tl::expected<void, failure> open(const settings& limits);
    [[nodiscard]] tl::expected<owned<rdma_cm_id>, failure> make_id() const;
    tl::expected<void, failure> ask(tie& which, bool send_only);
    tl::expected<void, failure> ask_for_what_is_needed();
    void end(tie& which) noexcept;
    void end_what_is_idle();
    void on_event(const rdma_cm_event& what, int error);
    void on_joined(tie& which, const rdma_ud_param& told);
    void on_refused(tie& which, const failure& why);
    void lose(const failure& why);
    void tell_the_joined();
    [[nodiscard]] bool is_served(const membership& who) const noexcept;
    tl::expected<ibv_ah*, failure> handle_for(std::uint8_t hops);
    [[nodiscard]] bool wanted(bool receiving) const noexcept;

    [[nodiscard]] bool works() const;

    // multicast_data.cpp
    tl::expected<void, failure> make_queue_pair(const settings& limits);
    tl::expected<void, failure> make_room();
    bool take_in();
    void handle(const ibv_wc& what);
    [[nodiscard]] bool is_own(const ibv_wc& what, std::span<const std::byte> route) const noexcept;
    void hand_out(std::uint32_t slot, std::uint32_t size, const membership* but);
    void hand_copies(const membership& by, std::span<const std::byte> head, std::span<const std::byte> body);
    void post_receives();
    void flush_chain();
    void let_sends_go();
    void drain_events() noexcept;

    const address local_;
    const address group_;
    mutable std::mutex mutex_;
    owned<rdma_event_channel> channel_;
    owned<ibv_pd> domain_;
    owned<ibv_comp_channel> completions_;
    owned<ibv_cq> queue_;
    std::size_t datagram_size_ = 0;
    std::uint32_t send_room_ = 0;
    std::uint32_t receive_room_ = 0;
    std::uint32_t inline_room_ = 0;
    std::unique_ptr<datagram_slots> send_slots_;
    std::unique_ptr<datagram_slots> slots_;

    tie full_;  // with the queue pair
    tie sends_; // without
    rdma_ud_param target_{};
    bool has_target_ = false;
    ibv_gid own_gid_{};
    std::vector<hop_handle> handles_;
    std::optional<failure> lost_;

    std::list<membership*> members_;
    std::vector<request> chain_; // not posted yet
    std::uint64_t posted_ = 0;   // sends ever, those in the chain included
    std::uint64_t done_ = 0;
    std::uint32_t receives_posted_ = 0;
    bool armed_ = false;
    bool polled_since_ = false;
};

} // namespace joinleaf::rdma::verbs
