// SPDX-License-Identifier: Apache-2.0
//
// Options and ioctls: those the runtime keeps are answered here, the rest goes to the provider.
#include <cstring>

#include <joinleaf/ext.h>

#include "runtime/catalog/protocol_info.hpp"
#include "runtime/socket/socket_object.hpp"

namespace joinleaf::socket {
namespace {

// A value of exactly this type out of the application's bytes.
template <class T> bool load(const void* value, int len, T& out) noexcept {
    if (value == nullptr || len < static_cast<int>(sizeof(T))) {
        return false;
    }
    std::memcpy(&out, value, sizeof(T));
    return true;
}

template <class T> std::int32_t store(const T& what, void* value, int* len) noexcept {
    if (value == nullptr || len == nullptr || *len < static_cast<int>(sizeof(T))) {
        return WSAEFAULT;
    }
    std::memcpy(value, &what, sizeof(T));
    *len = static_cast<int>(sizeof(T));
    return 0;
}

// Timeouts are a DWORD of milliseconds in Winsock and a timeval on the host: both are taken, told apart by
// their size.
bool load_timeout(const void* value, int len, std::atomic<std::chrono::milliseconds>& out) noexcept {
    timeval host{};
    if (load(value, len, host)) {
        out = std::chrono::ceil<std::chrono::milliseconds>(std::chrono::seconds(host.tv_sec) +
                                                           std::chrono::microseconds(host.tv_usec));
        return true;
    }
    DWORD winsock = 0;
    if (!load(value, len, winsock)) {
        return false;
    }
    out = std::chrono::milliseconds(winsock);
    return true;
}

std::int32_t store_timeout(std::chrono::milliseconds timeout, void* value, int* len) noexcept {
    if (len != nullptr && *len >= static_cast<int>(sizeof(timeval))) {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
        return store(timeval{seconds.count(), std::chrono::microseconds(timeout - seconds).count()}, value,
                     len);
    }
    return store(static_cast<DWORD>(timeout.count()), value, len);
}

} // namespace

std::int32_t socket_object::set_option(int level, int name, const void* value, int len) {
    if (level == SOL_SOCKET) {
        if (const auto own = set_own_option(name, value, len)) {
            return *own;
        }
    }
    if (level == JL_SOL_JOINLEAF && name == JL_SO_GAP_NOTIFY) {
        return set_gap_notify(value, len);
    }
    if (value == nullptr || len <= 0) {
        return WSAEFAULT;
    }
    if (ops().set_option == nullptr) {
        return WSAENOPROTOOPT;
    }
    std::int32_t code = 0;
    {
        const std::lock_guard guard(guard_out_);
        code = ops().set_option(endpoint_, level, name, value, static_cast<std::uint32_t>(len));
    }
    if (int flag = 0; code == 0 && level == SOL_SOCKET && name == SO_OOBINLINE && load(value, len, flag)) {
        const std::lock_guard hold(lock_);
        urgent_inline_ = flag != 0;
    }
    if (code == 0) {
        keep_for_connection(level, name, value, len);
    }
    const bool too_short = len < static_cast<int>(sizeof(int));
    return code == WSAEINVAL && too_short ? WSAEFAULT : code;
}

// An ordinary socket may be filled by AcceptEx, and keeps its options then.
void socket_object::keep_for_connection(int level, int name, const void* value, int len) {
    const std::lock_guard hold(lock_);
    if (connectionless() || multipoint() || bound_ || connection_ != connection::none) {
        return;
    }
    const auto* const bytes = static_cast<const std::byte*>(value);
    auto& all = seating_.edit().given_options;
    std::erase_if(all, [&](const auto& one) { return one.level == level && one.name == name; });
    all.push_back({level, name, {bytes, bytes + len}});
}

std::int32_t socket_object::set_gap_notify(const void* value, int len) {
    BOOL wanted = FALSE;
    if (!load(value, len, wanted)) {
        return WSAEFAULT;
    }
    gap_notify_ = wanted != FALSE;
    return 0;
}

// Empty: not one of the runtime's own.
std::optional<std::int32_t> socket_object::set_own_option(int name, const void* value, int len) {
    int flag = 0;
    switch (name) {
    case SO_LINGER: {
        struct linger asked {};
        return load(value, len, asked) ? set_linger(asked) : WSAEFAULT;
    }
    case SO_DONTLINGER: {
        if (!load(value, len, flag)) {
            return WSAEFAULT;
        }
        struct linger asked {};
        {
            const std::lock_guard hold(lock_);
            asked = linger_;
        }
        asked.l_onoff = flag == 0 ? 1 : 0; // LC-10
        return set_linger(asked);
    }
    case SO_SNDTIMEO:
    case SO_RCVTIMEO: {
        const std::lock_guard hold(lock_);
        return load_timeout(value, len, name == SO_SNDTIMEO ? send_timeout_ : receive_timeout_) ? 0
                                                                                                : WSAEFAULT;
    }
    case SO_EXCLUSIVEADDRUSE: {
        const std::lock_guard hold(lock_);
        if (!load(value, len, flag)) {
            return WSAEFAULT;
        }
        if (bound_) {
            return WSAEINVAL;
        }
        exclusive_ = flag != 0;
        return 0;
    }
    case SO_CONDITIONAL_ACCEPT: {
        const std::lock_guard hold(lock_);
        if (!load(value, len, flag)) {
            return WSAEFAULT;
        }
        if (listening_) {
            return WSAEINVAL;
        }
        conditional_accept_ = flag != 0;
        return 0;
    }
    case SO_REUSEADDR: {
        const std::lock_guard hold(lock_);
        if (load(value, len, flag) && flag != 0 && exclusive_) {
            return WSAEINVAL; // the two exclude each other
        }
        return std::nullopt;
    }
    case SO_UPDATE_ACCEPT_CONTEXT: {
        SOCKET listener = INVALID_SOCKET;
        return load(value, len, listener) ? take_context_of(listener) : WSAEFAULT;
    }
    case SO_UPDATE_CONNECT_CONTEXT: { // all that it brings on Windows is there already
        const std::lock_guard hold(lock_);
        return connection_ == connection::established ? 0 : WSAENOTCONN;
    }
    case SO_TYPE:
    case SO_ERROR:
    case SO_ACCEPTCONN:
    case SO_MAX_MSG_SIZE:
    case SO_PROTOCOL_INFOA:
    case SO_PROTOCOL_INFOW:
    case SO_CONNECT_TIME:
    case SO_GROUP_ID:
    case SO_GROUP_PRIORITY: return WSAENOPROTOOPT;
    default: return std::nullopt;
    }
}

std::int32_t socket_object::set_linger(const struct linger& asked) {
    {
        const std::lock_guard hold(lock_);
        linger_ = asked;
    }
    if (ops().set_option != nullptr) { // a kernel socket lingers by itself
        const std::lock_guard guard(guard_out_);
        ops().set_option(endpoint_, SOL_SOCKET, SO_LINGER, &asked, sizeof asked);
    }
    return 0;
}

std::int32_t socket_object::get_option(int level, int name, void* value, int* len) {
    if (value == nullptr || len == nullptr || *len <= 0) {
        return WSAEFAULT;
    }
    if (level == SOL_SOCKET) {
        if (const auto own = get_own_option(name, value, len)) {
            return *own;
        }
    }
    if (level == JL_SOL_JOINLEAF && name == JL_SO_GAP_NOTIFY) {
        return store(static_cast<BOOL>(gap_notify_.load() ? TRUE : FALSE), value, len);
    }
    auto room = static_cast<std::uint32_t>(*len);
    std::int32_t code = WSAENOPROTOOPT;
    if (ops().get_option != nullptr) {
        const std::lock_guard guard(guard_out_);
        code = ops().get_option(endpoint_, level, name, value, &room);
    }
    if (code != 0 && level == SOL_SOCKET && name == SO_ERROR) {
        return store(0, value, len); // a provider that has no descriptor to ask knows of no error
    }
    if (code == 0) {
        *len = static_cast<int>(room);
    }
    return code;
}

std::optional<std::int32_t> socket_object::get_own_option(int name, void* value, int* len) {
    const std::unique_lock hold(lock_);
    switch (name) {
    case SO_TYPE: return store(entry_.protocol->socket_type, value, len);
    case SO_ACCEPTCONN: return store(static_cast<int>(listening_), value, len);
    case SO_LINGER: return store(linger_, value, len);
    case SO_DONTLINGER: return store(static_cast<int>(linger_.l_onoff == 0), value, len);
    case SO_SNDTIMEO: return store_timeout(send_timeout_.load(), value, len);
    case SO_RCVTIMEO: return store_timeout(receive_timeout_.load(), value, len);
    case SO_EXCLUSIVEADDRUSE: return store(static_cast<int>(exclusive_), value, len);
    case SO_CONDITIONAL_ACCEPT: return store(static_cast<int>(conditional_accept_), value, len);
    case SO_MAX_MSG_SIZE:
        return message_oriented() ? store(entry_.protocol->message_size, value, len) : WSAENOPROTOOPT;
    case SO_PROTOCOL_INFOW: return store(entry_.info, value, len);
    case SO_PROTOCOL_INFOA: return store(catalog::to_narrow(entry_.info), value, len);
    case SO_CONNECT_TIME: {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(
            std::chrono::steady_clock::now() - established_at_);
        const bool connected = connection_ == connection::established;
        return store(connected ? static_cast<DWORD>(seconds.count()) : ~DWORD{0}, value, len);
    }
    case SO_GROUP_ID:
    case SO_GROUP_PRIORITY: return store(0, value, len);
    case SO_ERROR: {
        if (error_ == 0) {
            return std::nullopt; // the provider may know of one
        }
        const auto code = store(error_, value, len);
        error_ = code == 0 ? 0 : error_; // read once (ER-33)
        return code;
    }
    default: return std::nullopt;
    }
}

namespace {

// Argument rules of the ioctls that the specification fixes; 0 also for those it does not know.
std::int32_t check_ioctl(DWORD code, std::size_t in, std::size_t out) noexcept {
    switch (code) {
    case FIONBIO:
    case SIO_MULTICAST_SCOPE:
    case SIO_MULTIPOINT_LOOPBACK: return in < 4 ? WSAEFAULT : 0;
    case FIONREAD:
    case SIOCATMARK: return out < 4 ? WSAEFAULT : 0;
    default: return 0;
    }
}

} // namespace

std::int32_t socket_object::ioctl(DWORD code, std::span<const std::byte> in, std::span<std::byte> out,
                                  std::uint32_t& bytes, dispatch::operation* asked) {
    bytes = 0;
    if (const auto wrong = check_ioctl(code, in.size(), out.size()); wrong != 0) {
        return wrong;
    }
    std::int32_t number = 0;
    if (in.size() >= sizeof number) {
        std::memcpy(&number, in.data(), sizeof number);
    }
    switch (code) {
    case FIONBIO: return set_nonblocking(number != 0);
    case SIO_SET_QOS:
    case SIO_GET_QOS: return quality_ioctl(code, in, out, bytes);
    case SIO_SET_GROUP_QOS:
    case SIO_GET_GROUP_QOS: return WSAENOPROTOOPT; // reserved (QS-16)
    case SIO_MULTICAST_SCOPE:
        if (!multipoint() || number < 0 || number > 255) {
            return WSAEINVAL; // IO-27
        }
        break;
    case SIO_MULTIPOINT_LOOPBACK:
        if (!multipoint() || service(XP1_MULTIPOINT_DATA_PLANE)) {
            return WSAEINVAL; // IO-26
        }
        break;
    default:
        if (const auto answered = network_ioctl(code, in, out, bytes, asked)) {
            return *answered;
        }
        break;
    }
    const auto refused = ops().ioctl == nullptr ? unknown_ioctl(code) : provider_ioctl(code, in, out, bytes);
    if (refused == 0 && code == SIO_FLUSH) {
        cancel_in(sends_, JL_OUT, nullptr, nullptr,
                  false); // overlapped sends that wait are unsent data (IO-31)
    }
    return refused;
}

std::int32_t socket_object::quality_ioctl(DWORD code, std::span<const std::byte> in, std::span<std::byte> out,
                                          std::uint32_t& bytes) {
    if (!service(XP1_QOS_SUPPORTED)) {
        return WSAENOPROTOOPT; // QS-08
    }
    QOS qos{};
    if ((code == SIO_SET_QOS ? in.size() : out.size()) < sizeof qos) {
        return WSAEFAULT;
    }
    if (code == SIO_SET_QOS) {
        std::memcpy(&qos, in.data(), sizeof qos);
        return set_qos(qos);
    }
    const auto refused = get_qos(qos);
    if (refused == 0) {
        std::memcpy(out.data(), &qos, sizeof qos);
        bytes = sizeof qos;
    }
    return refused;
}

// The code for what no provider knows: WSAENOPROTOOPT where Winsock does (IO-22), else WSAEINVAL (IO-21).
std::int32_t socket_object::unknown_ioctl(DWORD code) noexcept {
    switch (code) {
    case SIO_ENABLE_CIRCULAR_QUEUEING:
    case SIO_FLUSH:
    case SIO_ASSOCIATE_HANDLE:
    case SIO_TRANSLATE_HANDLE:
    case SIO_FIND_ROUTE:
    case SIO_SET_QOS:
    case SIO_GET_QOS:
    case SIO_GET_BROADCAST_ADDRESS:
    case SIO_MULTICAST_SCOPE:
    case SIO_MULTIPOINT_LOOPBACK: return WSAENOPROTOOPT;
    default: return WSAEINVAL;
    }
}

std::int32_t socket_object::provider_ioctl(DWORD code, std::span<const std::byte> in,
                                           std::span<std::byte> out, std::uint32_t& bytes) {
    std::int32_t result = 0;
    {
        const bool concerns_both = code == SIO_ENABLE_CIRCULAR_QUEUEING;
        const auto receiving = concerns_both ? std::unique_lock(guard_in_) : std::unique_lock<small_mutex>();
        const std::lock_guard guard(guard_out_);
        result = ops().ioctl(endpoint_, code, in.data(), static_cast<std::uint32_t>(in.size()), out.data(),
                             static_cast<std::uint32_t>(out.size()), &bytes);
    }
    if (code == FIONREAD && fd_kind_ == JL_FD_SET) { // it may have read ahead to know
        const std::lock_guard guard(guard_in_);
        if (std::int32_t ended = 0; !provider_ended_) {
            ask_in(ended);
        }
    }
    return result == WSAEOPNOTSUPP ? unknown_ioctl(code) : result;
}

std::int32_t socket_object::statistics(jl_stats& stats) {
    std::int32_t code = 0;
    if (ops().stats != nullptr) {
        const std::lock_guard guard(guard_out_);
        code = ops().stats(endpoint_, &stats);
    }
    auto* const shaper = shaper_.load(std::memory_order_acquire);
    stats.paced = (stats.paced & ~JL_PACED_RUNTIME) |
                  (shaper != nullptr && shaper->holds_back() ? JL_PACED_RUNTIME : 0U);
    return code;
}

result<std::uint32_t> socket_object::leaf_statistics(std::span<jl_leaf_stats> leaves) {
    // A member of a session without a root knows the other members that it hears.
    const bool hears_members = multipoint() && connectionless();
    if ((role_ != role::root && !hears_members) || ops().leaves == nullptr) {
        return tl::unexpected(WSAEOPNOTSUPP);
    }
    std::uint32_t count = 0;
    const std::lock_guard guard(guard_out_);
    const auto code =
        ops().leaves(endpoint_, leaves.data(), static_cast<std::uint32_t>(leaves.size()), &count);
    if (code != 0) {
        return tl::unexpected(code);
    }
    return count;
}

} // namespace joinleaf::socket
