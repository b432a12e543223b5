// SPDX-License-Identifier: Apache-2.0
#include "scratch_socket.hpp"

#include <poll.h>

#include <array>

namespace joinleaf::udp_mcast::test {

namespace {

std::uint64_t next_op() {
    static std::uint64_t last = 0;
    return ++last;
}

} // namespace

bool add_wire(const std::string& name, const std::string& address, std::string& why) {
    const auto other = name + "x";
    const unsigned prefix = address.find(':') != std::string::npos ? 64 : 24;
    return joinleaf::test::add_link_pair(name, other, why) &&
           joinleaf::test::set_link(name, IFF_UP, 0, why) &&
           joinleaf::test::set_link(other, IFF_UP, 0, why) &&
           joinleaf::test::add_address(name, address, prefix, why);
}

place::place(const std::string& host, std::uint16_t port, unsigned scope) {
    auto& four = reinterpret_cast<sockaddr_in&>(bytes_);
    auto& six = reinterpret_cast<sockaddr_in6&>(bytes_);
    if (::inet_pton(AF_INET, host.c_str(), &four.sin_addr) == 1) {
        four.sin_family = AF_INET;
        four.sin_port = htons(port);
    } else if (::inet_pton(AF_INET6, host.c_str(), &six.sin6_addr) == 1) {
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(port);
        six.sin6_scope_id = scope;
    } else {
        ADD_FAILURE() << host << " is no address";
    }
}

std::uint32_t place::length() const {
    return bytes_.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

std::uint16_t place::port() const {
    return ntohs(bytes_.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(bytes_).sin6_port
                                              : reinterpret_cast<const sockaddr_in&>(bytes_).sin_port);
}

std::string place::host() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (bytes_.ss_family == AF_INET6) {
        ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(bytes_).sin6_addr, text.data(),
                    text.size());
    } else {
        ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(bytes_).sin_addr, text.data(), text.size());
    }
    return text.data();
}

scratch_socket::scratch_socket(const yaml_entry& entry, int family, std::uint32_t flags) {
    jl_open open{};
    open.struct_size = sizeof open;
    open.protocol_index = family == AF_INET6 ? 1 : 0;
    open.family = family;
    open.type = SOCK_DGRAM;
    open.protocol = IPPROTO_UDP;
    open.flags = flags;
    open.fd = -1;
    auto* const handle = reinterpret_cast<jl_handle*>(this);
    EXPECT_EQ(ops().open(entry.get(), handle, &open, &endpoint_), 0);
    EXPECT_EQ(open.fd_kind, JL_FD_OWN);
    fd_ = open.fd;
}

scratch_socket::~scratch_socket() {
    if (endpoint_ == nullptr) {
        return;
    }
    const int before = heard().closed;
    ops().close(endpoint_, JL_CLOSE_GRACEFUL);
    EXPECT_EQ(heard().closed, before + 1);
    ::close(fd_);
}

std::int32_t scratch_socket::bind(const place& name) {
    return ops().bind(endpoint_, name.get(), name.length());
}

std::int32_t scratch_socket::join(const place& session, std::uint32_t direction) {
    jl_join join{};
    join.struct_size = sizeof join;
    join.direction = direction;
    join.op = next_op();
    join.name = session.get();
    join.name_len = session.length();
    return outcome(ops().join(endpoint_, &join), join.op);
}

std::int32_t scratch_socket::connect(const place& peer) {
    jl_join join{};
    join.struct_size = sizeof join;
    join.direction = JL_BOTH;
    join.op = next_op();
    join.name = peer.get();
    join.name_len = peer.length();
    return outcome(ops().connect(endpoint_, &join), join.op);
}

std::int32_t scratch_socket::outcome(std::int32_t code, std::uint64_t op) {
    constexpr std::int32_t not_exactly_one = 9999;
    const auto& told = heard().outcomes[op];
    if (code != 0) {
        return told.empty() ? code : not_exactly_one;
    }
    return told.size() == 1 ? told.front() : not_exactly_one;
}

std::int32_t scratch_socket::send(std::string_view text) {
    iovec piece{const_cast<char*>(text.data()), text.size()};
    jl_msg message{&piece, 1, 0, nullptr, 0, 0, 0};
    std::uint32_t done = 0;
    const auto code = ops().tx(endpoint_, &message, 1, &done);
    EXPECT_EQ(done, code == 0 ? 1U : 0U);
    EXPECT_EQ(message.size, code == 0 ? text.size() : 0U);
    return code;
}

std::int32_t scratch_socket::send(std::string_view text, const place& to) {
    iovec piece{const_cast<char*>(text.data()), text.size()};
    jl_msg message{&piece, 1, 0, const_cast<sockaddr*>(to.get()), to.length(), 0, 0};
    std::uint32_t done = 0;
    return ops().tx(endpoint_, &message, 1, &done);
}

received scratch_socket::receive(std::size_t room, std::uint32_t flags) {
    received got;
    got.text.resize(room);
    iovec piece{got.text.data(), room};
    jl_msg message{&piece, 1, flags, got.from.get(), sizeof(sockaddr_storage), 0, 0};
    std::uint32_t done = 0;
    got.code = ops().rx(endpoint_, &message, 1, &done, &got.left);
    EXPECT_EQ(done, got.code == 0 ? 1U : 0U);
    got.text.resize(message.size);
    got.flags = message.flags;
    return got;
}

received scratch_socket::next(std::size_t room) {
    pollfd wanted{fd_, POLLIN, 0};
    ::poll(&wanted, 1, 2000);
    return receive(room);
}

bool scratch_socket::is_quiet() {
    pollfd wanted{fd_, POLLIN, 0};
    std::int32_t code = 0;
    return ::poll(&wanted, 1, 0) == 0 && ops().arm(endpoint_, JL_IN, &code) == JL_ARMED &&
           receive().code == WSAEWOULDBLOCK;
}

place scratch_socket::name(std::uint32_t peer, std::int32_t* code) {
    place found;
    std::uint32_t length = sizeof(sockaddr_storage);
    const auto outcome = ops().name(endpoint_, peer, found.get(), &length);
    if (code != nullptr) {
        *code = outcome;
    } else {
        EXPECT_EQ(outcome, 0);
    }
    return found;
}

std::int32_t scratch_socket::control(std::uint32_t code, std::int32_t value) {
    std::uint32_t bytes = 99;
    const auto outcome = ops().ioctl(endpoint_, code, &value, sizeof value, nullptr, 0, &bytes);
    EXPECT_EQ(bytes, 0U);
    return outcome;
}

} // namespace joinleaf::udp_mcast::test
