// SPDX-License-Identifier: Apache-2.0
//
// What WSAEnumProtocols and WSCEnumProtocols list. All functions are [any].
#pragma once

#include "runtime/catalog/entry.hpp"

#include "joinleaf/provider.h"

#include <tl/expected.hpp>

#include <optional>
#include <span>
#include <vector>

namespace joinleaf::catalog {

// visible: what applications are shown; all: with the hidden and the layered ones (CT-06, CT-07).
enum class listing_kind { visible, all };

// The entries of the listing, in catalog order (CT-09). protocols: iProtocol values to keep; nothing keeps
// all, an empty list none (CT-04).
std::vector<const entry*> listed(std::span<const entry> entries,
                                 std::optional<std::span<const int>> protocols, listing_kind kind);

// The room that so many infos of this size need, in bytes (CT-03).
DWORD bytes_needed(std::size_t count, std::size_t size_of_info);

// The infos of a listing in the form of the call.
template <class Info> std::vector<Info> infos_of(const std::vector<const entry*>& entries);
template <> std::vector<WSAPROTOCOL_INFOA> infos_of(const std::vector<const entry*>& entries);
template <> std::vector<WSAPROTOCOL_INFOW> infos_of(const std::vector<const entry*>& entries);

// Whether ids holds the id of every entry exactly once, as WSCWriteProviderOrder wants it (CT-29).
bool is_whole_order(std::span<const entry> entries, std::span<const DWORD> ids);

} // namespace joinleaf::catalog
