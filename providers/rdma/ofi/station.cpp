// SPDX-License-Identifier: Apache-2.0
#include "station.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace joinleaf::rdma::ofi {
namespace {

constexpr int events_a_poll = 64;
constexpr int connections_a_poll = 64;

} // namespace

station::station(std::shared_ptr<fabric> way, int family, std::size_t slice_size, bool polled,
                 station_owner& owner)
    : fabric_(std::move(way)), family_(family), slice_size_(slice_size), polled_(polled), owner_(owner) {}

station::~station() {
    // The endpoint goes before the lines, whose slices it may still hold.
    if (data_) {
        data_->retire();
    }
    data_.reset();
}

tl::expected<void, failure> station::open() {
    epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
    auto fd = tcp::make(family_);
    if (!epoll_ || !fd) {
        const std::int32_t code = fd ? jl_wsa_error(errno) : fd.error();
        return tl::unexpected(failure{code, "no descriptor for the control plane"});
    }
    fd_ = std::move(*fd);
    return open_data();
}

std::int32_t station::bind(const address& name) {
    const std::int32_t code = tcp::bind(fd_.get(), name);
    if (code == 0) {
        local_ = tcp::local_name(fd_.get());
    }
    return code;
}

std::int32_t station::listen() {
    if (const auto code = tcp::listen(fd_.get()); code != 0) {
        return code;
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd_.get(), &event) != 0) {
        return jl_wsa_error(errno);
    }
    listening_ = true;
    return 0;
}

void station::stop_listening() {
    listening_ = false;
    stop_watching(fd_.get());
    fd_.reset();
}

// Closing is not enough: a child between fork and exec keeps the connection, and with it the events, alive.
void station::stop_watching(int fd) noexcept {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

line* station::add_line(tcp::descriptor fd, bool connecting, bool keeps_port, const address& target,
                        std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    auto made = std::make_unique<line>(*this, std::move(fd), connecting, keeps_port, target);
    event.data.ptr = made.get();
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, made->fd(), &event) != 0) {
        return nullptr;
    }
    lines_.push_back(std::move(made));
    return lines_.back().get();
}

link* station::connect(const address& target, bool keep_port, link_owner& owner) {
    tcp::descriptor fd;
    if (keep_port) {
        fd = std::move(fd_);
    } else {
        auto made = tcp::make(family_);
        if (!made) {
            owner.on_down({made.error(), "no descriptor for another connection"});
            return nullptr;
        }
        fd = std::move(*made);
        // The port is chosen by connect, which knows the peer: bind would also hand out one that an earlier connection
        // to the same peer has not given back yet.
        tcp::set_flag(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, true);
        if (const auto code = tcp::bind(fd.get(), local_.with_port(0)); code != 0) {
            owner.on_down({code, "the local address is of no use for another connection"});
            return nullptr;
        }
    }
    if (::connect(fd.get(), target.raw(), target.size) != 0 && errno != EINPROGRESS) {
        const int error = errno;
        if (keep_port) {
            fd_ = std::move(fd);
        }
        const bool unreachable = error == EHOSTUNREACH || error == EHOSTDOWN;
        owner.on_down({unreachable ? WSAENETUNREACH : jl_wsa_error(error), ::strerrordesc_np(error)});
        return nullptr;
    }
    line* const made = add_line(std::move(fd), true, keep_port, target, EPOLLOUT);
    if (made == nullptr) {
        take_port_back();
        owner.on_down({WSAENOBUFS, "no room for another connection"});
        return nullptr;
    }
    made->set_owner(&owner);
    return made;
}

// A connection that came to nothing leaves its local address to the next attempt (JL-21, JL-33). A port of the kernel's
// own choice is given back with the connection and has to be taken again; should somebody have been faster, any other
// will do.
void station::take_port_back() {
    auto fresh = tcp::make(family_);
    if (!fresh) {
        return;
    }
    fd_ = std::move(*fresh);
    if (tcp::bind(fd_.get(), local_) != 0) {
        tcp::bind(fd_.get(), any_of(family_));
        local_ = tcp::local_name(fd_.get());
    }
}

bool station::accept_one() {
    address peer;
    socklen_t size = address::room;
    tcp::descriptor fd(::accept4(fd_.get(), peer.raw(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
        // Anything else is the affair of one connection that is gone already, or of a machine out of descriptors, where
        // the listener stays readable and is asked again.
        return errno == ECONNABORTED || errno == EPROTO || errno == EINTR;
    }
    peer.size = size;
    line* const made = add_line(std::move(fd), false, false, peer, EPOLLIN);
    if (made != nullptr) {
        made->set_owner(owner_.on_incoming(*made));
        if (made->owner() == nullptr) {
            bury(*made);
        }
    }
    return true;
}

std::int32_t station::set_option(std::int32_t level, std::int32_t name, const void* value,
                                 std::uint32_t size) {
    if (!tcp::is_settable(level, name)) {
        return WSAENOPROTOOPT;
    }
    const int fd = any_fd();
    if (fd < 0) {
        return WSAENOTCONN;
    }
    return ::setsockopt(fd, level, name, value, size) == 0 ? 0 : jl_wsa_error(errno);
}

std::int32_t station::get_option(std::int32_t level, std::int32_t name, void* value, std::uint32_t* size) {
    const int fd = any_fd();
    if (fd < 0) {
        return WSAENOTCONN;
    }
    return ::getsockopt(fd, level, name, value, size) == 0 ? 0 : jl_wsa_error(errno);
}

int station::any_fd() const noexcept {
    return fd_ ? fd_.get() : lines_.empty() ? -1 : lines_.front()->fd();
}

tl::expected<void, failure> station::open_data() {
    auto made = port::open(*fabric_, family_, slice_size_, polled_);
    if (!made) {
        return tl::unexpected(made.error());
    }
    data_ = std::move(*made);
    return {};
}

tl::expected<void, failure> station::lend(std::span<std::byte> memory) {
    return data_->lend(memory);
}

void station::take_back(std::span<std::byte> memory, std::shared_ptr<void> owner) {
    data_->take_back(memory, std::move(owner));
}

tl::expected<void, failure> station::add_slots(rdma::link&, std::size_t count) {
    return data_->add_slots(count);
}

void station::drop_slots(std::size_t count) {
    data_->drop_slots(count);
}

void station::give_back(std::uint32_t slot) {
    data_->give_back(slot);
}

tl::expected<std::unique_ptr<rdma::group>, failure> station::join_group(const address&, group_use,
                                                                        group_owner&) {
    return tl::unexpected(failure{WSAEOPNOTSUPP, no_multicast});
}

bool station::poll_control() {
    std::array<epoll_event, events_a_poll> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), events_a_poll, 0);
    for (int i = 0; i < count; ++i) {
        if (auto* const which = static_cast<line*>(events[static_cast<std::size_t>(i)].data.ptr)) {
            if (which->owner() != nullptr) {
                which->on_ready();
            }
            continue;
        }
        for (int each = 0; each < connections_a_poll && listening_ && accept_one(); ++each) {}
    }
    buried_.clear();
    return count > 0;
}

bool station::poll_data() {
    return data_->poll(owner_);
}

int station::data_fd() const {
    return data_->fd();
}

bool station::arm_data() {
    return data_->arm();
}

void station::watch_line(line& which, std::uint32_t events) noexcept {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &which;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, which.fd(), &event);
}

posted station::post(line& from, std::span<const std::byte> head, std::span<const std::byte> body,
                     std::uint64_t cookie) {
    const posted outcome = data_->post(from, *from.destination(), head, body, cookie);
    if (outcome == posted::broken) {
        from.break_off(WSAECONNRESET);
    }
    return outcome;
}

// The connection ends at once; the object stays until no event can name it.
void station::bury(line& which) {
    const auto found = std::ranges::find_if(lines_, [&](const auto& each) { return each.get() == &which; });
    if (found == lines_.end()) {
        return;
    }
    data_->part(which);
    const bool gives_port_back = which.keeps_port();
    stop_watching(which.fd());
    which.hang_up();
    buried_.splice(buried_.end(), lines_, found);
    if (gives_port_back && !fd_) {
        take_port_back();
    }
}

} // namespace joinleaf::rdma::ofi
