// SPDX-License-Identifier: Apache-2.0
#include "runtime/catalog/protocol_info.hpp"

#include "runtime/catalog/utf16.hpp"

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace joinleaf::catalog {
namespace {

// The namespace of joinleaf's providers: chosen once at random. Changing it changes every ProviderId.
constexpr boost::uuids::uuid provider_namespace{
    {0x6f, 0x1d, 0x0a, 0x52, 0x3c, 0x8e, 0x4b, 0x67, 0x9a, 0x41, 0xd2, 0x75, 0x0e, 0xb3, 0x58, 0xc4}};

constexpr DWORD highest_id = 0x7FFFFFFF;

// Both forms are alike up to the name.
constexpr std::size_t common_size = offsetof(WSAPROTOCOL_INFOW, szProtocol);
static_assert(common_size == offsetof(WSAPROTOCOL_INFOA, szProtocol));

DWORD hash(DWORD seed, std::string_view text) {
    // FNV-1a, 32 bits.
    for (const char c : text) {
        seed = (seed ^ static_cast<unsigned char>(c)) * 16777619U;
    }
    return seed;
}

void set_name(WSAPROTOCOL_INFOW& info, std::u16string_view name) {
    auto length = std::min<std::size_t>(name.size(), WSAPROTOCOL_LEN);
    const bool splits_a_pair = length < name.size() && name[length] >= 0xDC00 && name[length] <= 0xDFFF;
    length -= splits_a_pair ? 1 : 0;
    std::ranges::copy(name.substr(0, length), std::begin(info.szProtocol));
}

void set_name(WSAPROTOCOL_INFOA& info, std::string_view name) {
    auto length = std::min<std::size_t>(name.size(), WSAPROTOCOL_LEN);
    while (length < name.size() && length > 0 && (static_cast<unsigned char>(name[length]) & 0xC0U) == 0x80U) {
        --length;
    }
    std::ranges::copy(name.substr(0, length), std::begin(info.szProtocol));
}

} // namespace

GUID provider_guid(std::string_view name) {
    boost::uuids::name_generator_sha1 generate{provider_namespace};
    const auto made = generate(name.data(), name.size());
    const auto byte = [&made](std::size_t i) { return static_cast<DWORD>(made.data[i]); };
    GUID id{};
    id.Data1 = byte(0) << 24U | byte(1) << 16U | byte(2) << 8U | byte(3);
    id.Data2 = static_cast<WORD>(byte(4) << 8U | byte(5));
    id.Data3 = static_cast<WORD>(byte(6) << 8U | byte(7));
    std::copy(made.begin() + 8, made.end(), std::begin(id.Data4));
    return id;
}

GUID provider_id(const config::provider& item) {
    return item.id.empty() ? provider_guid(item.name) : guid_of(item.id);
}

std::string guid_text(const GUID& id) {
    const auto& tail = id.Data4;
    return fmt::format("{:08x}-{:04x}-{:04x}-{:02x}{:02x}-{:02x}{:02x}{:02x}{:02x}{:02x}{:02x}", id.Data1,
                       id.Data2, id.Data3, tail[0], tail[1], tail[2], tail[3], tail[4], tail[5], tail[6],
                       tail[7]);
}

GUID guid_of(std::string_view text) {
    const auto number = [&text](std::size_t at, std::size_t digits) {
        DWORD value = 0;
        std::from_chars(text.data() + at, text.data() + at + digits, value, 16);
        return value;
    };
    GUID id{};
    id.Data1 = number(0, 8);
    id.Data2 = static_cast<WORD>(number(9, 4));
    id.Data3 = static_cast<WORD>(number(14, 4));
    for (std::size_t i = 0; i < 8; ++i) {
        id.Data4[i] = static_cast<BYTE>(number(i < 2 ? 19 + 2 * i : 20 + 2 * i, 2));
    }
    return id;
}

DWORD wanted_id(std::string_view provider, std::string_view entry) {
    const DWORD wanted = hash(hash(hash(2166136261U, provider), "/"), entry) & highest_id;
    return wanted == 0 ? 1 : wanted;
}

DWORD next_id(DWORD id) {
    return id == highest_id ? 1 : id + 1;
}

WSAPROTOCOL_INFOW make_info(const jl_protocol& row, const GUID& provider, std::string_view label) {
    WSAPROTOCOL_INFOW info{};
    info.dwServiceFlags1 = row.service_flags;
    info.dwProviderFlags = row.provider_flags;
    info.ProviderId = provider;
    info.ProtocolChain.ChainLen = BASE_PROTOCOL;
    info.iVersion = 2;
    info.iAddressFamily = row.family;
    info.iMaxSockAddr = row.max_sockaddr;
    info.iMinSockAddr = row.min_sockaddr;
    info.iSocketType = row.socket_type;
    info.iProtocol = row.protocol;
    info.iProtocolMaxOffset = row.protocol_max_offset;
    info.iNetworkByteOrder = BIGENDIAN;
    info.iSecurityScheme = SECURITY_PROTOCOL_NONE;
    info.dwMessageSize = row.message_size;
    set_name(info, to_utf16(label));
    return info;
}

WSAPROTOCOL_INFOA to_narrow(const WSAPROTOCOL_INFOW& info) {
    WSAPROTOCOL_INFOA narrow{};
    std::memcpy(&narrow, &info, common_size);
    const std::u16string_view room{info.szProtocol, std::size(info.szProtocol)};
    set_name(narrow, to_utf8(room.substr(0, room.find(u'\0'))));
    return narrow;
}

WSAPROTOCOL_INFOW to_wide(const WSAPROTOCOL_INFOA& info) {
    WSAPROTOCOL_INFOW wide{};
    std::memcpy(&wide, &info, common_size);
    const std::string_view room{info.szProtocol, std::size(info.szProtocol)};
    set_name(wide, to_utf16(room.substr(0, room.find('\0'))));
    return wide;
}

} // namespace joinleaf::catalog
