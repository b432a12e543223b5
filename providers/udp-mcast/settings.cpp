// SPDX-License-Identifier: Apache-2.0
#include "settings.hpp"

#include "network_interface.hpp"

#include <fmt/format.h>

#include <net/if.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstddef>
#include <iterator>

namespace joinleaf::udp_mcast {

namespace {

enum row : std::size_t {
    row_interface,
    row_ttl,
    row_loopback,
    row_receive_buffer,
    row_send_buffer,
    row_sources,
    row_reuse,
    row_offload,
    row_coalesce,
    row_coalesce_delay,
    row_gather,
    row_sequence,
    row_fragment,
    row_count
};

constexpr jl_option option(std::uint32_t type, const char* key, const char* fallback, const char* help,
                           std::int64_t minimum = 0, std::int64_t maximum = 0) {
    return {sizeof(jl_option), type, key, fallback, help, nullptr, minimum, maximum};
}

// The kernel doubles a buffer size and keeps it in an int.
constexpr std::int64_t largest_buffer = INT_MAX / 2;

// Room for a header and one small message; what the kernel sends as one datagram.
constexpr std::int64_t smallest_packed = 64;
constexpr std::int64_t largest_packed = 65'000;
constexpr std::int64_t longest_delay = 1'000'000'000; // nanoseconds

constexpr std::array<jl_option, row_count> rows{
    option(JL_OPTION_TEXT, "interface", nullptr,
           "Interface for sending and joining: its name, index or one of its addresses; without it the "
           "routing table decides."),
    option(JL_OPTION_INTEGER, "ttl", "1",
           "Router hops that group datagrams may take; 0 keeps them on this host, 1 on the local network.", 0,
           255),
    option(JL_OPTION_BOOL, "loopback", "true",
           "Whether a socket receives group datagrams of senders on this host, its own included; an "
           "application may change it."),
    option(JL_OPTION_SIZE, "rcvbuf", nullptr, "Receive buffer of a socket; without it the kernel's default.",
           1, largest_buffer),
    option(JL_OPTION_SIZE, "sndbuf", nullptr, "Send buffer of a socket; without it the kernel's default.", 1,
           largest_buffer),
    option(JL_OPTION_LIST, "sources", nullptr,
           "Addresses of the only senders whose datagrams a join admits (source-specific multicast); without "
           "it every sender."),
    option(
        JL_OPTION_BOOL, "reuse", "true",
        "Whether a socket that a join binds to the port of the session shares that port with other sockets."),
    option(JL_OPTION_BOOL, "offload", "true",
           "Whether datagrams of equal size that are sent together cross the stack as one super-packet "
           "(UDP_SEGMENT, UDP_GRO), where the kernel and the device can do that."),
    option(
        JL_OPTION_SIZE, "coalesce", nullptr,
        "Size of the datagrams into which small messages to the session are packed, with a header that all "
        "members must expect; without it each message is a datagram.",
        smallest_packed, largest_packed),
    option(
        JL_OPTION_DURATION, "coalesce_delay", "100us",
        "How long a message that closely follows another waits for more to be packed with; one after a pause "
        "leaves at once.",
        0, longest_delay),
    option(JL_OPTION_DURATION, "gather", "50us",
           "How long a message waits for others to leave with while a program does nothing but send to the "
           "session; one "
           "after a pause leaves at once, and with 0us each does.",
           0, longest_delay),
    option(JL_OPTION_BOOL, "sequence", "false",
           "Whether messages to the session are numbered, by a header that all members must expect, so that "
           "what is missing is counted and can be told."),
    option(JL_OPTION_BOOL, "fragment", "false",
           "Whether a multipoint socket may send datagrams that are longer than the network takes uncut; "
           "without it "
           "they fail with WSAEMSGSIZE."),
};

constexpr auto row_table = provider::pointers_to(rows);

tl::expected<address, refusal> read_source(const char* text, const std::vector<address>& before,
                                           const char* where) {
    const auto refuse = [&](std::string_view what) {
        return tl::make_unexpected(refusal{WSAEINVAL, fmt::format("{}: source '{}' {}", where, text, what)});
    };
    const auto source = parse_address(text);
    if (!source) {
        return refuse("is no IPv4 or IPv6 address; a sender is named by its numeric address");
    }
    if (source->is_multicast()) {
        return refuse("is a group; a sender has a unicast address");
    }
    if (source->is_any() ||
        (source->family() == AF_INET && source->four.sin_addr.s_addr == INADDR_BROADCAST)) {
        return refuse("is not the address of one sender");
    }
    if (std::ranges::any_of(before, [&](const address& one) { return one.same_host(*source); })) {
        return refuse("is listed twice");
    }
    return *source;
}

// The address that names the interface is that of its datagrams. On `lo` the kernel would take one of another
// interface.
in_addr source_on(const network_interface& chosen, std::string_view text) {
    const auto named = parse_address(text);
    if (named) {
        return named->family() == AF_INET ? named->four.sin_addr : in_addr{};
    }
    const auto four = std::ranges::find(chosen.addresses, AF_INET, &address::family);
    const bool is_needed = (chosen.flags & IFF_LOOPBACK) != 0 && four != chosen.addresses.end();
    return is_needed ? four->four.sin_addr : in_addr{};
}

} // namespace

std::vector<address> settings::sources_of(int family) const {
    std::vector<address> found;
    std::ranges::copy_if(sources, std::back_inserter(found),
                         [&](const address& one) { return one.family() == family; });
    return found;
}

std::span<const jl_option* const> option_table() noexcept {
    return row_table;
}

tl::expected<settings, refusal> read_settings(const jl_create& create) {
    if (create.value_count < row_count) {
        return tl::make_unexpected(
            refusal{WSAEINVAL, fmt::format("expected the values of {} options, got {}",
                                           std::size_t{row_count}, create.value_count)});
    }
    const provider::options values(create);
    settings made;
    made.ttl = values.number<int>(row_ttl);
    made.loopback = values.flag(row_loopback);
    made.reuse = values.flag(row_reuse);
    made.offload = values.flag(row_offload);
    made.coalesce = values.number<std::size_t>(row_coalesce);
    made.coalesce_delay = values.duration(row_coalesce_delay);
    made.gather = values.duration(row_gather);
    made.sequence = values.flag(row_sequence);
    made.fragment = values.flag(row_fragment);
    made.receive_buffer = values.number<int>(row_receive_buffer);
    made.send_buffer = values.number<int>(row_send_buffer);
    if (values.given(row_interface)) {
        const auto chosen = choose_interface(values.text(row_interface), values.at(row_interface).where);
        if (!chosen) {
            return tl::make_unexpected(chosen.error());
        }
        made.interface = chosen->name;
        made.source = source_on(*chosen, values.text(row_interface));
    }
    for (const char* text : values.list(row_sources)) {
        const auto source = read_source(text, made.sources, values.at(row_sources).where);
        if (!source) {
            return tl::make_unexpected(source.error());
        }
        made.sources.push_back(*source);
    }
    return made;
}

} // namespace joinleaf::udp_mcast
