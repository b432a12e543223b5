// SPDX-License-Identifier: Apache-2.0
#include "runtime/qos/shaper.hpp"

#include <algorithm>
#include <cmath>

namespace joinleaf::qos {
namespace {

// A bucket whose size is left open holds what comes in this time: a timer's grain, with room for a sender that
// is late.
constexpr double open_bucket_seconds = 0.05;

// The peak is kept over the time in which a waiting thread can be relied on to wake up, and over one Ethernet
// frame at least.
constexpr double peak_bucket_seconds = 0.002;
constexpr double frame_bytes = 1500;

bool is_given(ULONG value) noexcept {
    return value != QOS_NOT_SPECIFIED;
}

// POSITIVE_INFINITY_RATE is a rate that holds nobody back.
bool is_rate(ULONG value) noexcept {
    return is_given(value) && value != POSITIVE_INFINITY_RATE;
}

bool is_shaped(const FLOWSPEC& flow) noexcept {
    const auto type = flow.ServiceType & ~(SERVICE_NO_TRAFFIC_CONTROL | SERVICE_NO_QOS_SIGNALING);
    return (flow.ServiceType & SERVICE_NO_TRAFFIC_CONTROL) == 0 && type != SERVICETYPE_NOTRAFFIC &&
           type != SERVICETYPE_NOCHANGE;
}

double depth_of(const FLOWSPEC& flow) noexcept {
    return is_given(flow.TokenBucketSize) ? flow.TokenBucketSize
                                          : std::max(flow.TokenRate * open_bucket_seconds, frame_bytes);
}

double peak_depth_of(const FLOWSPEC& flow) noexcept {
    const double message = is_given(flow.MaxSduSize) ? flow.MaxSduSize : frame_bytes;
    return std::max({flow.PeakBandwidth * peak_bucket_seconds, message, frame_bytes});
}

std::size_t bytes_of(const jl_msg& message) noexcept {
    std::size_t sum = 0;
    for (std::uint32_t i = 0; i < message.iov_count; ++i) {
        sum += message.iov[i].iov_len;
    }
    return sum;
}

// The tighter of two limits, 0 standing for none.
double tighter(double one, double other) noexcept {
    return one == 0 ? other : other == 0 ? one : std::min(one, other);
}

} // namespace

// A message larger than the bucket is waited for beyond its depth.
void shaper::bucket::fill(double seconds, double wanted) noexcept {
    tokens = std::min(tokens + rate * seconds, std::max({depth, wanted, tokens}));
}

double shaper::bucket::seconds_until(double bytes) const noexcept {
    return rate == 0 || tokens >= bytes ? 0 : (bytes - tokens) / rate;
}

void shaper::bucket::become(double new_rate, double new_depth) noexcept {
    tokens = rate == 0 ? new_depth : std::min(tokens, new_depth);
    rate = new_rate;
    depth = new_depth;
}

bool shaper::binds(const FLOWSPEC& flow) noexcept {
    return is_shaped(flow) &&
           (is_rate(flow.TokenRate) || is_rate(flow.PeakBandwidth) || is_given(flow.MaxSduSize));
}

void shaper::set(const void* owner, const FLOWSPEC& flow, clock::time_point now) {
    const std::lock_guard hold(mutex_);
    fill(now);
    if (binds(flow)) {
        flows_[owner] = flow;
    } else {
        flows_.erase(owner);
    }
    rebuild();
}

void shaper::lift(const void* owner, clock::time_point now) {
    const std::lock_guard hold(mutex_);
    fill(now);
    flows_.erase(owner);
    rebuild();
}

bool shaper::holds_back() {
    const std::lock_guard hold(mutex_);
    return !flows_.empty();
}

void shaper::rebuild() noexcept {
    double rate = 0;
    double depth = 0;
    double peak = 0;
    double peak_depth = 0;
    least_ = 0;
    largest_.reset();
    for (const auto& [owner, flow] : flows_) {
        if (is_rate(flow.TokenRate)) {
            depth = rate == 0 ? depth_of(flow) : std::min(depth, depth_of(flow));
            rate = tighter(rate, flow.TokenRate);
        }
        if (is_rate(flow.PeakBandwidth)) {
            peak_depth = peak == 0 ? peak_depth_of(flow) : std::min(peak_depth, peak_depth_of(flow));
            peak = tighter(peak, flow.PeakBandwidth);
        }
        if (is_given(flow.MinimumPolicedSize)) {
            least_ = std::max<double>(least_, flow.MinimumPolicedSize);
        }
        if (is_given(flow.MaxSduSize)) {
            largest_ = std::min<double>(largest_.value_or(flow.MaxSduSize), flow.MaxSduSize);
        }
    }
    mean_.become(rate, depth);
    peak_.become(peak, peak_depth);
}

void shaper::fill(clock::time_point now) noexcept {
    const double seconds = std::chrono::duration<double>(now - filled_).count();
    if (seconds > 0) {
        mean_.fill(seconds, wanted_);
        peak_.fill(seconds, wanted_);
        filled_ = now;
    }
}

double shaper::cost_of(std::size_t bytes) const noexcept {
    return std::max(static_cast<double>(bytes), least_);
}

// What is held back together leaves together: as much of it as half of a bucket takes, so that the other half is there
// for a sender that comes late. At least the first message.
double shaper::worth_waiting_for(std::span<const jl_msg> messages) const noexcept {
    const double most = tighter(mean_.rate == 0 ? 0 : mean_.depth, peak_.rate == 0 ? 0 : peak_.depth) / 2;
    double sum = cost_of(bytes_of(messages.front()));
    for (const auto& message : messages.subspan(1)) {
        const auto more = cost_of(bytes_of(message));
        if (sum + more > most) {
            break;
        }
        sum += more;
    }
    return sum;
}

shaper::verdict shaper::admit(std::span<const jl_msg> messages, clock::time_point now) {
    const std::lock_guard hold(mutex_);
    fill(now);
    verdict out;
    double sum = 0;
    for (const auto& message : messages) {
        const auto bytes = bytes_of(message);
        if (largest_ && static_cast<double>(bytes) > *largest_) {
            out.code = WSAEMSGSIZE;
            break;
        }
        sum += cost_of(bytes);
        if (mean_.seconds_until(sum) > 0 || peak_.seconds_until(sum) > 0) {
            wanted_ = out.count == 0 ? worth_waiting_for(messages) : wanted_;
            out.code = WSAEWOULDBLOCK;
            break;
        }
        ++out.count;
    }
    if (out.count > 0) {
        out.code = 0;
    }
    return out;
}

void shaper::charge(std::span<const jl_msg> sent, clock::time_point now) {
    const std::lock_guard hold(mutex_);
    fill(now);
    for (const auto& message : sent) {
        mean_.tokens -= cost_of(message.size);
        peak_.tokens -= cost_of(message.size);
    }
    wanted_ = 0;
    mean_.tokens = std::min(mean_.tokens, mean_.depth);
    peak_.tokens = std::min(peak_.tokens, peak_.depth);
}

std::optional<shaper::clock::time_point> shaper::due(clock::time_point now) {
    const std::lock_guard hold(mutex_);
    fill(now);
    const double left = std::max(mean_.seconds_until(wanted_), peak_.seconds_until(wanted_));
    if (left <= 0) {
        return std::nullopt;
    }
    // Rounded up, so that the tokens are there when the wait is over.
    const auto wait = std::chrono::nanoseconds(static_cast<std::int64_t>(std::ceil(left * 1e9)));
    return now + std::chrono::duration_cast<clock::duration>(wait);
}

} // namespace joinleaf::qos
