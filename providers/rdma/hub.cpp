// SPDX-License-Identifier: Apache-2.0
#include "hub.hpp"

#include <algorithm>
#include <random>
#include <utility>

namespace joinleaf::rdma {
namespace {

// An application that asks more often than this between two looks of the loop polls on its own, and the loop would only
// be in its way.
constexpr std::uint64_t polls_of_a_poller = 8;

constexpr std::chrono::milliseconds busy_tick{1};
constexpr std::chrono::milliseconds shortest_tick{5};
constexpr std::chrono::milliseconds longest_tick{100};

} // namespace

// The upper half of a channel is drawn by lot: a slice of an earlier session, or of a liar, does not find it.
std::uint64_t hub::draw_channel(std::size_t index) {
    static thread_local std::mt19937_64 lot{std::random_device{}()};
    return (lot() << 32U) | index;
}

hub::hub(jl_handle* name, std::shared_ptr<const settings> limits, wire::control_role role,
         wire::data_role data)
    : name_(name),
      limits_(std::move(limits)),
      role_(role),
      data_role_(data),
      shares_([this](std::uint32_t slot, std::size_t bytes, peer& whose) { came_back(slot, bytes, whose); }) {
}

hub::~hub() = default;

tl::expected<void, failure> hub::open(engine& way, int family) {
    auto made = way.open(family, *this);
    if (!made) {
        return tl::unexpected(made.error());
    }
    station_ = std::move(*made);
    family_ = family;
    return {};
}

std::int32_t hub::bind(const address& name) {
    const bool chosen = name.is_any() && limits_->local.size != 0 && limits_->local.family() == name.family();
    return station_->bind(chosen ? limits_->local.with_port(name.port()) : name);
}

void hub::leave(std::function<void()> done) {
    if (--users_ != 0 || loop_ == nullptr) {
        if (users_ == 0) {
            end_cast();
            sweep();
            station_.reset();
        }
        if (loop_ == nullptr) {
            done();
        } else {
            post(loop_, std::move(done));
        }
        return;
    }
    control_watch_.stop();
    data_watch_.stop();
    for (const peer_ptr& each : peers_) {
        if (each) {
            each->state = peer::phase::gone;
            close_line(*each, true);
        }
    }
    peers_.clear();
    end_cast();
    sweep();
    station_.reset();
    post(loop_, [self = shared_from_this(), last = std::move(done)] {
        {
            const std::lock_guard hold(self->mutex_);
            self->tick_.stop();
            self->touched_.clear();
        }
        last();
    });
}

void hub::forget(const std::shared_ptr<flow>& data) {
    if (cast_ && cast_->data == data) {
        end_cast();
    }
    if (station_ && std::exchange(data->lent, false)) {
        station_->take_back(data->log.memory(), data);
    }
}

jl_loop* hub::loop() {
    if (loop_ == nullptr) {
        loop_ = host().loop_of(name_);
    }
    return loop_;
}

bool hub::watch_control() {
    return control_watch_ || control_watch_.start(loop(), station_->control_fd(), JL_IN,
                                                  [weak = weak_from_this()](std::uint32_t) {
                                                      if (const auto self = weak.lock()) {
                                                          self->on_control_ready();
                                                      }
                                                  });
}

bool hub::watch_data() {
    if (data_watched_ || station_->data_fd() < 0) {
        return true;
    }
    data_watched_ =
        data_watch_.start(loop(), station_->data_fd(), JL_IN, [weak = weak_from_this()](std::uint32_t) {
            if (const auto self = weak.lock()) {
                self->on_data_ready();
            }
        });
    return data_watched_;
}

void hub::on_control_ready() {
    const lock_type hold(mutex_);
    if (station_) {
        poll_control();
    }
}

void hub::poll_control() {
    station_->poll_control();
    sweep();
    poll_data();
    // Who is asked to knock whenever an application polls would knock for every message.
    if (!parked_) {
        arm_watch();
    }
    keep_ticking();
}

void hub::on_data_ready() {
    const lock_type hold(mutex_);
    if (!station_) {
        return;
    }
    const std::uint64_t asked = polls_ - polls_seen_;
    polls_seen_ = polls_;
    const bool any = poll_data();
    alarms_ = any || asked != 0 ? 0 : alarms_ + 1;
    const bool cries_wolf = alarms_ >= alarms_allowed_;
    if (cries_wolf) {
        alarms_allowed_ = 1;
    }
    if (asked > polls_of_a_poller || cries_wolf) {
        park();
    } else {
        arm_watch();
    }
}

void hub::park() {
    if (!std::exchange(parked_, true) && data_watched_) {
        data_watch_.set(0);
    }
    keep_ticking();
}

bool hub::poll_data() {
    const bool any = station_->poll_data();
    sweep();
    if (!any) {
        give_back_returned();
    }
    for (peer* const each : blocked_) {
        each->blocked = false;
        touch(*each);
    }
    blocked_.clear();
    const bool again = cast_ && std::exchange(cast_->blocked, false);
    if (any || again || !touched_.empty()) {
        settle();
    }
    return any;
}

void hub::bury(std::shared_ptr<void> what) {
    buried_.push_back(std::move(what));
    keep_ticking();
}

void hub::sweep() {
    // What was buried later was owned by what was buried first, if at all.
    while (!buried_.empty()) {
        buried_.pop_back();
    }
}

// From now on the loop hears of what comes. Without a descriptor the peers are asked to knock.
void hub::arm_watch() {
    if (!data_watched_ && station_->data_fd() >= 0) {
        return;
    }
    polls_seen_ = polls_;
    if (parked_) {
        parked_ = false;
        data_watch_.set(JL_IN);
    }
    bool armed = station_->arm_data();
    while (!armed && poll_data()) {
        armed = station_->arm_data();
    }
    if (!armed) {
        // Something is under way inside the engine that nobody can be told of: it is asked again by the clock.
        park();
    }
    if (station_->data_fd() < 0) {
        for (std::size_t i = 0; i < peers_.size(); ++i) {
            if (const peer_ptr each = peers_[i]; each && each->is_open() && each->line != nullptr &&
                                                 !std::exchange(each->asked_to_knock, true)) {
                each->line->control(wire::encode(wire::note{wire::kind::asleep, each->slices_seen}));
            }
        }
        keep_ticking();
    }
}

hub::peer_ptr hub::enroll(peer::phase first) {
    auto made = std::make_shared<peer>(*this, first);
    std::size_t index = peers_.size();
    if (free_.empty()) {
        peers_.push_back(made);
    } else {
        index = free_.back();
        free_.pop_back();
        peers_[index] = made;
    }
    made->channel = draw_channel(index);
    return made;
}

peer* hub::find(std::uint64_t channel) const {
    const std::size_t index = channel & 0xFFFFFFFFU;
    peer* const found = index < peers_.size() ? peers_[index].get() : nullptr;
    return found != nullptr && found->channel == channel ? found : nullptr;
}

// Its channel is free for others.
void hub::strike(peer& who) {
    const std::size_t index = who.channel & 0xFFFFFFFFU;
    if (index < peers_.size() && peers_[index].get() == &who) {
        peers_[index] = nullptr;
        free_.push_back(static_cast<std::uint32_t>(index));
    }
}

bool hub::needs_tick() const {
    const bool looks = station_->wants_polls() && !peers_.empty();
    if (parked_ || looks || !greeting_.empty() || !buried_.empty() || cast_needs_tick()) {
        return true;
    }
    return std::ranges::any_of(peers_, [&](const peer_ptr& each) {
        return each && (each->state == peer::phase::connecting || each->state == peer::phase::asking ||
                        each->leaving || each->blocked || (each->data && each->data->full) ||
                        (station_->data_fd() < 0 && each->out.in_flight()));
    });
}

void hub::keep_ticking() {
    if (hurried_ || !station_ || !needs_tick()) {
        return;
    }
    const bool busy =
        parked_ || (cast_ && cast_->blocked) || std::ranges::any_of(peers_, [&](const peer_ptr& each) {
            return each && (each->blocked || (station_->data_fd() < 0 && each->out.in_flight()));
        });
    const bool soon = busy || (cast_ && cast_->has_news());
    if (ticking_ && !soon) {
        return;
    }
    const std::chrono::nanoseconds calm = std::clamp<std::chrono::nanoseconds>(
        std::min(limits_->handshake_timeout, limits_->leaf_timeout) / 8, shortest_tick, longest_tick);
    const std::chrono::nanoseconds quiet = soon ? shortest_tick : calm;
    const std::chrono::nanoseconds length = busy ? busy_tick : quiet;
    ticking_ = true;
    hurried_ = soon;
    if (tick_) {
        // A pending timer is set anew only on its own loop.
        post(loop(), [self = shared_from_this(), length] {
            const std::lock_guard hold(self->mutex_);
            self->tick_.set(length);
        });
    } else if (!tick_.start(loop(), length, [weak = weak_from_this()] {
                   if (const auto self = weak.lock()) {
                       self->on_tick();
                   }
               })) {
        ticking_ = hurried_ = false;
    }
}

void hub::on_tick() {
    const lock_type hold(mutex_);
    ticking_ = hurried_ = false;
    if (!station_) {
        return;
    }
    if (parked_ && polls_ == polls_seen_) {
        arm_watch();
    }
    polls_seen_ = polls_;
    poll_data();
    const auto now = clock::now();
    for (std::size_t i = 0; i < peers_.size(); ++i) {
        if (const peer_ptr each = peers_[i]) {
            tend(*each, now);
        }
    }
    if (station_) {
        tend_cast(now);
        settle();
        keep_ticking();
    }
}

void hub::tend(peer& who, clock::time_point now) {
    const auto age = now - who.since;
    switch (who.state) {
    case peer::phase::connecting:
        if (age >= limits_->join_timeout) {
            fail_join(who, WSAETIMEDOUT, "no connection within join_timeout");
        } else if (who.again) {
            connect(who);
        }
        return;
    case peer::phase::asking:
        if (age >= limits_->join_timeout) {
            fail_join(who, WSAETIMEDOUT,
                      who.heard ? "the peer's application did not accept it within join_timeout"
                                : "no answer within join_timeout");
        } else if (!who.heard && age >= limits_->handshake_timeout) {
            fail_join(who, WSAECONNREFUSED,
                      "the peer accepted the connection but is silent: it does not speak the protocol of "
                      "rdma, or it "
                      "is stuck");
        }
        return;
    case peer::phase::greeting:
        if (age >= limits_->handshake_timeout) {
            turn_away(who, 0, wire::reason::none);
        }
        return;
    case peer::phase::open: break;
    case peer::phase::queued:
    case peer::phase::gone: return;
    }
    if (std::exchange(who.gets_on, false)) {
        who.progress = now;
    }
    const bool holds_up = who.data->full && who.data->log.tail() >= who.needs(who.data->log.head());
    const auto stuck_since = who.leaving ? who.progress : std::max(who.progress, who.data->full_since);
    if ((who.leaving || (holds_up && who.data->is_root)) && now - stuck_since >= limits_->leaf_timeout) {
        abandon(who, WSAECONNABORTED, "it took nothing for leaf_timeout");
    }
}

} // namespace joinleaf::rdma
