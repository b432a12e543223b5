// SPDX-License-Identifier: Apache-2.0
//
// Binding. A leaf bound to one address of an interface receives its group's datagrams under Winsock, and that
// interface is the one it joins and sends on. Linux delivers group datagrams only to sockets bound to the
// any-address or to the group. So such a leaf is bound to the any-address here, and the filter, the source
// address of its sends and `name` keep up what the application asked for.
#include "endpoint.hpp"
#include "network_interface.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace joinleaf::udp_mcast {

namespace {

// The kernel picks a port that may be taken again before it is bound for good.
constexpr int port_attempts = 16;

int bind_descriptor(int fd, const address& name) noexcept {
    return ::bind(fd, &name.any, name.length) == 0 ? 0 : errno;
}

address name_of(int fd) noexcept {
    address found;
    found.length = sizeof found.six;
    if (::getsockname(fd, &found.any, &found.length) != 0) {
        found.length = 0;
    }
    return found;
}

int flag_of(int fd, int option) noexcept {
    int value = 0;
    socklen_t length = sizeof value;
    ::getsockopt(fd, SOL_SOCKET, option, &value, &length);
    return value;
}

void set_flag(int fd, int option, int value) noexcept {
    ::setsockopt(fd, SOL_SOCKET, option, &value, sizeof value);
}

// Asks the kernel whether a socket like this one may have the name, and which port it would get.
int try_name(int fd, address& name) {
    const provider::descriptor probe(::socket(name.family(), SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP));
    if (!probe) {
        return errno;
    }
    set_flag(probe.get(), SO_REUSEADDR, flag_of(fd, SO_REUSEADDR));
    const int error = bind_descriptor(probe.get(), name);
    if (error == 0) {
        name.set_port(name_of(probe.get()).port());
    }
    return error;
}

} // namespace

address endpoint::local() const {
    return source_ ? source_ : name_of(fd_);
}

std::int32_t endpoint::bind(const sockaddr* name, std::uint32_t length) {
    const auto wanted = address_from(name, length);
    const bool narrow = multipoint_ && !wanted.is_any() && !wanted.is_multicast() && interface_of(wanted) != 0;
    return narrow ? bind_narrowly(wanted) : bind_to(wanted);
}

std::int32_t endpoint::bind_to(const address& name) {
    return jl_wsa_error(bind_descriptor(fd_, name));
}

std::int32_t endpoint::bind_narrowly(const address& name) {
    auto named = name;
    int error = 0;
    int attempts = name.port() == 0 ? port_attempts : 1;
    do {
        named = name;
        error = try_name(fd_, named);
        if (error != 0) {
            return jl_wsa_error(error);
        }
        error = bind_descriptor(fd_, any_address(family_, named.port()));
    } while (error == EADDRINUSE && --attempts > 0);
    if (error == EADDRINUSE) {
        explain(fmt::format(
            "port {} is in use on another address of this host; a multicast socket needs it on all, "
            "so both must set SO_REUSEADDR",
            named.port()));
    }
    if (error != 0) {
        return jl_wsa_error(error);
    }
    return use_source(named);
}

std::int32_t endpoint::use_source(const address& source) {
    source_ = source;
    auto* const note = new (source_note_.data()) cmsghdr{};
    if (family_ == AF_INET6) {
        in6_pktinfo from{};
        from.ipi6_addr = source.six.sin6_addr;
        from.ipi6_ifindex = source.scope();
        note->cmsg_level = IPPROTO_IPV6;
        note->cmsg_type = IPV6_PKTINFO;
        note->cmsg_len = CMSG_LEN(sizeof from);
        std::memcpy(CMSG_DATA(note), &from, sizeof from);
        source_note_length_ = CMSG_SPACE(sizeof from);
    } else {
        in_pktinfo from{};
        from.ipi_spec_dst = source.four.sin_addr;
        note->cmsg_level = IPPROTO_IP;
        note->cmsg_type = IP_PKTINFO;
        note->cmsg_len = CMSG_LEN(sizeof from);
        std::memcpy(CMSG_DATA(note), &from, sizeof from);
        source_note_length_ = CMSG_SPACE(sizeof from);
    }
    auto filter = groups_.filter();
    filter.only_to = source;
    if (const auto code = put_filter(std::move(filter)); code != 0) {
        return code;
    }
    return link_ == 0 ? use_link(interface_of(source)) : 0;
}

std::int32_t endpoint::use_link(unsigned link, in_addr source) {
    const int error = send_multicast_by(fd_, family_, link, source);
    if (error == 0) {
        link_ = link;
    }
    return jl_wsa_error(error);
}

// A port that nobody else has, whatever sharing the application allowed (JL-20).
std::int32_t endpoint::bind_implicitly() {
    const int shared = flag_of(fd_, SO_REUSEADDR);
    set_flag(fd_, SO_REUSEADDR, 0);
    const auto code = bind_to(any_address(family_, 0));
    set_flag(fd_, SO_REUSEADDR, shared);
    return code;
}

std::int32_t endpoint::bind_for(const address& session, bool receives) {
    if (local().port() != 0) {
        return 0; // JL-22
    }
    if (!receives) {
        return bind_implicitly();
    }
    const int shared = flag_of(fd_, SO_REUSEADDR);
    set_flag(fd_, SO_REUSEADDR, shared != 0 || owner_.options().reuse ? 1 : 0);
    const int error = bind_descriptor(fd_, any_address(family_, session.port()));
    if (error == 0) {
        return 0;
    }
    set_flag(fd_, SO_REUSEADDR, shared);
    if (error != EADDRINUSE && error != EACCES) {
        return jl_wsa_error(error);
    }
    // JL-23: a fresh port then. It satisfies the clause, and the operator should know what it means.
    log_line(JL_LOG_WARNING,
             fmt::format("udp-mcast: port {} of session {} cannot be had ({}): this member gets another port "
                         "and will not receive the session's datagrams",
                         session.port(), session.text(), std::strerror(error)));
    return bind_implicitly();
}

} // namespace joinleaf::udp_mcast
