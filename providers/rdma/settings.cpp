// SPDX-License-Identifier: Apache-2.0
#include "settings.hpp"

#include <array>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>

namespace joinleaf::rdma {
namespace {

enum row : std::size_t {
    row_engine,
    row_fabric,
    row_polled,
    row_local,
    row_multicast,
    row_join_timeout,
    row_handshake_timeout,
    row_leaf_timeout,
    row_handshake_limit,
    row_send_buffer,
    row_recv_buffer,
    row_slice,
    row_window,
    row_count
};

constexpr std::int64_t millisecond = 1'000'000;
constexpr std::int64_t hour = 3'600'000 * millisecond;
constexpr std::int64_t kib = 1024;
constexpr std::int64_t gib = kib * kib * kib;

constexpr std::array<jl_option, row_count> rows{{
    {sizeof(jl_option), JL_OPTION_CHOICE, "engine", "auto",
     "How RDMA is reached: verbs is librdmacm and libibverbs, ofi is libfabric, on hardware or in software; "
     "auto "
     "takes verbs where a device answers, else ofi.",
     "auto|verbs|ofi", 0, 0},
    {sizeof(jl_option), JL_OPTION_TEXT, "fabric", nullptr,
     "Engine ofi: the libfabric provider to use, as fi_info names it; without it the best one by capability.",
     nullptr, 0, 0},
    {sizeof(jl_option), JL_OPTION_BOOL, "polled", "false",
     "Engine ofi: whether applications poll: libfabric then rings no descriptor, which makes small messages "
     "faster; "
     "who waits all the same is woken by its peers, over TCP.",
     nullptr, 0, 0},
    {sizeof(jl_option), JL_OPTION_TEXT, "local",
     nullptr, "The IPv4 or IPv6 address of the device to use; sockets of that family that are bound to no address get it.",
     nullptr, 0, 0},
    {sizeof(jl_option), JL_OPTION_TEXT, "multicast", nullptr,
     "An IPv4 or IPv6 multicast group to which roots of that family send once for all leaves that hear it; "
     "what a leaf "
     "misses, and everything for leaves that cannot hear it, goes by their connections.",
     nullptr, 0, 0},
    {sizeof(jl_option), JL_OPTION_DURATION, "join_timeout",
     "10s", "How long a join may take, the time in the peer's queue of waiting requests included; then WSAETIMEDOUT.",
     nullptr, 10 * millisecond, 24 * hour},
    {sizeof(jl_option), JL_OPTION_DURATION, "handshake_timeout", "5s",
     "How long a peer may stay silent before it is taken for a foreign one: a listener drops it, a joiner "
     "gets "
     "WSAECONNREFUSED.",
     nullptr, 10 * millisecond, hour},
    {sizeof(jl_option), JL_OPTION_DURATION, "leaf_timeout", "10s",
     "How long a leaf may take nothing while it holds the whole session up, or while a closed socket still "
     "has data "
     "for it, before it is dropped.",
     nullptr, 10 * millisecond, 24 * hour},
    {sizeof(jl_option), JL_OPTION_INTEGER, "handshake_limit", "1024",
     "How many connections of one listener may be in the handshake; beyond it the oldest is dropped.",
     nullptr, 1, 1'000'000},
    {sizeof(jl_option), JL_OPTION_SIZE, "send_buffer", "2MiB",
     "Bytes of a socket's log, which every receiver reads at its own pace; when the slowest is that far "
     "behind, sends "
     "wait.",
     nullptr, 64 * kib, gib},
    {sizeof(jl_option), JL_OPTION_SIZE, "recv_buffer", "4MiB",
     "Bytes of messages that wait for the application before their senders are held back.", nullptr, 64 * kib,
     gib},
    {sizeof(jl_option), JL_OPTION_SIZE, "slice", "66KiB",
     "Bytes of the largest piece that is sent at once, and of each receive buffer.", nullptr, kib,
     16 * kib* kib},
    {sizeof(jl_option), JL_OPTION_INTEGER, "window", "16", "Receive buffers for each member of a session.",
     nullptr, 4, 4096},
}};

constexpr auto pointers = provider::pointers_to(rows);

} // namespace

std::span<const jl_option* const> option_table() noexcept {
    return pointers;
}

namespace {

// Size 0: not given. What it is not, is told with its place in the file.
address read_address(const provider::options& values, row which, bool (*fits)(const address&),
                     const char* what) {
    const std::string text(values.text(which));
    if (text.empty()) {
        return {};
    }
    const address out = address::parse(text);
    if (out.size == 0 || !fits(out)) {
        throw std::system_error(EINVAL, std::generic_category(),
                                fmt::format("option {}: \"{}\" is no {} ({})", rows.at(which).key, text, what,
                                            values.at(which).where));
    }
    return out;
}

} // namespace

settings read_settings(const jl_create& create) {
    const provider::options values(create);
    settings out{};
    out.engine = values.text(row_engine);
    out.fabric = values.text(row_fabric);
    out.polled = values.flag(row_polled);
    out.local = read_address(
        values, row_local, [](const address&) { return true; }, "IPv4 or IPv6 address");
    out.multicast = read_address(
        values, row_multicast, [](const address& a) { return a.is_multicast(); },
        "IPv4 or IPv6 multicast group");
    out.group = values.text(row_multicast);
    out.join_timeout = values.duration(row_join_timeout);
    out.handshake_timeout = values.duration(row_handshake_timeout);
    out.leaf_timeout = values.duration(row_leaf_timeout);
    out.handshake_limit = values.number<std::size_t>(row_handshake_limit);
    out.send_buffer = values.number<std::size_t>(row_send_buffer);
    out.recv_buffer = values.number<std::size_t>(row_recv_buffer);
    out.slice = values.number<std::size_t>(row_slice);
    out.window = values.number<std::uint32_t>(row_window);
    return out;
}

} // namespace joinleaf::rdma
