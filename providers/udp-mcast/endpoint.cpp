// SPDX-License-Identifier: Apache-2.0
#include "endpoint.hpp"

#include "ancillary.hpp"
#include "device_queue.hpp"
#include "network_interface.hpp"

#include <linux/sock_diag.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/sockios.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace joinleaf::udp_mcast {

namespace {

// The kernel counts what the filter refuses together with what found no room. Where refusing is the rule and
// not the exception, its count says nothing about loss.
bool refuses_by_the_way(const packet_filter& filter) noexcept {
    return filter.nothing || !filter.local_multicast;
}

std::uint32_t random_number() noexcept {
    std::uint32_t number = 0;
    ::getentropy(&number, sizeof number);
    return number;
}

} // namespace

endpoint::endpoint(const instance& owner, jl_handle* handle, int fd, int family, bool multipoint)
    : owner_(owner),
      handle_(handle),
      fd_(fd),
      family_(family),
      multipoint_(multipoint),
      groups_(fd),
      link_(owner.link().value_or(0)),
      segmentation_{owner.options().offload},
      ahead_(fd, owner.options().offload),
      enveloped_(multipoint && (owner.options().coalesce > 0 || owner.options().sequence)),
      sender_(random_number()),
      next_number_(random_number()),
      gathers_(multipoint && !enveloped_ && owner.options().offload && owner.options().gather.count() > 0) {
    if (!enveloped_) {
        return;
    }
    ahead_.start();
    numbers_ = std::make_unique<source_numbers>();
    if (owner.options().coalesce > 0) {
        outbox_ = new outbox(owner.options().coalesce, owner.options().coalesce_delay);
        outbox_->open(handle, on_delay_over, this);
    }
}

endpoint::~endpoint() {
    if (outbox_ != nullptr) {
        outbox_->retire();
    }
    if (circle_ != nullptr) {
        circle_->retire();
    }
}

std::int32_t endpoint::arm(std::uint32_t direction, std::int32_t* code) {
    *code = 0;
    const bool in = direction == JL_IN;
    if (!in && direction != JL_OUT) {
        return JL_ARMED; // no requests and no expedited data here
    }
    if ((in ? no_receive_ : no_send_).load(std::memory_order_relaxed)) {
        return JL_ENDED;
    }
    // POLLERR: the error of an earlier send waits to be told.
    pollfd asked{fd_, static_cast<short>(in ? POLLIN : POLLOUT), 0};
    return ::poll(&asked, 1, 0) > 0 ? JL_READY : JL_ARMED;
}

std::int32_t endpoint::shutdown(std::int32_t how) {
    if (how != SD_RECEIVE && how != SD_SEND && how != SD_BOTH) {
        return WSAEINVAL;
    }
    if (how != SD_SEND) {
        no_receive_.store(true, std::memory_order_relaxed);
    }
    if (how != SD_RECEIVE) {
        let_go();
        no_send_.store(true, std::memory_order_relaxed);
    }
    // Wakes whoever waits on the descriptor. On a socket without peer the kernel does so and answers
    // ENOTCONN.
    ::shutdown(fd_, how);
    return 0;
}

void endpoint::close(std::uint32_t how) {
    auto* const handle = handle_;
    // What a flood has gathered its sends have called sent, the hardest close takes none of that back.
    if (how == JL_CLOSE_GRACEFUL || !enveloped_) {
        let_go();
    }
    delete this;
    host().closed(handle);
}

std::int32_t endpoint::name(std::uint32_t peer, sockaddr* name, std::uint32_t* length) {
    address found;
    if (peer == 0) {
        found = local();
        if (found.port() == 0) {
            return WSAEINVAL;
        }
    } else if (destination_) {
        found = destination_;
    } else {
        found.length = sizeof found.six;
        if (::getpeername(fd_, &found.any, &found.length) != 0) {
            return jl_wsa_error(errno);
        }
    }
    if (*length < found.length) {
        return WSAEFAULT;
    }
    std::memcpy(name, &found.any, found.length);
    *length = found.length;
    return 0;
}

std::int32_t endpoint::set_loopback(bool on) {
    auto filter = groups_.filter();
    filter.local_multicast = on;
    return put_filter(std::move(filter));
}

std::int32_t endpoint::tell_groups() {
    if (const int error = note_destinations(fd_, family_); error != 0) {
        return jl_wsa_error(error);
    }
    tells_groups_.store(true, std::memory_order_relaxed);
    return 0;
}

std::int32_t endpoint::put_filter(packet_filter filter) {
    const bool counted = !refuses_by_the_way(groups_.filter());
    const auto drops = kernel_drops();
    const int error = groups_.set_filter(std::move(filter));
    if (error == 0) {
        lost_ += counted ? drops - drops_settled_ : 0;
        drops_settled_ = drops;
    }
    return jl_wsa_error(error);
}

std::uint32_t endpoint::kernel_drops() const noexcept {
    std::array<std::uint32_t, SK_MEMINFO_VARS> notes{};
    socklen_t length = sizeof notes;
    return ::getsockopt(fd_, SOL_SOCKET, SO_MEMINFO, notes.data(), &length) == 0 ? notes[SK_MEMINFO_DROPS] : 0;
}

// A datagram has nobody to tell: whoever listens sees the code point.
std::int32_t endpoint::qos(const QOS* qos, std::uint32_t) {
    let_go(); // what was sent before keeps what held then
    const auto type = qos->SendingFlowspec.ServiceType;
    const int traffic_class = static_cast<int>(jl_service_dscp(type) << 2U);
    const bool six = family_ == AF_INET6;
    if (::setsockopt(fd_, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_TCLASS : IP_TOS, &traffic_class,
                     sizeof traffic_class) != 0) {
        return jl_wsa_error(errno);
    }
    // Behind the traffic class, from which the kernel derives a priority of its own. The highest one needs a
    // capability.
    for (int priority = jl_service_priority(type); priority >= 0; --priority) {
        if (::setsockopt(fd_, SOL_SOCKET, SO_PRIORITY, &priority, sizeof priority) == 0) {
            break;
        }
    }
    flow_ = qos->SendingFlowspec;
    space();
    return 0;
}

// Where datagrams to the session leave; 0: nobody knows.
unsigned endpoint::link_in_use() const {
    if (link_ != 0 || !destination_) {
        return link_;
    }
    const provider::descriptor probe(::socket(family_, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP));
    address source;
    source.length = sizeof source.six;
    const bool routed = probe && ::connect(probe.get(), &destination_.any, destination_.length) == 0 &&
                        ::getsockname(probe.get(), &source.any, &source.length) == 0;
    return routed ? interface_of(source) : 0;
}

// The runtime's bucket lets bursts out, whose packets the device's queue spaces where it can. A rate that an
// application sets by itself stays as long as there is no flow.
void endpoint::space() {
    const auto rate = flow_ ? pacing_rate(*flow_, family_ == AF_INET6) : std::nullopt;
    const bool can = rate && spaces_packets(queueing_of(link_in_use()));
    if (!can && !spaced_) {
        return;
    }
    const auto most = can ? *rate : ~std::uint64_t{0};
    spaced_ = ::setsockopt(fd_, SOL_SOCKET, SO_MAX_PACING_RATE, &most, sizeof most) == 0 && can;
}

std::uint32_t endpoint::receive_path() const noexcept {
    if (ahead_.gathers()) {
        return JL_PATH_SEGMENTED;
    }
    const auto calls = received_.calls() + waited_messages_.load(std::memory_order_relaxed);
    const auto messages = received_.messages() + waited_messages_.load(std::memory_order_relaxed);
    return calls == 0 ? JL_PATH_UNKNOWN : messages > calls ? JL_PATH_MANY : JL_PATH_SINGLE;
}

std::int32_t endpoint::stats(jl_stats* stats) {
    int queued = 0;
    ::ioctl(fd_, SIOCOUTQ, &queued);
    stats->sent_messages = sent_.messages();
    stats->sent_bytes = sent_.bytes();
    const auto waited = waited_messages_.load(std::memory_order_relaxed);
    stats->received_messages = received_.messages() + waited;
    stats->received_bytes = received_.bytes() + waited_bytes_.load(std::memory_order_relaxed);
    stats->send_calls = sent_.calls();
    stats->receive_calls = received_.calls() + waited;
    stats->send_path = path_.load(std::memory_order_relaxed);
    stats->send_limit =
        limit_.load(std::memory_order_relaxed) | (owner_.options().offload ? 0U : JL_LIMIT_OPTION);
    stats->send_limit_bytes = limit_bytes_.load(std::memory_order_relaxed);
    stats->receive_path = receive_path();
    stats->paced = spaced_ ? JL_PACED_DEVICE : 0;
    stats->queued_bytes = static_cast<std::uint64_t>(std::max(queued, 0));
    if (outbox_ != nullptr) {
        stats->queued_bytes += outbox_->bytes();
    }
    stats->gaps = numbers_ == nullptr ? 0 : numbers_->missing();
    stats->dropped_messages = lost_ + lost_in_outbox_ + malformed_ + evicted_;
    if (!refuses_by_the_way(groups_.filter())) {
        stats->dropped_messages += kernel_drops() - drops_settled_;
    }
    return 0;
}

} // namespace joinleaf::udp_mcast
