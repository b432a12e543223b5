// SPDX-License-Identifier: Apache-2.0
#include "runtime/catalog/words.hpp"

#include "joinleaf/provider.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <span>

namespace joinleaf::catalog {
namespace {

template <class Number> struct word {
    Number number;
    std::string_view text;
};

// IANA's number of PGM; Winsock calls it IPPROTO_RM.
constexpr int reliable_multicast = 113;

constexpr word<int> families[] = {{AF_UNSPEC, "any"}, {AF_INET, "inet"}, {AF_INET6, "inet6"}};

constexpr word<int> types[] = {{0, "any"},        {SOCK_STREAM, "stream"}, {SOCK_DGRAM, "dgram"},
                               {SOCK_RAW, "raw"}, {SOCK_RDM, "rdm"},       {SOCK_SEQPACKET, "seqpacket"}};

constexpr word<int> protocols[] = {{IPPROTO_TCP, "tcp"}, {IPPROTO_UDP, "udp"}, {reliable_multicast, "rm"}};

constexpr word<std::uint32_t> flags_of_roles[] = {{WSA_FLAG_MULTIPOINT_C_ROOT, "c_root"},
                                                  {WSA_FLAG_MULTIPOINT_C_LEAF, "c_leaf"},
                                                  {WSA_FLAG_MULTIPOINT_D_ROOT, "d_root"},
                                                  {WSA_FLAG_MULTIPOINT_D_LEAF, "d_leaf"}};

constexpr word<std::uint32_t> service_flags_named[] = {
    {XP1_CONNECTIONLESS, "connectionless"},
    {XP1_GUARANTEED_DELIVERY, "guaranteed_delivery"},
    {XP1_GUARANTEED_ORDER, "guaranteed_order"},
    {XP1_MESSAGE_ORIENTED, "message_oriented"},
    {XP1_PSEUDO_STREAM, "pseudo_stream"},
    {XP1_GRACEFUL_CLOSE, "graceful_close"},
    {XP1_EXPEDITED_DATA, "expedited_data"},
    {XP1_CONNECT_DATA, "connect_data"},
    {XP1_DISCONNECT_DATA, "disconnect_data"},
    {XP1_SUPPORT_BROADCAST, "support_broadcast"},
    {XP1_SUPPORT_MULTIPOINT, "support_multipoint"},
    {XP1_MULTIPOINT_CONTROL_PLANE, "multipoint_control_plane"},
    {XP1_MULTIPOINT_DATA_PLANE, "multipoint_data_plane"},
    {XP1_QOS_SUPPORTED, "qos_supported"},
    {XP1_INTERRUPT, "interrupt"},
    {XP1_UNI_SEND, "uni_send"},
    {XP1_UNI_RECV, "uni_recv"},
    {XP1_IFS_HANDLES, "ifs_handles"},
    {XP1_PARTIAL_MESSAGE, "partial_message"},
    {XP1_SAN_SUPPORT_SDP, "san_support_sdp"},
};

constexpr word<std::uint32_t> provider_flags_named[] = {
    {PFL_MULTIPLE_PROTO_ENTRIES, "multiple_proto_entries"},
    {PFL_RECOMMENDED_PROTO_ENTRY, "recommended_proto_entry"},
    {PFL_HIDDEN, "hidden"},
    {PFL_MATCHES_PROTOCOL_ZERO, "matches_protocol_zero"},
    {PFL_NETWORKDIRECT_PROVIDER, "networkdirect_provider"},
};

constexpr word<std::uint32_t> abilities_named[] = {
    {JL_CAN_INVITE, "invite"},
    {JL_CAN_ASK, "ask"},
    {JL_CAN_SIDE_CHAT, "side_chat"},
    {JL_CAN_MIX_ORDINARY, "ordinary"},
};

std::string word_of(int number, std::span<const word<int>> words) {
    for (const auto& row : words) {
        if (row.number == number) {
            return std::string{row.text};
        }
    }
    return std::to_string(number);
}

template <class Number>
std::optional<Number> number_of(std::string_view text, std::span<const word<Number>> words) {
    for (const auto& row : words) {
        if (row.text == text) {
            return row.number;
        }
    }
    return std::nullopt;
}

std::vector<std::string> bits(std::uint32_t value, std::span<const word<std::uint32_t>> words) {
    std::vector<std::string> names;
    for (const auto& row : words) {
        if ((value & row.number) != 0) {
            names.emplace_back(row.text);
            value &= ~row.number;
        }
    }
    if (value != 0) {
        names.push_back(fmt::format("{:#x}", value));
    }
    return names;
}

std::string_view plane_word(std::uint32_t service_flags, std::uint32_t plane) {
    if ((service_flags & XP1_SUPPORT_MULTIPOINT) == 0) {
        return "none";
    }
    return (service_flags & plane) != 0 ? "rooted" : "nonrooted";
}

constexpr std::uint32_t multipoint_flags = WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_C_LEAF |
                                           WSA_FLAG_MULTIPOINT_D_ROOT | WSA_FLAG_MULTIPOINT_D_LEAF;

} // namespace

std::string family_word(int family) {
    return word_of(family, families);
}
std::string type_word(int type) {
    return word_of(type, types);
}
std::string protocol_word(int protocol) {
    return word_of(protocol, protocols);
}

std::optional<int> family_number(std::string_view text) {
    return number_of<int>(text, families);
}
std::optional<int> type_number(std::string_view text) {
    return number_of<int>(text, types);
}

std::optional<int> protocol_number(std::string_view text) {
    if (const auto named = number_of<int>(text, protocols)) {
        return named;
    }
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    return whole && number >= 0 ? std::optional{number} : std::nullopt;
}

std::vector<std::string> flag_words(std::uint32_t flags) {
    return bits(flags & multipoint_flags, flags_of_roles);
}

std::optional<std::uint32_t> flag_number(std::string_view text) {
    return number_of<std::uint32_t>(text, flags_of_roles);
}

std::string flags_text(std::uint32_t flags) {
    const auto names = flag_words(flags);
    return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

std::vector<std::string> service_flag_words(std::uint32_t flags) {
    return bits(flags, service_flags_named);
}
std::vector<std::string> provider_flag_words(std::uint32_t flags) {
    return bits(flags, provider_flags_named);
}
std::vector<std::string> ability_words(std::uint32_t abilities) {
    return bits(abilities, abilities_named);
}

std::string_view control_plane_word(std::uint32_t service_flags) {
    return plane_word(service_flags, XP1_MULTIPOINT_CONTROL_PLANE);
}

std::string_view data_plane_word(std::uint32_t service_flags) {
    return plane_word(service_flags, XP1_MULTIPOINT_DATA_PLANE);
}

} // namespace joinleaf::catalog
