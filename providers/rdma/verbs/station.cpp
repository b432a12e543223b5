// SPDX-License-Identifier: Apache-2.0
#include "verbs/station.hpp"

#include "verbs/intro.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/epoll.h>

namespace joinleaf::rdma::verbs {
namespace {

constexpr int kernel_backlog = 1024;
constexpr int events_a_poll = 64;
// Neighbour and route look-ups; a join has its own, longer, deadline.
constexpr int resolve_ms = 2000;
// 4.096 us * 2^15: a lost packet that nothing follows is sent again after 134 ms, a dead peer is given up after about a
// second.
constexpr std::uint8_t acknowledge_timer = 15;
constexpr std::uint8_t retries = 7; // the most
constexpr std::uint8_t for_ever = 7;

rdma_conn_param parameters(const intro_bytes& said) noexcept {
    rdma_conn_param out{};
    out.private_data = said.data();
    out.private_data_len = std::uint8_t{intro_size};
    out.retry_count = retries;
    out.rnr_retry_count = for_ever;
    return out;
}

address name_of(const sockaddr* name) noexcept {
    return address::of(name, name->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
}

std::span<const std::byte> private_data(const rdma_cm_event& what) noexcept {
    switch (static_cast<int>(what.event)) {
    case RDMA_CM_EVENT_CONNECT_REQUEST:
    case RDMA_CM_EVENT_ESTABLISHED:
        return {static_cast<const std::byte*>(what.param.conn.private_data), what.param.conn.private_data_len};
    default: return {};
    }
}

bool add_to(const provider::descriptor& with, int which) noexcept {
    epoll_event event{};
    event.events = EPOLLIN;
    return ::epoll_ctl(with.get(), EPOLL_CTL_ADD, which, &event) == 0;
}

// Of which a socket of this process lives.
struct loans {
    std::mutex mutex;
    std::set<std::uint16_t> ports;
};

loans& all_loans() {
    static loans all;
    return all;
}

} // namespace

bool port_loan::take(std::uint16_t port) {
    loans& all = all_loans();
    const std::lock_guard hold(all.mutex);
    if (!all.ports.insert(port).second) {
        return false;
    }
    port_ = port;
    return true;
}

void port_loan::give_back() {
    if (const std::uint16_t port = std::exchange(port_, std::uint16_t{0}); port != 0) {
        loans& all = all_loans();
        const std::lock_guard hold(all.mutex);
        all.ports.erase(port);
    }
}

station::station(executor& heir, const settings& limits, int family, station_owner& owner)
    : executor_(heir), limits_(limits), family_(family), owner_(owner) {}

station::~station() {
    id_.reset();
    estate_->buried.clear();
    estate_->lines.clear();
    if (estate_->means) {
        estate_->means->poll(nullptr);
        estate_->sweep();
        if (!estate_->lingering.empty()) {
            executor_.take(std::move(estate_));
        }
    }
}

tl::expected<void, failure> station::open() {
    epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
    data_epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
    estate_->channel.reset(rdma_create_event_channel());
    if (!epoll_ || !data_epoll_ || !estate_->channel) {
        return failed(epoll_ && data_epoll_ ? "rdma_create_event_channel" : "epoll_create1", errno);
    }
    const int fd = estate_->channel->fd;
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    for (const int each : {fd, estate_->ringer.fd(), control_bell_.fd(), data_epoll_.get()}) {
        if (!add_to(epoll_, each)) {
            return failed("epoll_ctl", errno);
        }
    }
    if (!add_to(data_epoll_, data_bell_.fd())) {
        return failed("epoll_ctl", errno);
    }
    place_.reset(::fcntl(epoll_.get(), F_DUPFD_CLOEXEC, 0));
    auto made = make_id();
    if (!made) {
        return tl::unexpected(failure{made.error(), "rdma_cm has no room for another socket"});
    }
    id_ = std::move(*made);
    return {};
}

tl::expected<owned<rdma_cm_id>, std::int32_t> station::make_id(bool reuse) const {
    rdma_cm_id* made = nullptr;
    if (rdma_create_id(estate_->channel.get(), &made, nullptr, RDMA_PS_TCP) != 0) {
        return tl::unexpected(jl_wsa_error(errno));
    }
    owned<rdma_cm_id> out(made);
    int yes = 1;
    if (family_ == AF_INET6) {
        rdma_set_option(made, RDMA_OPTION_ID, RDMA_OPTION_ID_AFONLY, &yes, sizeof yes);
    }
    if (reuse) {
        rdma_set_option(made, RDMA_OPTION_ID, RDMA_OPTION_ID_REUSEADDR, &yes, sizeof yes);
    }
    if (tos_ != 0) {
        std::uint8_t tos = tos_;
        rdma_set_option(made, RDMA_OPTION_ID, RDMA_OPTION_ID_TOS, &tos, sizeof tos);
    }
    return out;
}

std::int32_t station::bind_id(rdma_cm_id& which, const address& name) const noexcept {
    address copy = name;
    if (rdma_bind_addr(&which, copy.raw()) == 0) {
        return 0;
    }
    // An address of this machine without a device behind it is none for RDMA.
    return errno == ENODEV ? WSAEADDRNOTAVAIL : jl_wsa_error(errno);
}

std::int32_t station::bind(const address& name) {
    std::int32_t code = bind_id(*id_, name);
    if (code == WSAEADDRINUSE && name.port() != 0 && !reuse_) {
        code = bind_beside_the_closed(name);
    }
    if (code != 0) {
        return code;
    }
    local_ = name_of(rdma_get_local_addr(id_.get()));
    return 0;
}

// Sockets that are closed have allowed others on their port (LC-19); those that live have not.
std::int32_t station::bind_beside_the_closed(const address& name) {
    auto made = make_id(true);
    if (!made) {
        return made.error();
    }
    if (const auto code = bind_id(**made, name); code != 0) {
        return code;
    }
    if (!loan_.take(name.port())) {
        return WSAEADDRINUSE;
    }
    id_ = std::move(*made);
    return 0;
}

std::int32_t station::listen() {
    return rdma_listen(id_.get(), kernel_backlog) == 0 ? 0 : jl_wsa_error(errno);
}

void station::stop_listening() {
    id_.reset();
}

rdma::link* station::connect(const address& target, bool keep_port, link_owner& owner) {
    owned<rdma_cm_id> id;
    if (keep_port) {
        id = std::move(id_);
    } else {
        auto made = make_id();
        const std::int32_t code = made ? bind_id(**made, local_.with_port(0)) : made.error();
        if (code != 0) {
            owner.on_down({code, "the local address is of no use for another connection"});
            return nullptr;
        }
        id = std::move(*made);
    }
    std::uint8_t timer = acknowledge_timer;
    rdma_set_option(id.get(), RDMA_OPTION_ID, RDMA_OPTION_ID_ACK_TIMEOUT, &timer, sizeof timer);
    address to = target;
    if (rdma_resolve_addr(id.get(), nullptr, to.raw(), resolve_ms) != 0) {
        const int error = errno;
        if (keep_port) {
            id_ = std::move(id);
        }
        owner.on_down(join_failure(RDMA_CM_EVENT_ADDR_ERROR, -error));
        return nullptr;
    }
    estate_->lines.push_back(std::make_unique<line>(*this, estate_->ringer, std::move(id),
                                                    line::phase::resolving, keep_port, target));
    line& made = *estate_->lines.back();
    made.set_owner(&owner);
    return &made;
}

// A connection that came to nothing leaves its local address to the next attempt (JL-21, JL-33).
void station::take_port_back() {
    auto fresh = make_id();
    if (!fresh) {
        return;
    }
    id_ = std::move(*fresh);
    if (bind_id(*id_, local_) != 0 && bind_id(*id_, local_.with_port(0)) == 0) {
        local_ = name_of(rdma_get_local_addr(id_.get()));
    }
}

station::option station::option_of(std::int32_t level, std::int32_t name) const noexcept {
    if (level == SOL_SOCKET && name == SO_REUSEADDR) {
        return option::reuse;
    }
    const bool four = level == IPPROTO_IP && family_ == AF_INET;
    const bool six = level == IPPROTO_IPV6 && family_ == AF_INET6;
    if ((four && name == IP_TOS) || (six && name == IPV6_TCLASS)) {
        return option::tos;
    }
    const bool hops = (four && name == IP_MULTICAST_TTL) || (six && name == IPV6_MULTICAST_HOPS);
    return hops ? option::hops : option::none;
}

std::int32_t station::set_option(std::int32_t level, std::int32_t name, const void* value,
                                 std::uint32_t size) {
    const option which = option_of(level, name);
    if (which == option::none) {
        return WSAENOPROTOOPT;
    }
    int number = 0;
    if (size < sizeof number) {
        return WSAEFAULT;
    }
    std::memcpy(&number, value, sizeof number);
    if (which == option::hops) {
        return set_hops(number);
    }
    if (which == option::reuse) {
        reuse_ = number != 0;
    } else {
        tos_ = static_cast<std::uint8_t>(number);
    }
    if (id_ && local_.size == 0) {
        auto fresh = make_id();
        if (!fresh) {
            return fresh.error();
        }
        id_ = std::move(*fresh);
    }
    return 0;
}

std::int32_t station::get_option(std::int32_t level, std::int32_t name, void* value, std::uint32_t* size) {
    const option which = option_of(level, name);
    if (which == option::none) {
        return WSAENOPROTOOPT;
    }
    const int number = which == option::reuse ? static_cast<int>(reuse_)
                       : which == option::tos ? tos_
                                              : hops_;
    if (*size < sizeof number) {
        return WSAEFAULT;
    }
    std::memcpy(value, &number, sizeof number);
    *size = sizeof number;
    return 0;
}

tl::expected<device*, failure> station::means_for(ibv_context* context) {
    if (context == nullptr) {
        return tl::unexpected(failure{WSAENETUNREACH, "no RDMA device leads there"});
    }
    if (estate_->means && !estate_->means->serves(context)) {
        return tl::unexpected(
            failure{WSAENETUNREACH,
                    fmt::format("it is reached through device {}, and the session uses another: bind the "
                                "socket to an address of one device",
                                ibv_get_device_name(context->device))});
    }
    if (!estate_->means) {
        place_.reset();
        auto made = device::open(*context, limits_);
        if (!made) {
            return tl::unexpected(made.error());
        }
        if (!add_to(data_epoll_, (*made)->fd())) {
            return failed("epoll_ctl", errno);
        }
        (*made)->arm();
        estate_->means = std::move(*made);
    }
    return estate_->means.get();
}

tl::expected<void, failure> station::lend(std::span<std::byte> memory) {
    return estate_->means->lend(memory);
}

void station::take_back(std::span<std::byte> memory, std::shared_ptr<void> owner) {
    if (estate_->means) {
        estate_->means->take_back(memory, std::move(owner));
    }
}

tl::expected<void, failure> station::add_slots(rdma::link& whose, std::size_t count) {
    return estate_->means->add_slots(static_cast<line&>(whose), count);
}

void station::give_back(std::uint32_t slot) {
    estate_->means->give_back(slot);
}

bool station::poll_control() {
    bool any = false;
    for (int i = 0; i < events_a_poll && take_event(); ++i) {
        any = true;
    }
    any = poll_groups_control() || any;
    if (!data_is_watched_) {
        while (poll_data() || !arm_all()) {
            any = true;
        }
    }
    while (line* const which = estate_->ringer.next()) {
        any = true;
        which->serve();
    }
    estate_->sweep();
    estate_->buried.clear();
    return any;
}

bool station::poll_data() {
    const bool any = estate_->means && estate_->means->poll(&owner_);
    return poll_groups_data() || any;
}

bool station::arm_all() {
    const bool armed = !estate_->means || estate_->means->arm();
    return arm_groups() && armed;
}

bool station::arm_data() {
    if (data_fd() >= 0 && !std::exchange(data_is_watched_, true)) {
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, data_epoll_.get(), nullptr);
    }
    return arm_all();
}

station::lines::iterator station::place_of(const line& which) {
    return std::ranges::find_if(estate_->lines, [&](const auto& each) { return each.get() == &which; });
}

void station::bury(line& which) {
    const auto found = place_of(which);
    if (found == estate_->lines.end()) {
        return;
    }
    const bool gives_port_back = which.keeps_port() && which.state() <= line::phase::connecting;
    which.set_owner(nullptr);
    which.hang_up();
    estate_->buried.splice(estate_->buried.end(), estate_->lines, found);
    if (gives_port_back && !id_) {
        take_port_back();
    }
}

void station::linger(line& which) {
    if (const auto found = place_of(which); found != estate_->lines.end()) {
        estate_->lingering.splice(estate_->lingering.end(), estate_->lines, found);
    }
}

bool station::take_event() {
    rdma_cm_event* event = nullptr;
    if (rdma_get_cm_event(estate_->channel.get(), &event) != 0) {
        return false;
    }
    // An id cannot be destroyed while one of its events is not acknowledged.
    const rdma_cm_event copy = *event;
    const auto said = private_data(copy);
    const std::vector<std::byte> data(said.begin(), said.end());
    rdma_ack_cm_event(event);
    on_event(copy, data);
    return true;
}

void station::on_event(const rdma_cm_event& what, std::span<const std::byte> data) {
    if (what.event == RDMA_CM_EVENT_CONNECT_REQUEST) {
        on_request(owned<rdma_cm_id>(what.id), data);
        return;
    }
    if (auto* const which = static_cast<line*>(what.id->context)) {
        const auto is_this = [&](const auto& each) { return each.get() == which; };
        if (place_of(*which) != estate_->lines.end()) {
            on_line_event(*which, what, data);
        } else {
            std::erase_if(estate_->lingering, is_this); // nobody is there to hear its last words
        }
    }
}

void station::on_request(owned<rdma_cm_id> asking, std::span<const std::byte> data) {
    const auto said = decode_intro(data);
    const auto unfinished = static_cast<std::size_t>(std::ranges::count_if(
        estate_->lines, [](const auto& each) { return each->state() == line::phase::accepting; }));
    if (!said || unfinished >= limits_.handshake_limit) {
        rdma_reject(asking.get(), nullptr, 0);
        return;
    }
    const address from = name_of(rdma_get_peer_addr(asking.get()));
    estate_->lines.push_back(std::make_unique<line>(*this, estate_->ringer, std::move(asking),
                                                    line::phase::accepting, false, from));
    line& made = *estate_->lines.back();
    made.hear(*said);
    if (const auto admitted = admit(made); !admitted) {
        owner_.on_trouble(from, admitted.error());
        rdma_reject(&made.id(), nullptr, 0);
        bury(made);
    }
}

tl::expected<void, failure> station::admit(line& which) {
    const auto through = means_for(which.id().verbs);
    if (!through) {
        return tl::unexpected(through.error());
    }
    if (auto equipped = which.equip(**through); !equipped) {
        return equipped;
    }
    const intro_bytes mine = encode(intro{static_cast<std::uint32_t>(limits_.slice)});
    rdma_conn_param wanted = parameters(mine);
    return rdma_accept(&which.id(), &wanted) == 0 ? tl::expected<void, failure>{}
                                                  : failed("rdma_accept", errno);
}

void station::on_line_event(line& which, const rdma_cm_event& what, std::span<const std::byte> data) {
    switch (static_cast<int>(what.event)) {
    case RDMA_CM_EVENT_ADDR_RESOLVED: resolve_route(which); return;
    case RDMA_CM_EVENT_ROUTE_RESOLVED: ask(which); return;
    case RDMA_CM_EVENT_ESTABLISHED: on_established(which, data); return;
    default: break;
    }
    const bool joins = which.state() <= line::phase::connecting;
    const failure why = joins ? join_failure(what.event, what.status) : end_of(what.event);
    if (why.code != 0) {
        lose(which, why);
    }
}

// What came before the end is looked at first.
void station::lose(line& which, const failure& why) {
    if (estate_->means) {
        while (estate_->means->poll(&owner_)) {}
    }
    which.serve();
    if (place_of(which) != estate_->lines.end()) {
        which.go_down(why);
    }
}

void station::resolve_route(line& which) {
    if (rdma_resolve_route(&which.id(), resolve_ms) != 0) {
        which.go_down(join_failure(RDMA_CM_EVENT_ROUTE_ERROR, -errno));
    }
}

void station::ask(line& which) {
    const auto through = means_for(which.id().verbs);
    auto ready = through ? which.equip(**through) : tl::unexpected(through.error());
    if (!ready) {
        which.go_down(ready.error());
        return;
    }
    which.set_state(line::phase::connecting);
    const intro_bytes mine = encode(intro{static_cast<std::uint32_t>(limits_.slice)});
    rdma_conn_param wanted = parameters(mine);
    if (rdma_connect(&which.id(), &wanted) != 0) {
        which.go_down(join_failure(RDMA_CM_EVENT_UNREACHABLE, -errno));
    }
}

void station::on_established(line& which, std::span<const std::byte> data) {
    if (which.state() == line::phase::connecting) {
        const auto said = decode_intro(data);
        if (!said) {
            which.go_down({WSAECONNREFUSED, "the peer does not speak the protocol of rdma"});
            return;
        }
        which.hear(*said);
        which.establish();
        which.owner()->on_up();
        return;
    }
    which.establish();
    which.set_owner(owner_.on_incoming(which));
    if (which.owner() == nullptr) {
        bury(which);
    } else {
        which.serve();
    }
}

} // namespace joinleaf::rdma::verbs
