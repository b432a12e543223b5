// SPDX-License-Identifier: Apache-2.0
#include "instance.hpp"

#include "branch.hpp"
#include "devices.hpp"
#include "engine_module.hpp"
#include "group_socket.hpp"
#include "leaf.hpp"
#include "root.hpp"

#include <array>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>
#include <netinet/in.h>

namespace joinleaf::rdma {
namespace {

constexpr jl_protocol rooted_entry(const char* name, int family, int address_size) {
    return {sizeof(jl_protocol),
            name,
            XP1_GUARANTEED_DELIVERY | XP1_GUARANTEED_ORDER | XP1_GRACEFUL_CLOSE | XP1_MESSAGE_ORIENTED |
                XP1_CONNECT_DATA | XP1_SUPPORT_MULTIPOINT | XP1_MULTIPOINT_CONTROL_PLANE |
                XP1_MULTIPOINT_DATA_PLANE,
            PFL_MATCHES_PROTOCOL_ZERO,
            family,
            SOCK_SEQPACKET,
            0,
            0,
            address_size,
            address_size,
            wire::message_max,
            static_cast<std::uint32_t>(wire::data_max),
            static_cast<std::uint32_t>(wire::data_max),
            JL_CAN_INVITE | JL_CAN_ASK};
}

constexpr jl_protocol group_entry(const char* name, int family, int address_size) {
    return {sizeof(jl_protocol),
            name,
            XP1_CONNECTIONLESS | XP1_MESSAGE_ORIENTED | XP1_GUARANTEED_ORDER | XP1_SUPPORT_MULTIPOINT,
            PFL_MATCHES_PROTOCOL_ZERO,
            family,
            SOCK_DGRAM,
            0,
            0,
            address_size,
            address_size,
            wire::group_message_max,
            0,
            0,
            0};
}

constexpr std::array<jl_protocol, 4> entries{
    rooted_entry("rooted-ipv4", AF_INET, sizeof(sockaddr_in)),
    rooted_entry("rooted-ipv6", AF_INET6, sizeof(sockaddr_in6)),
    group_entry("group-ipv4", AF_INET, sizeof(sockaddr_in)),
    group_entry("group-ipv6", AF_INET6, sizeof(sockaddr_in6)),
};

constexpr auto pointers = provider::pointers_to(entries);

constexpr std::uint32_t c_flags = WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_C_LEAF;
constexpr std::uint32_t d_flags = WSA_FLAG_MULTIPOINT_D_ROOT | WSA_FLAG_MULTIPOINT_D_LEAF;

void hand_out(const std::shared_ptr<endpoint>& made, endpoint*& out) {
    made->hand_over();
    out = made.get();
}

} // namespace

std::span<const jl_protocol* const> protocol_table() noexcept {
    return pointers;
}

instance::instance(const jl_create& create)
    : limits_(std::make_shared<const settings>(read_settings(create))) {
    if (const auto missing = missing_engine(*limits_); !missing.empty()) {
        throw std::system_error(ENETDOWN, std::generic_category(), missing);
    }
}

tl::expected<engine*, failure> instance::way() {
    const std::lock_guard hold(mutex_);
    if (!engine_) {
        auto chosen = choose_engine(*limits_);
        if (!chosen) {
            return tl::unexpected(chosen.error());
        }
        engine_ = std::move(chosen->made);
        reason_ = chosen->reason;
        log_line(JL_LOG_INFO, "rdma: " + reason_ + "; " + sentence(look()));
    }
    return engine_.get();
}

std::int32_t instance::open(jl_handle* handle, jl_open& open, endpoint*& out) {
    open.fd = -1;
    open.fd_kind = JL_FD_NONE;
    if (entries.at(open.protocol_index).socket_type == SOCK_DGRAM) {
        return open_member(handle, open, out);
    }
    return open.parent != nullptr ? open_child(handle, open, out) : open_first(handle, open, out);
}

void instance::facts(std::uint32_t protocol_index,
                     void (*fact)(void* context, const char* key, const char* sentence), void* context) {
    const auto device = way();
    const std::string engine = device ? reason_ : "none: " + device.error().sentence;
    fact(context, "engine", engine.c_str());
    fact(context, "devices", sentence(look()).c_str());
    const bool fits =
        limits_->multicast.size != 0 && limits_->multicast.family() == entries.at(protocol_index).family;
    if (!fits) {
        return;
    }
    const group_figures now = limits_->record->figures();
    const std::string trouble = limits_->record->trouble();
    const std::string group =
        trouble.empty()
            ? fmt::format(
                  "group {}: {} leaves hear it; {} datagrams were sent there, {} once more to one leaf, "
                  "after {} requests",
                  limits_->group, now.leaves, now.datagrams, now.repairs, now.requests)
            : fmt::format("group {}: {}; every leaf is served by its own connection", limits_->group, trouble);
    fact(context, "multicast", group.c_str());
}

std::int32_t instance::open_first(jl_handle* handle, jl_open& open, endpoint*& out) {
    const int family = entries.at(open.protocol_index).family;
    const std::uint32_t c = open.flags & c_flags;
    const std::uint32_t d = open.flags & d_flags;
    if (c == 0 || c == c_flags || d == 0 || d == d_flags) {
        return WSAEINVAL;
    }
    const bool is_root = c == WSA_FLAG_MULTIPOINT_C_ROOT;
    const auto data = d == WSA_FLAG_MULTIPOINT_D_ROOT ? wire::data_role::root : wire::data_role::leaf;
    const auto device = way();
    if (!device) {
        explain(device.error().sentence);
        return device.error().code;
    }
    const auto role = is_root ? wire::control_role::root : wire::control_role::leaf;
    const auto home = std::make_shared<hub>(handle, limits_, role, data);
    if (auto opened = home->open(**device, family); !opened) {
        explain(opened.error().sentence);
        return opened.error().code;
    }
    if (is_root) {
        hand_out(std::make_shared<root>(handle, home, *limits_, family), out);
    } else {
        hand_out(std::make_shared<leaf>(handle, home, limits_, family, false), out);
    }
    return 0;
}

// Where the engine has no multicast, the search goes on to another transport for datagrams (CT-50).
std::int32_t instance::open_member(jl_handle* handle, const jl_open& open, endpoint*& out) {
    if ((open.flags & (c_flags | d_flags)) != (WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF)) {
        return WSAEINVAL;
    }
    const auto device = way();
    if (!device) {
        explain(device.error().sentence);
        return device.error().code;
    }
    if (const auto why = (*device)->lacks_multicast(); !why.empty()) {
        explain(why);
        return WSAEINPROGRESS;
    }
    const int family = entries.at(open.protocol_index).family;
    const auto made = std::make_shared<group_socket>(handle, limits_, family);
    if (auto opened = made->open(**device); !opened) {
        explain(opened.error().sentence);
        return opened.error().code;
    }
    hand_out(made, out);
    return 0;
}

// A socket that comes from a root is the root's for one leaf; one that comes from a listening leaf is the leaf's member
// socket (AC-27).
std::int32_t instance::open_child(jl_handle* handle, const jl_open& open, endpoint*& out) const {
    const int family = entries.at(open.protocol_index).family;
    auto* const parent = reinterpret_cast<endpoint*>(open.parent);
    if (auto* const inviter = dynamic_cast<root*>(parent)) {
        hand_out(std::make_shared<branch>(handle, inviter->home(), family), out);
        return 0;
    }
    if (auto* const listener = dynamic_cast<leaf*>(parent)) {
        hand_out(std::make_shared<leaf>(handle, listener->home(), limits_, family, true), out);
        return 0;
    }
    return WSAEINVAL;
}

} // namespace joinleaf::rdma
