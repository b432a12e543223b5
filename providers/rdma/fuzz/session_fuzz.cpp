// SPDX-License-Identifier: Apache-2.0
//
// A listening root and what strangers and members may send it: connections, first messages, slices with the right channel and
// with wrong ones, in any order; and an application that accepts, receives and sends in between. No byte of theirs reaches
// beyond its buffer, and every buffer that a slice came in comes back once.
#include "branch.hpp"
#include "root.hpp"
#include "settings.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

struct jl_handle {
    std::deque<void*> requests;
};
struct jl_loop {};
struct jl_watch {
    jl_watch_callback call;
    void* context;
};
struct jl_timer {
    jl_callback call;
    void* context;
};

namespace {

using namespace joinleaf::rdma;
using bytes = std::vector<std::byte>;

void expect(bool holds) {
    if (!holds) {
        std::abort();
    }
}

// The host: everything that is posted runs between two steps, in this thread.
jl_loop the_loop;
std::deque<std::pair<jl_callback, void*>> posted_calls;
std::vector<std::unique_ptr<jl_timer>> timers;
std::vector<std::unique_ptr<jl_watch>> watches;

template <class Kind> void strike(std::vector<std::unique_ptr<Kind>>& from, const Kind* which) {
    std::erase_if(from, [&](const auto& each) { return each.get() == which; });
}

void run_posted() {
    while (!posted_calls.empty()) {
        const auto [call, context] = posted_calls.front();
        posted_calls.pop_front();
        call(context);
    }
}

const jl_host& table() {
    static const jl_host made = [] {
        jl_host out{};
        out.struct_size = sizeof out;
        out.abi = JL_ABI_VERSION;
        out.complete = [](jl_handle*, std::uint64_t, const jl_outcome*) {};
        out.accepted = [](jl_handle* to, const jl_request* what) { to->requests.push_back(what->request); };
        out.withdrawn = [](jl_handle* from, void* what) { std::erase(from->requests, what); };
        out.ready = [](jl_handle*, std::uint32_t) {};
        out.closed = [](jl_handle*) {};
        out.loop_of = [](jl_handle*) { return &the_loop; };
        out.loop_at = [](std::uint32_t) { return &the_loop; };
        out.loop_count = [] { return std::uint32_t{1}; };
        out.watch = [](jl_loop*, std::int32_t, std::uint32_t, jl_watch_callback call, void* context) {
            return watches.emplace_back(new jl_watch{call, context}).get();
        };
        out.rewatch = [](jl_watch*, std::uint32_t) {};
        out.unwatch = [](jl_watch* which, jl_callback done, void* context) {
            strike(watches, which);
            if (done != nullptr) {
                posted_calls.emplace_back(done, context);
            }
        };
        out.timer = [](jl_loop*, std::uint64_t, jl_callback call, void* context) {
            return timers.emplace_back(new jl_timer{call, context}).get();
        };
        out.timer_set = [](jl_timer*, std::uint64_t) {};
        out.timer_free = [](jl_timer* which) { strike(timers, which); };
        out.post = [](jl_loop*, jl_callback call, void* context) { posted_calls.emplace_back(call, context); };
        return out;
    }();
    return made;
}

constexpr std::size_t slice_bytes = 512;
constexpr std::size_t links_max = 6;

address somewhere(std::uint16_t port) {
    return address::parse("127.0.0.1").with_port(port);
}

class network;

class fuzz_link final : public joinleaf::rdma::link {
  public:
    fuzz_link(network& where, std::uint16_t port) : where_(where), peer_(somewhere(port)) {}
    [[nodiscard]] address local() const override { return somewhere(1); }
    [[nodiscard]] address peer() const override { return peer_; }
    void control(std::span<const std::byte> message) override {
        if (const auto said = wire::decode_greeting(message); said && said->code == 0) {
            channel = said->channel;
        }
    }
    [[nodiscard]] bytes data_address() override { return bytes(4); }
    std::int32_t attach(std::span<const std::byte> name) override { return name.empty() ? WSAEINVAL : 0; }
    posted post(std::span<const std::byte>, std::span<const std::byte>, std::uint64_t cookie) override;
    void retire() override {}
    void close(bool) override { owner = nullptr; }

    link_owner* owner = nullptr;
    std::uint64_t channel = 0; // what the root has told it, once admitted
    std::vector<std::uint64_t> flying;

  private:
    network& where_;
    const address peer_;
};

// The station, and all that is beyond it.
class network final : public station {
  public:
    explicit network(station_owner& owner) : owner_(owner) {}

    std::int32_t bind(const address&) override {
        local_ = somewhere(1);
        return 0;
    }
    [[nodiscard]] address local_name() const override { return local_; }
    std::int32_t listen() override { return 0; }
    void stop_listening() override {}
    joinleaf::rdma::link* connect(const address&, bool, link_owner&) override { return nullptr; }
    std::int32_t set_option(std::int32_t, std::int32_t, const void*, std::uint32_t) override {
        return WSAENOPROTOOPT;
    }
    std::int32_t get_option(std::int32_t, std::int32_t, void*, std::uint32_t*) override {
        return WSAENOPROTOOPT;
    }
    tl::expected<void, failure> lend(std::span<std::byte>) override { return {}; }
    void take_back(std::span<std::byte>, std::shared_ptr<void>) override {}
    [[nodiscard]] std::size_t slice_size() const override { return slice_bytes; }
    tl::expected<void, failure> add_slots(joinleaf::rdma::link&, std::size_t count) override {
        for (; count != 0; --count) {
            free_.push_back(static_cast<std::uint32_t>(slots_.size()));
            slots_.emplace_back();
        }
        return {};
    }
    void drop_slots(std::size_t) override {}
    void give_back(std::uint32_t slot) override {
        expect(slot < slots_.size() && std::ranges::find(free_, slot) == free_.end());
        bytes().swap(slots_[slot]); // whoever still reads it is caught
        free_.push_back(slot);
    }
    bool poll_control() override { return false; }
    bool poll_data() override { return false; }
    [[nodiscard]] int control_fd() const override { return 0; }
    [[nodiscard]] int data_fd() const override { return 0; }
    bool arm_data() override { return true; }

    // What comes from outside, with the hub's lock held.
    fuzz_link* at(std::size_t which) {
        return links_.empty() ? nullptr : links_[which % links_.size()].get();
    }
    void come() {
        if (links_.size() < links_max) {
            links_.push_back(
                std::make_unique<fuzz_link>(*this, static_cast<std::uint16_t>(2 + links_.size())));
            links_.back()->owner = owner_.on_incoming(*links_.back());
        }
    }
    void slice(std::span<const std::byte> what) {
        if (free_.empty()) {
            return;
        }
        const std::uint32_t slot = free_.back();
        free_.pop_back();
        slots_[slot].assign(what.begin(), what.end());
        owner_.on_parcel({slot, slots_[slot]});
    }

  private:
    station_owner& owner_;
    address local_;
    std::vector<std::unique_ptr<fuzz_link>> links_;
    std::vector<bytes> slots_;
    std::vector<std::uint32_t> free_;
};

posted fuzz_link::post(std::span<const std::byte> head, std::span<const std::byte> body,
                       std::uint64_t cookie) {
    expect(head.size() + body.size() <= slice_bytes);
    if (cookie % 2 == 0) {
        return posted::copied;
    }
    flying.push_back(cookie);
    return posted::taken;
}

class fuzz_engine final : public engine {
  public:
    tl::expected<std::unique_ptr<station>, failure> open(int, station_owner& owner) override {
        auto made = std::make_unique<network>(owner);
        air = made.get();
        return made;
    }
    [[nodiscard]] std::string description() const override { return "fuzz"; }
    network* air = nullptr;
};

// The steps that the input is read as.
class play {
  public:
    explicit play(std::span<const std::byte> script) : left_(script) {
        settings limits{};
        limits.join_timeout = limits.handshake_timeout = limits.leaf_timeout = std::chrono::seconds(10);
        limits.handshake_limit = 4;
        limits.send_buffer = limits.recv_buffer = 64u << 10;
        limits.slice = slice_bytes;
        limits.window = 4;
        home_ = std::make_shared<hub>(&name_, std::make_shared<const settings>(limits),
                                      wire::control_role::root, wire::data_role::root);
        expect(home_->open(way_, AF_INET).has_value());
        root_ = std::make_shared<root>(&name_, home_, limits, AF_INET);
        const address any = any_of(AF_INET);
        expect(root_->bind(any.raw(), any.size) == 0 && root_->listen(4) == 0);
    }
    ~play() {
        for (const auto& each : branches_) {
            each->close(JL_CLOSE_ABORT);
        }
        root_->close(JL_CLOSE_ABORT);
        run_posted();
        root_.reset();
        branches_.clear();
        home_.reset();
        run_posted();
        expect(watches.empty() && timers.empty());
    }
    play(const play&) = delete;
    play& operator=(const play&) = delete;

    void run() {
        for (int i = 0; i < 200 && !left_.empty(); ++i) {
            step(number(1));
            run_posted();
        }
    }

  private:
    std::uint64_t number(std::size_t size) {
        std::uint64_t out = 0;
        for (const std::byte each : piece(size)) {
            out = (out << 8U) | std::to_integer<std::uint64_t>(each);
        }
        return out;
    }
    std::span<const std::byte> piece(std::size_t size) {
        const auto out = left_.first(std::min(size, left_.size()));
        left_ = left_.subspan(out.size());
        return out;
    }
    void step(std::uint64_t what) {
        switch (what % 9) {
        case 0: outside([&] { way_.air->come(); }); break;
        case 1: control(); break;
        case 2: accept(); break;
        case 3: slice(); break;
        case 4: {
            const auto raw = piece(number(1));
            outside([&] { way_.air->slice(raw); });
            break;
        }
        case 5: receive(number(2)); break;
        case 6: send(number(2)); break;
        case 7: sent(); break;
        default: lose(); break;
        }
    }
    // Then the watch on the station would wake the loop, and the timer.
    template <class Call> void outside(const Call& call) {
        {
            const auto hold = home_->lock();
            if (home_->is_alive()) {
                call();
            }
        }
        for (std::size_t i = 0; i < watches.size(); ++i) {
            watches[i]->call(watches[i]->context, JL_IN);
        }
        for (std::size_t i = 0; i < timers.size(); ++i) {
            timers[i]->call(timers[i]->context);
        }
    }
    void control() {
        const auto which = number(1);
        const auto message = piece(number(2));
        outside([&] {
            if (fuzz_link* const one = way_.air->at(which); one != nullptr && one->owner != nullptr) {
                one->owner->on_control(message);
            }
        });
    }
    void accept() {
        if (name_.requests.empty()) {
            return;
        }
        void* const request = name_.requests.front();
        name_.requests.pop_front();
        auto made = std::make_shared<branch>(&child_, home_, AF_INET);
        made->hand_over();
        jl_answer answer{};
        answer.struct_size = sizeof answer;
        if (root_->accept(request, made.get(), &answer) == 0) {
            branches_.push_back(made);
        } else {
            made->close(JL_CLOSE_ABORT);
        }
    }
    // As the member would send it, but for what the script says.
    void slice() {
        const auto which = number(1);
        wire::slice_head head;
        head.flags = static_cast<std::uint8_t>(number(1));
        head.position = number(2);
        head.granted = static_cast<std::uint32_t>(number(1));
        const auto body = piece(number(1));
        head.size = static_cast<std::uint32_t>(body.size());
        outside([&] {
            if (fuzz_link* const one = way_.air->at(which)) {
                head.channel = one->channel;
                const auto encoded = wire::encode(head);
                bytes whole(encoded.begin(), encoded.end());
                whole.insert(whole.end(), body.begin(), body.end());
                way_.air->slice(whole);
            }
        });
    }
    void receive(std::size_t room) {
        bytes into(room);
        iovec part{into.data(), into.size()};
        jl_msg message{};
        message.iov = &part;
        message.iov_count = 1;
        std::uint32_t done = 0;
        std::uint32_t left = 0;
        root_->rx(&message, 1, &done, &left);
        std::int32_t code = 0;
        root_->arm(JL_IN, &code);
    }
    void send(std::size_t size) {
        bytes from(size);
        iovec part{from.data(), from.size()};
        jl_msg message{};
        message.iov = &part;
        message.iov_count = 1;
        std::uint32_t done = 0;
        root_->tx(&message, 1, &done);
    }
    void sent() {
        const auto which = number(1);
        outside([&] {
            fuzz_link* const one = way_.air->at(which);
            if (one != nullptr && one->owner != nullptr && !one->flying.empty()) {
                const auto cookie = one->flying.front();
                one->flying.erase(one->flying.begin());
                one->owner->on_sent(cookie);
            }
        });
    }
    void lose() {
        const auto which = number(1);
        outside([&] {
            fuzz_link* const one = way_.air->at(which);
            if (one != nullptr && one->owner != nullptr) {
                std::exchange(one->owner, nullptr)->on_down({WSAECONNRESET, "the connection ended"});
            }
        });
    }

    std::span<const std::byte> left_;
    jl_handle name_, child_;
    fuzz_engine way_;
    std::shared_ptr<hub> home_;
    std::shared_ptr<root> root_;
    std::vector<std::shared_ptr<branch>> branches_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    joinleaf::provider::keep_host(table());
    play(std::as_bytes(std::span(data, size))).run();
    return 0;
}
