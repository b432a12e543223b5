// SPDX-License-Identifier: Apache-2.0
#include "entry.hpp"

#include "link.hpp"
#include "runtime.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

namespace joinleaf::cli {

namespace {

// A message that one Ethernet frame carries with its headers, IPv6 ones too.
constexpr std::size_t unfragmented = 1400;

// Header and the longest fixed payload, and some data.
constexpr std::size_t least_message = 2 * header_size + 64;

// dwMessageSize that means "limited by what the network takes at the moment".
constexpr DWORD limited_by_mtu = 1;

result<std::vector<WSAPROTOCOL_INFOA>> all_entries() {
    std::vector<WSAPROTOCOL_INFOA> infos(16);
    while (true) {
        auto size = static_cast<DWORD>(infos.size() * sizeof(WSAPROTOCOL_INFOA));
        const int count = WSAEnumProtocolsA(nullptr, infos.data(), &size);
        if (count != SOCKET_ERROR) {
            infos.resize(static_cast<std::size_t>(count));
            return infos;
        }
        if (WSAGetLastError() != WSAENOBUFS) {
            return fail_with_last_error(status::session, "cannot list the protocol entries");
        }
        infos.resize(size / sizeof(WSAPROTOCOL_INFOA) + 1);
    }
}

// The entries of one configured provider, or, called PROVIDER/ENTRY, that one alone.
std::set<DWORD> ids_of(const nlohmann::json& provider, const std::string& asked) {
    std::set<DWORD> ids;
    for (const nlohmann::json& row : list_of(provider, "entries")) {
        if (text_of(provider, "name") == asked || text_of(row, "full_name") == asked) {
            ids.insert(row.value("id", DWORD{0}));
        }
    }
    return ids;
}

result<std::set<DWORD>> ids_called(const std::string& asked) {
    const result<nlohmann::json> catalog = read_catalog();
    if (!catalog) {
        return tl::unexpected(catalog.error());
    }
    std::string names;
    for (const nlohmann::json& provider : list_of(*catalog, "providers")) {
        const std::string name = text_of(provider, "name");
        if (name == asked && text_of(provider, "state") != "loaded") {
            return fail(status::session, fmt::format("provider '{}' is {}: {}", asked,
                                                     text_of(provider, "state"), text_of(provider, "reason")));
        }
        if (std::set<DWORD> ids = ids_of(provider, asked); !ids.empty()) {
            return ids;
        }
        names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
    }
    return fail(status::session, fmt::format("there is no provider '{}'; configured are: {}", asked, names));
}

bool carries_transfers(const WSAPROTOCOL_INFOA& info) {
    constexpr DWORD needed = XP1_SUPPORT_MULTIPOINT | XP1_MESSAGE_ORIENTED;
    return (info.dwServiceFlags1 & needed) == needed;
}

// The reasons of the providers that could not even be asked.
std::string refusals() {
    std::string text;
    if (const result<nlohmann::json> catalog = read_catalog()) {
        for (const nlohmann::json& provider : list_of(*catalog, "providers")) {
            if (text_of(provider, "state") != "loaded") {
                text += fmt::format("\n  {} is {}: {}", text_of(provider, "name"), text_of(provider, "state"),
                                    text_of(provider, "reason"));
            }
        }
    }
    return text;
}

std::string nothing_fits(const std::string& provider, std::optional<int> family) {
    return fmt::format("no entry{} carries messages to many{}; 'joinleaf providers' shows what there is{}",
                       provider.empty() ? "" : fmt::format(" of '{}'", provider),
                       !family               ? ""
                       : *family == AF_INET6 ? " over IPv6"
                                             : " over IPv4",
                       provider.empty() ? refusals() : "");
}

} // namespace

std::string entry::name() const {
    const std::string_view label = info.szProtocol;
    return std::string(label.substr(0, label.find(' ')));
}

std::size_t entry::message_room() const {
    const std::size_t limit = info.dwMessageSize == limited_by_mtu ? unfragmented : info.dwMessageSize;
    return std::min(limit, reliable() ? greatest_message : unfragmented);
}

result<entry> choose_entry(const std::string& provider, std::optional<int> family) {
    const result<std::vector<WSAPROTOCOL_INFOA>> infos = all_entries();
    if (!infos) {
        return tl::unexpected(infos.error());
    }
    const result<std::set<DWORD>> ids = provider.empty() ? std::set<DWORD>() : ids_called(provider);
    if (!ids) {
        return tl::unexpected(ids.error());
    }
    const auto found = std::find_if(infos->begin(), infos->end(), [&](const WSAPROTOCOL_INFOA& info) {
        return carries_transfers(info) && (provider.empty() || ids->contains(info.dwCatalogEntryId)) &&
               (!family || info.iAddressFamily == *family);
    });
    if (found == infos->end()) {
        return fail(status::session, nothing_fits(provider, family));
    }
    if (entry with{*found}; with.message_room() >= least_message) {
        return with;
    }
    return fail(status::session, fmt::format("messages of '{}' have {} bytes, too few for a transfer",
                                             entry{*found}.name(), found->dwMessageSize));
}

} // namespace joinleaf::cli
