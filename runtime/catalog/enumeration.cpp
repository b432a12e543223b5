// SPDX-License-Identifier: Apache-2.0
#include "runtime/catalog/enumeration.hpp"

#include "runtime/catalog/protocol_info.hpp"

#include <algorithm>

namespace joinleaf::catalog {
namespace {

bool is_listed(const entry& each, std::optional<std::span<const int>> protocols, listing_kind kind) {
    const bool hidden = (each.info.dwProviderFlags & PFL_HIDDEN) != 0;
    const bool lone_layer = each.info.ProtocolChain.ChainLen == LAYERED_PROTOCOL;
    if (kind == listing_kind::visible && (hidden || lone_layer)) {
        return false;
    }
    return !protocols || std::ranges::find(*protocols, each.info.iProtocol) != protocols->end();
}

} // namespace

std::vector<const entry*> listed(std::span<const entry> entries,
                                 std::optional<std::span<const int>> protocols, listing_kind kind) {
    std::vector<const entry*> found;
    for (const auto& each : entries) {
        if (is_listed(each, protocols, kind)) {
            found.push_back(&each);
        }
    }
    return found;
}

DWORD bytes_needed(std::size_t count, std::size_t size_of_info) {
    return static_cast<DWORD>(count * size_of_info);
}

template <> std::vector<WSAPROTOCOL_INFOA> infos_of(const std::vector<const entry*>& entries) {
    std::vector<WSAPROTOCOL_INFOA> infos;
    infos.reserve(entries.size());
    for (const auto* each : entries) {
        infos.push_back(to_narrow(each->info));
    }
    return infos;
}

template <> std::vector<WSAPROTOCOL_INFOW> infos_of(const std::vector<const entry*>& entries) {
    std::vector<WSAPROTOCOL_INFOW> infos;
    infos.reserve(entries.size());
    for (const auto* each : entries) {
        infos.push_back(each->info);
    }
    return infos;
}

bool is_whole_order(std::span<const entry> entries, std::span<const DWORD> ids) {
    return ids.size() == entries.size() && std::ranges::all_of(entries, [&ids](const entry& each) {
               return std::ranges::count(ids, each.id) == 1;
           });
}

} // namespace joinleaf::catalog
