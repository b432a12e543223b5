// SPDX-License-Identifier: Apache-2.0
//
// The network interfaces of this host and the choice of one by name, index or address. Every function is
// [any].
#pragma once

#include "address.hpp"
#include "base.hpp"

#include <tl/expected.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace joinleaf::udp_mcast {

struct network_interface {
    std::string name;
    unsigned index = 0; // never 0 in a list
    unsigned flags = 0; // IFF_*
    std::vector<address> addresses;

    // The loopback interface does, although its flags deny it on most hosts.
    [[nodiscard]] bool carries_multicast() const noexcept;
};

// All of them, in the kernel's order; empty when the kernel does not tell.
std::vector<network_interface> list_interfaces();

// Makes an interface the one by which a socket sends multicast, with that source address (INADDR_ANY: the
// kernel's choice; IPv4 only). 0 or an errno.
int send_multicast_by(int fd, int family, unsigned index, in_addr source) noexcept;

// Whether it is this host alone.
bool is_loopback(unsigned index) noexcept;

// The index of the interface that has this local address; 0: none has it.
unsigned interface_of(const address& local);

// Winsock writes an interface as one of its addresses, or as its index in 0.0.0.0/8 (0.0.0.0: none in
// particular, which is index 0). Nothing: no such interface.
std::optional<unsigned> named_interface(in_addr which);

// The interface that `text` means: its name, its index, or one of its addresses, in that order. Refused, with
// a sentence that begins with `where` and lists those that would do: WSAENETDOWN when there is none or it is
// down, WSAEINVAL when it carries no multicast.
tl::expected<network_interface, refusal> choose_interface(std::string_view text, std::string_view where);

} // namespace joinleaf::udp_mcast
