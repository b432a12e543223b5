// SPDX-License-Identifier: Apache-2.0
#include "settings.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace joinleaf::tcp_root {
namespace {

enum row : std::size_t {
    row_join_timeout,
    row_handshake_timeout,
    row_leaf_timeout,
    row_handshake_limit,
    row_send_buffer,
    row_recv_buffer,
    row_slow_leaf,
    row_slow_leaf_bytes,
    row_slow_leaf_time,
    row_heartbeat,
    row_heartbeat_timeout,
    row_count
};

constexpr std::int64_t millisecond = 1'000'000;
constexpr std::int64_t hour = 3'600'000 * millisecond;
constexpr std::int64_t kib = 1024;
constexpr std::int64_t gib = kib * kib * kib;

constexpr std::array<jl_option, row_count> rows{{
    {sizeof(jl_option), JL_OPTION_DURATION, "join_timeout",
     "10s", "How long a join may take, the time in the peer's queue of waiting requests included; then WSAETIMEDOUT.",
     nullptr, 10 * millisecond, 24 * hour},
    {sizeof(jl_option), JL_OPTION_DURATION, "handshake_timeout", "5s",
     "How long a TCP peer may stay silent before it is taken for a foreign one: a listener drops it, a "
     "joiner gets WSAECONNREFUSED.",
     nullptr, 10 * millisecond, hour},
    {sizeof(jl_option), JL_OPTION_DURATION, "leaf_timeout", "10s",
     "How long a leaf may take nothing while a closed socket still has data for it, before it is dropped.",
     nullptr, 10 * millisecond, 24 * hour},
    {sizeof(jl_option), JL_OPTION_INTEGER, "handshake_limit", "1024",
     "How many connections of one listener may be in the handshake; beyond it the oldest that has said "
     "nothing complete is dropped.",
     nullptr, 1, 1'000'000},
    {sizeof(jl_option), JL_OPTION_SIZE, "send_buffer", "8MiB",
     "Bytes of the session's log, which every leaf reads at its own pace; when the slowest leaf is that far "
     "behind, sends wait.",
     nullptr, 64 * kib, gib},
    {sizeof(jl_option), JL_OPTION_SIZE, "recv_buffer", "4MiB",
     "Bytes of messages from leaves that wait for the root's application before the leaves are held back.",
     nullptr, 64 * kib, gib},
    {sizeof(jl_option), JL_OPTION_CHOICE, "slow_leaf", "block",
     "What is done about a leaf that does not keep up: sends wait for it, it misses the newest or the oldest "
     "messages, or it is put out.",
     "block|drop_newest|drop_oldest|disconnect", 0, 0},
    {sizeof(jl_option), JL_OPTION_SIZE, "slow_leaf_bytes", nullptr,
     "Bytes that may wait for one leaf, at most send_buffer, which they are where none are given.", nullptr,
     0, gib},
    {sizeof(jl_option), JL_OPTION_DURATION, "slow_leaf_time", nullptr,
     "How long the oldest message may wait for one leaf; with block, how long a send may wait for it before "
     "it "
     "is put out. Where none is given, leaf_timeout.",
     nullptr, 0, 24 * hour},
    {sizeof(jl_option), JL_OPTION_DURATION, "heartbeat", "5s",
     "A connection on which nothing was sent for so long carries a sign of life; 0s: none.", nullptr, 0,
     600'000 * millisecond},
    {sizeof(jl_option), JL_OPTION_DURATION, "heartbeat_timeout", "20s",
     "A peer that gives signs of life and was silent for so long is taken for dead; 0s: never.", nullptr, 0,
     24 * hour},
}};

constexpr auto row_table = provider::pointers_to(rows);

} // namespace

std::span<const jl_option* const> option_table() noexcept {
    return row_table;
}

settings read_settings(const jl_create& create) {
    const provider::options values(create);
    settings out{};
    out.join_timeout = values.duration(row_join_timeout);
    out.handshake_timeout = values.duration(row_handshake_timeout);
    out.leaf_timeout = values.duration(row_leaf_timeout);
    out.handshake_limit = values.number<std::size_t>(row_handshake_limit);
    out.send_buffer = values.number<std::size_t>(row_send_buffer);
    out.recv_buffer = values.number<std::size_t>(row_recv_buffer);
    out.slow_leaf.what = static_cast<slow_rule::policy>(values.number(row_slow_leaf) + 1);
    const auto bytes = values.number<std::size_t>(row_slow_leaf_bytes);
    out.slow_leaf.bytes = bytes == 0 ? out.send_buffer : std::min(bytes, out.send_buffer);
    const auto time = values.duration(row_slow_leaf_time);
    out.slow_leaf.time = time.count() == 0 ? out.leaf_timeout : time;
    out.heartbeat = values.duration(row_heartbeat);
    out.heartbeat_timeout = values.duration(row_heartbeat_timeout);
    return out;
}

// In units of 10 ms, rounded up; what a timer and a busy machine add is the judge's to allow for.
std::uint16_t settings::beat() const noexcept {
    constexpr std::chrono::milliseconds unit{10};
    const auto units = (heartbeat + unit - std::chrono::nanoseconds(1)) / unit;
    return static_cast<std::uint16_t>(std::min<std::int64_t>(units, 0xFFFF));
}

std::int32_t load_slow_rule(const void* value, std::uint32_t size, const settings& limits,
                            slow_rule& rule) noexcept {
    jl_slow_leaf asked{};
    if (size < sizeof asked) {
        return WSAEFAULT;
    }
    std::memcpy(&asked, value, sizeof asked);
    if (asked.policy > JL_SLOW_LEAF_DISCONNECT) {
        return WSAEINVAL;
    }
    if (asked.policy != 0) {
        rule.what = static_cast<slow_rule::policy>(asked.policy);
    }
    if (asked.bytes != 0) {
        rule.bytes = static_cast<std::size_t>(std::min<std::uint64_t>(asked.bytes, limits.send_buffer));
    }
    if (asked.milliseconds != 0) {
        rule.time = std::chrono::milliseconds(asked.milliseconds);
    }
    return 0;
}

std::int32_t store_slow_rule(const slow_rule& rule, void* value, std::uint32_t* size) noexcept {
    jl_slow_leaf out{};
    if (*size < sizeof out) {
        return WSAEFAULT;
    }
    out.policy = static_cast<DWORD>(rule.what);
    out.milliseconds =
        static_cast<DWORD>(std::chrono::duration_cast<std::chrono::milliseconds>(rule.time).count());
    out.bytes = rule.bytes;
    std::memcpy(value, &out, sizeof out);
    *size = sizeof out;
    return 0;
}

} // namespace joinleaf::tcp_root
