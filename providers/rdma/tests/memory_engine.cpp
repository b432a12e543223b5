// SPDX-License-Identifier: Apache-2.0
#include "memory_engine.hpp"

#include "joinleaf/provider.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <list>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace joinleaf::rdma::test {
namespace {

using bytes = std::vector<std::byte>;

address at_port(std::uint16_t port) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    in.sin_port = htons(port);
    return address::of(reinterpret_cast<const sockaddr*>(&in), sizeof in);
}

} // namespace

class memory_link;

// Something that a station has to be told, with the link that it is about.
struct event {
    memory_link* which = nullptr;
    std::function<void()> call;
    memory_group* whose = nullptr;
};

class memory_station final : public station {
  public:
    memory_station(memory_network& network, station_owner& owner)
        : network_(network),
          owner_(owner),
          control_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
          data_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
    ~memory_station() override;

    std::int32_t bind(const address& name) override {
        const std::lock_guard hold(network_.mutex);
        const std::uint16_t port = name.port() != 0 ? name.port() : network_.next_port++;
        if (network_.listeners.contains(port)) {
            return WSAEADDRINUSE;
        }
        local_ = name.is_any() ? at_port(port) : name.with_port(port);
        return 0;
    }
    [[nodiscard]] address local_name() const override { return local_; }
    std::int32_t listen() override {
        const std::lock_guard hold(network_.mutex);
        network_.listeners[local_.port()] = this;
        return 0;
    }
    void stop_listening() override {
        const std::lock_guard hold(network_.mutex);
        network_.listeners.erase(local_.port());
    }
    link* connect(const address& target, bool keep_port, link_owner& owner) override;
    std::int32_t set_option(std::int32_t, std::int32_t, const void*, std::uint32_t) override {
        return WSAENOPROTOOPT;
    }
    std::int32_t get_option(std::int32_t, std::int32_t, void*, std::uint32_t*) override {
        return WSAENOPROTOOPT;
    }
    tl::expected<void, failure> lend(std::span<std::byte>) override {
        const std::lock_guard hold(network_.mutex);
        return network_.now.no_lend
                   ? tl::expected<void, failure>(tl::unexpected(failure{WSAENOBUFS, "memlock"}))
                   : tl::expected<void, failure>();
    }
    void take_back(std::span<std::byte>, std::shared_ptr<void>) override {}
    [[nodiscard]] std::size_t slice_size() const override { return network_.now.slice; }
    [[nodiscard]] bool needs_opening() const override { return network_.now.needs_opening; }
    tl::expected<void, failure> add_slots(link&, std::size_t count) override;
    void drop_slots(std::size_t count) override { surplus_ += count; }
    void give_back(std::uint32_t slot) override;
    tl::expected<std::unique_ptr<group>, failure> join_group(const address& which, group_use use,
                                                             group_owner& owner) override;
    bool poll_control() override;
    bool poll_data() override;
    [[nodiscard]] int control_fd() const override { return control_.get(); }
    [[nodiscard]] int data_fd() const override { return data_.get(); }
    bool arm_data() override {
        const std::lock_guard hold(network_.mutex);
        if (network_.now.false_alarms) {
            raise(data_.get());
        } else {
            drain(data_.get());
        }
        return arrivals_.empty() && sent_.empty() && datagrams_.empty() && group_sent_.empty();
    }

    static void raise(int fd) {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto n = ::write(fd, &one, sizeof one);
    }
    static void drain(int fd) {
        std::uint64_t count = 0;
        [[maybe_unused]] const auto n = ::read(fd, &count, sizeof count);
    }

    // With the network's lock.
    void tell(memory_link* which, std::function<void()> call) {
        events_.push_back({which, std::move(call), nullptr});
        raise(control_.get());
    }
    void arrive(bytes slice) {
        arrivals_.push_back(std::move(slice));
        raise(data_.get());
    }
    void sent(memory_link* which, std::uint64_t cookie) {
        sent_.emplace_back(which, cookie);
        raise(data_.get());
    }
    void forget(memory_link* which);
    bool poll_groups();

    memory_network& network_;
    station_owner& owner_;
    provider::descriptor control_, data_;
    address local_;
    std::list<std::unique_ptr<memory_link>> links_;
    std::list<std::unique_ptr<memory_link>> buried_;
    std::deque<event> events_;
    std::deque<bytes> arrivals_;
    std::deque<std::pair<memory_link*, std::uint64_t>> sent_;
    std::deque<std::pair<memory_group*, bytes>> datagrams_;
    std::deque<std::pair<memory_group*, std::uint64_t>> group_sent_;
    std::vector<bytes> slots_;
    std::vector<std::uint32_t> free_;
    std::size_t surplus_ = 0;
};

class memory_link final : public link {
  public:
    memory_link(memory_station& where, address local, address peer)
        : station_(where), local_(local), peer_(peer) {}

    [[nodiscard]] address local() const override { return local_; }
    [[nodiscard]] address peer() const override { return peer_; }
    void control(std::span<const std::byte> message) override {
        const std::lock_guard hold(station_.network_.mutex);
        if (other_ == nullptr) {
            return;
        }
        bytes copy(message.begin(), message.end());
        memory_link* const to = other_;
        to->station_.tell(to, [to, copy = std::move(copy)] { to->owner_->on_control(copy); });
    }
    [[nodiscard]] bytes data_address() override { return bytes(8, std::byte{7}); }
    std::int32_t attach(std::span<const std::byte> data_address) override {
        const std::lock_guard hold(station_.network_.mutex);
        return station_.network_.now.bad_address || data_address.size() != 8 ? WSAEINVAL : 0;
    }
    posted post(std::span<const std::byte> head, std::span<const std::byte> body,
                std::uint64_t cookie) override {
        memory_network& net = station_.network_;
        const std::lock_guard hold(net.mutex);
        if (net.now.full != 0 && net.lot() % net.now.full == 0) {
            return posted::full;
        }
        if (other_ == nullptr) {
            return posted::broken;
        }
        net.too_early += is_accepted_ && !opened_ ? 1 : 0;
        bytes slice(head.begin(), head.end());
        slice.insert(slice.end(), body.begin(), body.end());
        if (net.now.duplicate != 0 && net.lot() % net.now.duplicate == 0) {
            other_->station_.arrive(slice);
        }
        other_->station_.arrive(std::move(slice));
        if (net.lot() % 2 == 0) {
            return posted::copied;
        }
        station_.sent(this, cookie);
        return posted::taken;
    }
    void opened() override {
        const std::lock_guard hold(station_.network_.mutex);
        opened_ = true;
        station_.network_.openings += is_accepted_ ? 1 : 0;
    }
    void retire() override {}
    void close(bool) override {
        const std::lock_guard hold(station_.network_.mutex);
        hang_up();
        station_.forget(this);
    }

    // With the network's lock.
    void hang_up() {
        owner_ = nullptr;
        if (memory_link* const to = std::exchange(other_, nullptr)) {
            to->other_ = nullptr;
            to->go_down({WSAECONNRESET, "the connection ended"});
        }
    }
    void go_down(const failure& why) {
        station_.tell(this, [this, why] {
            link_owner* const told = std::exchange(owner_, nullptr);
            {
                const std::lock_guard again(station_.network_.mutex);
                station_.forget(this);
            }
            told->on_down(why);
        });
    }

    memory_station& station_;
    const address local_;
    const address peer_;
    link_owner* owner_ = nullptr;
    memory_link* other_ = nullptr;
    bool is_accepted_ = false;
    bool opened_ = false;
};

class memory_group final : public group {
  public:
    memory_group(memory_station& where, address which, group_use use, group_owner& owner)
        : station_(where), where_(which), use_(use), size_(where.network_.now.datagram), owner_(&owner) {}
    ~memory_group() override {
        const std::lock_guard hold(station_.network_.mutex);
        leave();
    }

    [[nodiscard]] std::size_t datagram_size() const override { return size_; }
    posted post(std::span<const std::byte> head, std::span<const std::byte> body,
                std::uint64_t cookie) override {
        memory_network& net = station_.network_;
        const std::lock_guard hold(net.mutex);
        if (owner_ == nullptr || head.size() + body.size() > size_) {
            return posted::broken;
        }
        if (net.now.crowded != 0 && net.lot() % net.now.crowded == 0) {
            return posted::full;
        }
        bytes whole(head.begin(), head.end());
        whole.insert(whole.end(), body.begin(), body.end());
        net.datagrams += body.empty() ? 0U : 1U;
        for (memory_group* const each : net.groups) {
            if (each != this && each->use_ != group_use::send && each->where_.text() == where_.text()) {
                each->reach(whole);
            }
        }
        if (net.lot() % 2 == 0) {
            return posted::copied;
        }
        station_.group_sent_.emplace_back(this, cookie);
        memory_station::raise(station_.data_.get());
        return posted::taken;
    }

    // With the network's lock.
    void reach(const bytes& whole) {
        memory_network& net = station_.network_;
        if (net.lot() % 100 < net.now.lose) {
            ++net.datagrams_lost;
            return;
        }
        const bool twice = net.now.copy != 0 && net.lot() % net.now.copy == 0;
        for (int i = twice ? 2 : 1; i != 0; --i) {
            station_.datagrams_.emplace_back(this, whole);
        }
        memory_station::raise(station_.data_.get());
    }
    void leave() {
        station_.network_.groups.remove(this);
        owner_ = nullptr;
        std::erase_if(station_.datagrams_, [&](const auto& each) { return each.first == this; });
        std::erase_if(station_.group_sent_, [&](const auto& each) { return each.first == this; });
        std::erase_if(station_.events_, [&](const event& each) { return each.whose == this; });
    }
    void tell(std::function<void(group_owner&)> what) {
        station_.events_.push_back({nullptr, [this, what = std::move(what)] { what(*owner_); }, this});
        memory_station::raise(station_.control_.get());
    }
    void lose(const failure& why) {
        const auto end = [this, why] {
            group_owner* const told = owner_;
            {
                const std::lock_guard hold(station_.network_.mutex);
                leave();
            }
            told->on_lost(why);
        };
        station_.events_.push_back({nullptr, end, this});
        memory_station::raise(station_.control_.get());
    }

    memory_station& station_;
    const address where_;
    const group_use use_;
    const std::size_t size_;
    group_owner* owner_;
};

void memory_network::end_connections(const failure& why) {
    const std::lock_guard hold(mutex);
    for (const auto& [port, station] : listeners) {
        for (const auto& each : station->links_) {
            if (memory_link* const other = std::exchange(each->other_, nullptr)) {
                other->other_ = nullptr;
                other->go_down(why);
                each->go_down(why);
            }
        }
    }
}

void memory_network::end_membership(std::size_t which) {
    const std::lock_guard hold(mutex);
    memory_group* const ends = *std::next(groups.begin(), static_cast<std::ptrdiff_t>(which));
    ends->lose({WSAENETDOWN, "the network has lost the group"});
}

tl::expected<std::unique_ptr<group>, failure> memory_station::join_group(const address& which, group_use use,
                                                                         group_owner& owner) {
    const std::lock_guard hold(network_.mutex);
    memory_network::faults& now = network_.now;
    const bool refused = now.no_group != 0 || now.no_groups_after-- <= 0;
    const failure why{now.no_group != 0 ? now.no_group : WSAEOPNOTSUPP, "the network has no such group"};
    if (refused && now.no_group_at_once) {
        return tl::unexpected(why);
    }
    auto made = std::make_unique<memory_group>(*this, which, use, owner);
    network_.groups.push_back(made.get());
    if (refused) {
        made->lose(why);
    } else {
        made->tell([](group_owner& whose) { whose.on_joined(); });
    }
    return made;
}

bool memory_station::poll_groups() {
    std::deque<std::pair<memory_group*, bytes>> come;
    std::deque<std::pair<memory_group*, std::uint64_t>> gone;
    {
        const std::lock_guard hold(network_.mutex);
        come.swap(datagrams_);
        gone.swap(group_sent_);
        if (network_.now.delay && come.size() > 1) {
            std::ranges::shuffle(come, network_.lot);
            // The last one is still under way.
            datagrams_.push_back(std::move(come.back()));
            come.pop_back();
            raise(data_.get());
        }
    }
    for (const auto& [which, cookie] : gone) {
        if (which->owner_ != nullptr) {
            which->owner_->on_posted(cookie);
        }
    }
    for (const auto& [which, whole] : come) {
        if (which->owner_ != nullptr) {
            which->owner_->on_datagram(whole);
        }
    }
    return !come.empty() || !gone.empty();
}

memory_station::~memory_station() {
    const std::lock_guard hold(network_.mutex);
    for (const auto& each : links_) {
        each->hang_up();
    }
    std::erase_if(network_.listeners, [&](const auto& each) { return each.second == this; });
}

void memory_station::forget(memory_link* which) {
    std::erase_if(events_, [&](const event& each) { return each.which == which; });
    std::erase_if(sent_, [&](const auto& each) { return each.first == which; });
    const auto found = std::ranges::find_if(links_, [&](const auto& each) { return each.get() == which; });
    if (found != links_.end()) {
        buried_.splice(buried_.end(), links_, found);
    }
}

link* memory_station::connect(const address& target, bool, link_owner& owner) {
    std::unique_lock lock(network_.mutex);
    const auto found = network_.listeners.find(target.port());
    if (network_.now.refuse || (found == network_.listeners.end() && !network_.now.silent)) {
        lock.unlock();
        owner.on_down({WSAECONNREFUSED, "nobody listens there"});
        return nullptr;
    }
    links_.push_back(std::make_unique<memory_link>(*this, local_, target));
    memory_link* const mine = links_.back().get();
    mine->owner_ = &owner;
    if (!network_.now.silent) {
        memory_station& there = *found->second;
        there.links_.push_back(std::make_unique<memory_link>(there, there.local_, local_));
        memory_link* const theirs = there.links_.back().get();
        mine->other_ = theirs;
        theirs->other_ = mine;
        theirs->is_accepted_ = true;
        theirs->opened_ = !network_.now.needs_opening;
        there.tell(theirs, [theirs, &there] {
            theirs->owner_ = there.owner_.on_incoming(*theirs);
            if (theirs->owner_ == nullptr) {
                theirs->close(true);
            }
        });
    }
    tell(mine, [mine] { mine->owner_->on_up(); });
    return mine;
}

tl::expected<void, failure> memory_station::add_slots(link&, std::size_t count) {
    {
        const std::lock_guard hold(network_.mutex);
        if (network_.now.no_slots) {
            return tl::unexpected(failure{WSAENOBUFS, "no memory for buffers"});
        }
    }
    const std::size_t saved = std::min(count, surplus_);
    surplus_ -= saved;
    for (count -= saved; count != 0; --count) {
        free_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.emplace_back();
    }
    return {};
}

void memory_station::give_back(std::uint32_t slot) {
    if (surplus_ != 0) {
        --surplus_;
    } else {
        free_.push_back(slot);
    }
}

bool memory_station::poll_control() {
    drain(control_.get());
    bool any = false;
    for (;;) {
        std::function<void()> call;
        {
            const std::lock_guard hold(network_.mutex);
            if (events_.empty()) {
                break;
            }
            call = std::move(events_.front().call);
            events_.pop_front();
        }
        call();
        any = true;
    }
    buried_.clear();
    return any;
}

bool memory_station::poll_data() {
    std::vector<bytes> come;
    std::deque<std::pair<memory_link*, std::uint64_t>> gone;
    {
        const std::lock_guard hold(network_.mutex);
        ++network_.polls;
        gone.swap(sent_);
        while (!arrivals_.empty() && come.size() < free_.size()) {
            come.push_back(std::move(arrivals_.front()));
            arrivals_.pop_front();
        }
        network_.overruns += arrivals_.size();
        if (network_.now.reorder) {
            std::ranges::shuffle(come, network_.lot);
        }
    }
    for (const auto& [which, cookie] : gone) {
        if (which->owner_ != nullptr) {
            which->owner_->on_sent(cookie);
        }
    }
    for (bytes& each : come) {
        const std::uint32_t slot = free_.back();
        free_.pop_back();
        slots_[slot] = std::move(each);
        owner_.on_parcel({slot, slots_[slot]});
    }
    const bool any = poll_groups();
    return any || !come.empty() || !gone.empty();
}

tl::expected<std::unique_ptr<station>, failure> memory_engine::open(int family, station_owner& owner) {
    if (family != AF_INET) {
        return tl::unexpected(failure{WSAEAFNOSUPPORT, "memory has one family"});
    }
    return std::make_unique<memory_station>(network_, owner);
}

} // namespace joinleaf::rdma::test
