// SPDX-License-Identifier: Apache-2.0
//
// Joining a session, and the destination of a send that names none.
#include "endpoint.hpp"

#include <fmt/format.h>

#include <net/if.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace joinleaf::udp_mcast {

namespace {

// ER-20, ER-30: whatever says that the group cannot be reached is one code; the interface that was asked for and is
// there no more is another (ER-12).
std::int32_t join_code(unsigned link, int error) noexcept {
    if (error == ENODEV && link != 0) {
        return WSAENETDOWN;
    }
    return error == EHOSTUNREACH || error == ENODEV ? WSAENETUNREACH : jl_wsa_error(error);
}

std::string why_not_joined(const address& session, unsigned link, int error) {
    if (link == 0 && error == ENODEV) {
        return fmt::format(
            "no interface leads to group {}: name one by the option 'interface', or add a route",
            session.text());
    }
    std::array<char, IF_NAMESIZE> name{};
    const bool named = link != 0 && ::if_indextoname(link, name.data()) != nullptr;
    const auto where =
        link == 0 ? "" : fmt::format(" on interface '{}'", named ? name.data() : std::to_string(link));
    const char* hint =
        error == ENOBUFS ? " (the sysctls net.ipv4.igmp_max_memberships and igmp_max_msf limit it)" : "";
    return fmt::format("group {} cannot be joined{}: {}{}", session.text(), where, std::strerror(error), hint);
}

} // namespace

void endpoint::finish(std::uint64_t op, std::int32_t code) const {
    jl_outcome outcome{};
    outcome.struct_size = sizeof outcome;
    outcome.code = code;
    host().complete(handle_, op, &outcome);
}

std::int32_t endpoint::join(const jl_join* join) {
    const auto session = address_from(join->name, join->name_len);
    if (!session.is_multicast() || session.port() == 0) {
        explain(
            fmt::format("{} is no session of this transport: a session is a multicast address with a port",
                        session.text(true)));
        return WSAEADDRNOTAVAIL; // JL-07, JL-08
    }
    const bool receives = join->direction != JL_SENDER_ONLY;
    if (const auto code = bind_for(session, receives); code != 0) {
        return code;
    }
    std::int32_t code = session.scope() != 0 ? use_link(session.scope()) : 0;
    if (code == 0) {
        code = receives ? become_member(session) : receive_nothing();
    }
    if (code == 0) {
        session_ = session;
        aim_at(session);
        space();
    }
    finish(join->op, code);
    return 0;
}

// JL-91: a sender is no member and gets nothing; nothing piles up on its descriptor either.
std::int32_t endpoint::receive_nothing() {
    auto filter = groups_.filter();
    filter.nothing = true;
    return put_filter(std::move(filter));
}

std::int32_t endpoint::become_member(const address& session) {
    const auto sources = owner_.options().sources_of(family_);
    int error = 0;
    if (!owner_.options().sources.empty() && sources.empty()) {
        explain(fmt::format("the option 'sources' names no sender of {}'s address family", session.text()));
        return WSAEADDRNOTAVAIL;
    }
    if (sources.empty()) {
        error = groups_.add(session, link_);
    } else {
        error = admit(session, sources);
    }
    // A BSD option of the application may have been first (IO-29).
    if (error == 0 || error == EADDRINUSE) {
        return 0;
    }
    explain(why_not_joined(session, link_, error));
    return join_code(link_, error);
}

// All senders or none.
int endpoint::admit(const address& session, const std::vector<address>& sources) {
    std::vector<address> added;
    for (const auto& source : sources) {
        const int error = groups_.add_source(session, source, link_);
        if (error == 0) {
            added.push_back(source);
        } else if (error != EADDRNOTAVAIL) {
            for (const auto& one : added) {
                groups_.drop_source(session, one, link_);
            }
            return error;
        }
    }
    return 0;
}

std::int32_t endpoint::connect(const jl_join* join) {
    let_go();
    const auto peer = address_from(join->name, join->name_len);
    if (!peer.is_any() && peer.port() == 0) {
        return WSAEADDRNOTAVAIL;
    }
    if (local().port() == 0) {
        if (const auto code = bind_implicitly(); code != 0) {
            return code;
        }
    }
    finish(join->op, set_peer(peer));
    return 0;
}

void endpoint::aim_at(const address& destination) {
    destination_ = destination;
    aims_at_session_ = session_ && destination.length == session_.length &&
                       std::memcmp(&destination.six, &session_.six, session_.length) == 0;
}

// An address of zeros takes the peer away, as WSAConnect does. A leaf's peer is the destination of its sends
// and never a filter of what it receives (JL-36, JL-94), so only an ordinary socket is connected in the
// kernel.
std::int32_t endpoint::set_peer(const address& peer) {
    if (multipoint_) {
        aim_at(peer.is_any() ? session_ : peer);
        return 0;
    }
    // The kernel would keep the source address that suited the former peer.
    int error = dissolve();
    if (error == 0 && !peer.is_any() && ::connect(fd_, &peer.any, peer.length) != 0) {
        error = errno;
    }
    return jl_wsa_error(error);
}

// 0 or an errno. The kernel gives an unasked-for port back with the peer; the application has seen it and
// keeps it.
int endpoint::dissolve() {
    const auto before = local();
    sockaddr none{};
    none.sa_family = AF_UNSPEC;
    if (::connect(fd_, &none, sizeof none) != 0) {
        return errno;
    }
    if (local().port() != 0) {
        return 0;
    }
    const auto again = any_address(family_, before.port());
    return ::bind(fd_, &again.any, again.length) == 0 ? 0 : errno;
}

} // namespace joinleaf::udp_mcast
